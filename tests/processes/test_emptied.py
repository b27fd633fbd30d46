"""A data set that is emptied, or comes back older, under nodes that stay: nobody takes anybody's place."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.bare_wire import WireClosed
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.servers import Server, available_servers
from tests.support.wire import Wire, pair

QUICK = {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "1", "CHAT_NODE_LEASE_SECONDS": "6"}


@contextmanager
def house() -> Iterator[tuple[Server, NodeProcess, NodeProcess]]:
    with (
        Server(available_servers()[0]) as server,
        NodeProcess(server.url, QUICK) as node,
        NodeProcess(server.url, QUICK) as other,
    ):
        yield server, node, other


async def rest(wire: Wire) -> tuple[list[str], int]:
    """The commands that a closed socket still had for its client, and the code it was closed with."""
    commands = []
    try:
        while True:
            commands.append((await wire.receive())["cmd"])
    except WireClosed as closed:
        return commands, closed.code


def test_everything_is_flushed() -> None:
    """A new account has the number of an old one, whose socket is let go before it hears a word."""

    async def scenario(server: Server, node: NodeProcess, other: NodeProcess) -> None:
        old = await Wire.open(node.url)
        await old.create("Old")
        with server.client() as client:
            client.flushall()
        new, third = await Wire.open(other.url), await Wire.open(other.url)
        await new.create("New")
        assert new.account_id == old.account_id
        await third.create("Third")
        await new.match()
        met = await third.match()
        await third.say(met["sessionId"], "for New only")
        await new.expect("PUSH_SIGNAL_REQ", signalType="NewSession")
        await new.expect("PUSH_DIALOGUE_REQ", content="for New only")
        assert await rest(old) == ([], 1001)
        again = await Wire.open(other.url)
        assert (await again.take_over(old))["code"] == 4

    with house() as (server, node, other):
        asyncio.run(scenario(server, node, other))


def test_after_a_flush_a_node_starts() -> None:
    """It loads the library anew, and nobody has to wait for ever because of that."""

    async def scenario(server: Server, node: NodeProcess, other: NodeProcess) -> None:
        with server.client() as client:
            client.flushall()
        a, b, session = await pair(node.url, other.url)
        with NodeProcess(server.url, QUICK):
            async with asyncio.timeout(5):
                while (answer := await a.say(session, "hello", "r", retry=True))["code"] == 2:
                    await a.nothing()
            assert answer["msgId"] == 1
            await b.expect("PUSH_DIALOGUE_REQ", content="hello")

    with house() as (server, node, other):
        asyncio.run(scenario(server, node, other))


def test_a_session_that_is_lost_is_not_another_one() -> None:
    """Redis comes back without the last match: what was said in that session reaches nobody else."""

    async def scenario(server: Server, node: NodeProcess, other: NodeProcess) -> None:
        a, b, c = [await Wire.open(url) for url in (node.url, other.url, other.url)]
        for wire in a, b, c:
            await wire.create()
        with server.client() as client:
            client.save()
        await b.match()
        lost = (await a.match())["sessionId"]
        assert (await a.say(lost, "for b only", "r"))["code"] == 0
        server.kill()
        await asyncio.to_thread(server.start)
        await meets(c, 4)
        found = await meets(a, 0)
        assert found["partnerId"] == c.account_id
        assert found["sessionId"] != lost
        assert (await a.say(lost, "for b only", "r", retry=True))["code"] == 4
        assert (await a.say(found["sessionId"], "for c"))["code"] == 0
        await c.expect("PUSH_SIGNAL_REQ", signalType="NewSession")
        await c.expect("PUSH_DIALOGUE_REQ", content="for c")

    with house() as (server, node, other):
        asyncio.run(scenario(server, node, other))


async def meets(wire: Wire, code: int) -> dict[str, int]:
    """Asks until Redis is back; the answer then."""
    async with asyncio.timeout(10):
        while (answer := await wire.match())["code"] == 2:
            await wire.nothing()
    assert answer["code"] == code
    return answer
