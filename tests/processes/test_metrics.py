"""What ``/metrics`` of real nodes says of what people did to them (limits: test_metrics_limits; how it is
answered: test_metrics_answers)."""

import asyncio

from tests.processes.scrape import grows, nodes, read, value
from tests.support.nodes import NodeProcess
from tests.support.process import wait_until
from tests.support.wire import Wire, pair


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
