"""Workers that cannot begin: the reason is told once, in one line, and nothing is left running."""

import signal
import socket
from contextlib import closing

import pytest

from tests.processes.test_settings import refused
from tests.support.process import HOST, free_port, wait_until
from tests.support.proxy import ProxyThread
from tests.support.servers import Server, available_servers
from tests.support.workers import QUICK, WorkersProcess, some_port, wait_gone

SOMEWHERE = "redis://127.0.0.1:1/0"


def test_a_redis_that_is_not_there() -> None:
    """One worker says so, the others do not even try."""
    port = free_port()
    line = refused("--workers", "3", "--redis-url", f"redis://user:secret@{HOST}:{port}/0")
    assert f"{HOST}:{port}" in line
    assert "secret" not in line


@pytest.mark.parametrize("number", ["2", "0"])
def test_the_embedded_server_is_not_shared(number: str) -> None:
    """The line says what to set."""
    assert refused("--workers", number) == (
        "chat: --workers needs a Redis that the workers share (--redis-url or CHAT_REDIS_URL):"
        " the embedded server is inside one node"
    )
    assert "CHAT_WORKERS needs a Redis" in refused(env={"CHAT_WORKERS": number})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--workers", "many"), "--workers: 'many' is not a whole number"),
        (("--workers", "-1"), "--workers: -1 is below 0"),
        (("--workers", "257"), "--workers: 257 is above 256"),
        (("--workers", "2", "--worker-port", "65535"), "from 65535 on: the last is 65535"),
        (("--workers", "2", "--redis-url", "nonsense"), "URL"),
        (("--workers", "2", "--trusted-proxies", "10.0.0.0/99"), "CHAT_TRUSTED_PROXIES"),
    ],
)
def test_settings_that_cannot_be(arguments: tuple[str, ...], said: str) -> None:
    """Whoever finds it, the parent or the first worker."""
    url = () if "--redis-url" in arguments else ("--redis-url", SOMEWHERE)
    assert said in refused(*url, *arguments)


def test_a_port_in_use() -> None:
    """The shared one, and the own one of the last worker."""
    port = some_port() + 1
    with closing(socket.create_server((HOST, port))):
        common = ("--redis-url", SOMEWHERE, "--workers", "2")
        assert f"{HOST}:{port}" in refused(*common, "--port", str(port))
        line = refused(*common, "--worker-port", str(port - 1))
        assert f"{HOST}:{port}" in line
        assert line.endswith("; worker 2 listens there alone (CHAT_WORKER_PORT)")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_they_have_begun(number: signal.Signals) -> None:
    """While the first waits for a Redis that does not answer: exit code 0, and nothing is left."""
    with Server(available_servers()[0]) as server, ProxyThread(server.port) as proxy:
        proxy.set(silent=True)
        workers = WorkersProcess(f"redis://{HOST}:{proxy.port}/0", 2, QUICK)
        with closing(workers):
            workers.launch()
            wait_until(lambda: proxy.do(lambda proxy: proxy.passages), "it waits for Redis")
            (pid,) = workers.pids().values()
            workers.signal(number)
            assert workers.wait(10) == 0
            wait_gone(pid)
            assert "told to stop before it had begun" in workers.log()
            assert "Traceback" not in workers.log()


def test_the_first_worker_is_killed_before_it_is_ready() -> None:
    """It could not say anything, so its parent does."""
    with Server(available_servers()[0]) as server, ProxyThread(server.port) as proxy:
        proxy.set(silent=True)
        workers = WorkersProcess(f"redis://{HOST}:{proxy.port}/0", 2, QUICK)
        with closing(workers):
            workers.launch()
            wait_until(lambda: proxy.do(lambda proxy: proxy.passages), "it waits for Redis")
            workers.signal_worker(1, signal.SIGKILL)
            assert workers.wait(10) == 1
            assert workers.log() == (
                "chat: the first worker has ended by SIGKILL before it was ready\n"
            )
