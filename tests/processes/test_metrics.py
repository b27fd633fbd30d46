"""What ``/metrics`` of real nodes says of what people did to them."""

import asyncio
import contextlib
import http.client
from collections.abc import Iterator

import pytest
from picows import WSHandshakeError
from prometheus_client.parser import text_string_to_metric_families

from chat.config import SETTINGS
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import HOST, wait_until
from tests.support.servers import Server, available_servers
from tests.support.wire import Wire, pair

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

QUICK = {**NO_LIMITS, "CHAT_NODE_LEASE_SECONDS": "1.5", "CHAT_REDIS_TIMEOUT_SECONDS": "1"}


@contextlib.contextmanager
def nodes(number: int, **settings: str) -> Iterator[tuple[Server, list[NodeProcess]]]:
    with Server(available_servers()[0]) as server, contextlib.ExitStack() as stack:
        started = [NodeProcess(server.url, {**QUICK, **settings}) for _ in range(number)]
        for node in started:
            stack.callback(node.close)
            node.launch()
        for node in started:
            node.wait_ready()
        yield server, started


def read(node: NodeProcess) -> Series:
    status, text = node.get("/metrics")
    assert status == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(series: Series, name: str, **labels: str) -> float:
    """0 where nothing has been counted yet."""
    return series.get((name, frozenset(labels.items())), 0.0)


def grows(node: NodeProcess, name: str, least: float, **labels: str) -> float:
    """What it is when it is as large as that."""
    wait_until(lambda: value(read(node), name, **labels) >= least, f"{name} {labels} is {least}")
    return value(read(node), name, **labels)


def test_what_people_do_is_counted() -> None:
    """On each node what its own sockets asked and got; of the pool as a whole the same on both."""

    async def scenario(one: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(one.url, other.url)
        for number in range(20):
            await b.say(session, f"hello {number}")
            await a.expect("PUSH_DIALOGUE_REQ")
        lonely = await Wire.open(one.url)
        await lonely.create("Carol")
        assert (await lonely.match())["code"] == 4
        here, there = read(one), read(other)
        assert value(here, "chat_sockets") == value(here, "chat_accounts") == 2
        assert value(there, "chat_sockets") == value(there, "chat_accounts") == 1
        assert value(there, "chat_messages_total") == 20
        assert value(here, "chat_messages_total") == 0
        said = {"command": "dialogue", "code": "0"}
        assert value(there, "chat_command_seconds_count", **said) == 20
        assert 0 < value(there, "chat_command_seconds_sum", **said) < 20
        waits = {"command": "match", "code": "4"}
        assert value(here, "chat_command_seconds_count", **waits) == 2
        assert value(there, "chat_matches_total") == 1
        assert value(there, "chat_match_wait_seconds_count") == 1
        assert value(here, "chat_push_seconds_count") == 2, "of 21 pushes the 8th and the 16th"
        assert 0 <= value(here, "chat_push_seconds_sum") < 2, "the two clocks are not exactly one"
        for node in one, other:
            await asyncio.to_thread(grows, node, "chat_pool_longest_wait_seconds", 0.1, pool="0")
            found = read(node)
            assert value(found, "chat_pool_waiting", pool="0") == 1
            assert value(found, "chat_pool_sessions", pool="0") == 1
            assert value(found, "chat_pool_nodes", pool="0") == 2
            assert value(found, "chat_pool_accounts", pool="0", state="online") == 3
            assert value(found, "chat_pool_accounts", pool="0", state="away") == 0
        for wire in a, b, lonely:
            await wire.close(1000)

    with nodes(2) as (_, (one, other)):
        asyncio.run(scenario(one, other))
        assert grows(one, "chat_sockets_closed_total", 2, code="1000") == 2
        assert value(read(one), "chat_sockets_opened_total") == 2
        assert value(read(one), "chat_sockets") == 0


def test_each_pool_is_told_of() -> None:
    """By every node the same, of the people in it."""

    async def scenario(one: NodeProcess, other: NodeProcess) -> None:
        wires = [await Wire.open(one.url) for _ in range(3)]
        for wire in wires:
            await wire.create("Somebody")
        for node in one, other:
            for pool, number in ("0", 2), ("1", 1):
                labels = {"pool": pool, "state": "online"}
                await asyncio.to_thread(grows, node, "chat_pool_accounts", number, **labels)
                found = read(node)
                assert value(found, "chat_pool_accounts", **labels) == number
                assert value(found, "chat_pool_nodes", pool=pool) == 2
                assert value(found, "chat_pool_link_up", pool=pool) == 1
        for wire in wires:
            await wire.close(1000)

    with nodes(2, CHAT_POOLS="2", CHAT_POOL_ACCOUNTS="2") as (_, (one, other)):
        asyncio.run(scenario(one, other))


def test_limits_are_counted_by_the_setting_that_they_are() -> None:
    """Each by the name of its setting, but for the bytes that wait unread."""

    async def scenario(node: NodeProcess) -> None:
        wire = await Wire.open(node.url)
        await wire.create("Alice")
        for _ in range(9):
            wire.send({"cmd": "MATCH_CANCEL_REQ", "accountId": wire.account_id})
        while (await wire.receive())["code"] != 6:
            pass
        second = await Wire.open(node.url)
        answer = await second.request("CRT_ACCOUNT", nickName="Bob")
        assert answer["code"] == 6
        with pytest.raises(WSHandshakeError):
            await Wire.open(node.url)  # a third from this address
        with pytest.raises(WSHandshakeError):
            await Wire.open(node.url, {"Origin": "https://elsewhere.example"})

    limits = {
        "CHAT_COMMANDS_PER_SECOND": "1",
        "CHAT_COMMANDS_BURST": "5",
        "CHAT_ACCOUNTS_PER_MINUTE": "1",
        "CHAT_SOCKETS_PER_ADDRESS": "2",
        "CHAT_HANDSHAKE_SECONDS": "1",
    }
    with nodes(1, **limits) as (_, (node,)):
        asyncio.run(scenario(node))
        names = {setting.name for setting in SETTINGS} | {"unread_bytes"}
        for limit in (
            "commands_per_second",
            "accounts_per_minute",
            "sockets_per_address",
            "allowed_origins",
        ):
            assert limit in names
            assert grows(node, "chat_limits_hit_total", 1, limit=limit) >= 1
        assert value(read(node), "chat_limits_hit_total", limit="unread_bytes") == 0


def test_limits_of_accounts_are_counted_too() -> None:
    """Sessions, what waits in an inbox, and who has no account yet."""

    async def scenario(node: NodeProcess) -> None:
        a, b, session = await pair(node.url, node.url)
        while (await b.say(session, "hello"))["code"] == 0:
            pass
        a.acknowledge(await a.expect("PUSH_DIALOGUE_REQ"))
        assert (await b.match())["code"] == 5
        lonely = [await Wire.open(node.url) for _ in range(2)]
        with pytest.raises(WSHandshakeError):
            await Wire.open(node.url)
        for wire in lonely:
            await wire.close(1000)

    limits = {
        "CHAT_SESSIONS_PER_ACCOUNT": "1",
        "CHAT_INBOX_LENGTH": "2",
        "CHAT_SOCKETS_WITHOUT_ACCOUNT": "2",
    }
    with nodes(1, **limits) as (_, (node,)):
        asyncio.run(scenario(node))
        found = read(node)
        for limit in "sessions_per_account", "inbox_length", "sockets_without_account":
            assert value(found, "chat_limits_hit_total", limit=limit) == 1, limit


def test_a_socket_without_an_account_is_counted_as_one() -> None:
    """With its close code, and as the setting that it is."""

    async def scenario(node: NodeProcess) -> None:
        await Wire.open(node.url)
        await asyncio.to_thread(grows, node, "chat_limits_hit_total", 1, limit="handshake_seconds")

    with nodes(1, CHAT_HANDSHAKE_SECONDS="1") as (_, (node,)):
        asyncio.run(scenario(node))
        assert value(read(node), "chat_sockets_closed_total", code="4004") == 1


def test_no_client_makes_series() -> None:
    """Whatever code it closes with, whatever it calls its commands."""

    async def scenario(node: NodeProcess) -> None:
        for code in (*range(3000, 3030), *range(4000, 4010)):
            wire = await Wire.open(node.url)
            wire.send({"cmd": f"NONSENSE_{code}_REQ"})
            await wire.receive()
            await wire.close(code)

    with nodes(1) as (_, (node,)):
        before = len(read(node))
        asyncio.run(scenario(node))
        assert grows(node, "chat_sockets_closed_total", 40, code="other") == 40
        for limit in "handshake_seconds", "unread_bytes":
            assert value(read(node), "chat_limits_hit_total", limit=limit) == 0
        malformed = {"command": "malformed", "code": "1"}
        assert value(read(node), "chat_command_seconds_count", **malformed) == 40
        new_histogram = 15
        assert len(read(node)) <= before + new_histogram + 2


def test_an_interrupted_link_is_counted_and_seen() -> None:
    """While Redis is away the node is not ready, and says so here too; afterwards it was one more."""
    with nodes(1) as (server, (node,)):
        assert value(read(node), "chat_link_up") == value(read(node), "chat_ready") == 1
        assert value(read(node), "chat_pool_link_up", pool="0") == 1
        server.kill()
        wait_until(lambda: value(read(node), "chat_link_up") == 0, "the link is down")
        assert value(read(node), "chat_pool_link_up", pool="0") == 0
        wait_until(lambda: value(read(node), "chat_ready") == 0, "it is not ready")
        server.start()
        wait_until(lambda: value(read(node), "chat_ready") == 1, "it is ready again")
        assert value(read(node), "chat_link_reconnects_total") == 1


def test_who_is_swept_is_counted_by_the_one_who_sweeps() -> None:
    """Made away after their node was killed, ended after the grace time."""

    async def scenario(one: NodeProcess, other: NodeProcess) -> None:
        wire = await Wire.open(one.url)
        await wire.create("Alice")
        one.kill()
        for outcome in "away", "ended":
            await asyncio.to_thread(grows, other, "chat_swept_accounts_total", 1, outcome=outcome)

    with nodes(2, CHAT_GRACE_SECONDS="1") as (_, (one, other)):
        asyncio.run(scenario(one, other))
        assert value(read(other), "chat_sweeps_total") == 2


def test_what_comes_from_the_inbox_is_counted_as_that() -> None:
    """What was said while somebody was away."""

    async def scenario(node: NodeProcess) -> None:
        a, b, session = await pair(node.url, node.url)
        a.abort()
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        for number in range(5):
            await b.say(session, str(number))
        before = value(read(node), "chat_replayed_pushes_total")
        back = await Wire.open(node.url)
        await back.take_over(a, seq=1)
        for number in range(5):
            await back.expect("PUSH_DIALOGUE_REQ", content=str(number))
        assert value(read(node), "chat_replayed_pushes_total") >= before + 5

    with nodes(1) as (_, (node,)):
        asyncio.run(scenario(node))


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
