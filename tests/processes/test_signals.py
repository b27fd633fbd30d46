"""Signals at moments when nobody expects them: the exit code is 0, and no traceback is written."""

import signal

import pytest

from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import wait_until
from tests.support.proxy import ProxyThread
from tests.support.servers import Server, available_servers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_before_it_has_begun(number: signal.Signals) -> None:
    """While it waits for a Redis that does not answer."""
    with Server(available_servers()[0]) as server, ProxyThread(server.port) as proxy:
        proxy.set(silent=True)
        node = NodeProcess(f"redis://127.0.0.1:{proxy.port}/0", NO_LIMITS)
        try:
            node.launch()
            wait_until(lambda: proxy.do(lambda proxy: proxy.passages), "it waits for Redis")
            node.signal(number)
            assert node.wait(10) == 0
            assert "told to stop before it had begun" in node.log()
            assert "Traceback" not in node.log()
        finally:
            node.close()


def test_again_and_again() -> None:
    """Also in the last moments, while it gives its lease back to a Redis that stands still."""
    with (
        Server(available_servers()[0]) as server,
        NodeProcess(server.url, {**NO_LIMITS, "CHAT_DRAIN_SECONDS": "0"}) as node,
    ):
        server.pause()
        try:
            node.signal(signal.SIGTERM)

            def ended() -> bool:
                node.signal(signal.SIGTERM)
                return not node.running

            wait_until(ended, "it has ended", timeout=15)
        finally:
            server.resume()
        assert node.exit_code == 0
        assert "Traceback" not in node.log()
