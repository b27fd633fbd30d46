"""How a real node answers to ``/metrics``: whom, in which format, and without a word about people."""

import asyncio
import contextlib
import http.client

import pytest

from tests.processes.scrape import nodes, read
from tests.support.nodes import NodeProcess
from tests.support.process import HOST
from tests.support.wire import pair


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_it_is_not_for_the_public(header: str) -> None:
    """What a proxy passes on gets 404."""
    with nodes(1) as (_, (node,)):
        connection = http.client.HTTPConnection(HOST, node.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics", headers={header: "203.0.113.7"})
            assert connection.getresponse().status == 404


def test_both_formats_are_spoken() -> None:
    """Prometheus asks for OpenMetrics, which ends with its mark; a person gets the plain text."""
    with nodes(1) as (_, (node,)):
        connection = http.client.HTTPConnection(HOST, node.port, timeout=5)
        with contextlib.closing(connection):
            accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1"
            connection.request("GET", "/metrics", headers={"Accept": accept})
            answer = connection.getresponse()
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
            assert answer.read().endswith(b"# EOF\n")
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            assert answer.headers["Content-Type"].startswith("text/plain")
            assert b"# HELP chat_sockets Open sockets.\n" in answer.read()


def test_no_accept_header_is_an_error() -> None:
    """Versions that are none, and what is no header at all: an answer as any other, and nothing in the log."""
    kind = "application/openmetrics-text"
    odd = [
        f"{kind}; version=abc",
        f"{kind};version=9.9.9",
        f"{kind};version=\xb2.0.0",
        ";;=,",
        "\xff",
        kind * 500,
    ]
    with nodes(1) as (_, (node,)):
        connection = http.client.HTTPConnection(HOST, node.port, timeout=5)
        with contextlib.closing(connection):
            for accept in odd:
                for method in "GET", "HEAD":
                    connection.request(method, "/metrics", headers={"Accept": accept})
                    answer = connection.getresponse()
                    assert (answer.status, answer.read() == b"") == (200, method == "HEAD")
                    assert "charset=utf-8" in answer.headers["Content-Type"]
                    assert "9.9.9" not in answer.headers["Content-Type"]
        assert "Traceback" not in node.log_since_start()


def test_nothing_about_people_is_in_it() -> None:
    """No name, no content, no token, no address."""

    async def scenario(node: NodeProcess) -> None:
        a, b, session = await pair(node.url, node.url)
        await b.say(session, "a-secret-word")
        await a.expect("PUSH_DIALOGUE_REQ")
        _, text = node.get("/metrics")
        for secret in "a-secret-word", a.token, b.token, "Alice", HOST:
            assert secret not in text, secret
        labels = {value for _, labels in read(node) for name, value in labels if name != "code"}
        assert not labels & {str(a.account_id), str(b.account_id), str(session)}

    with nodes(1) as (_, (node,)):
        asyncio.run(scenario(node))
