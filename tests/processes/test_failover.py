"""Redis fails over under two nodes that find it by its sentinels: people go on talking."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

import pytest

from tests.support.frames import Frame
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.sentinels import SERVICE, Flock, flock
from tests.support.servers import Server
from tests.support.wire import Wire, pair

QUICK = {
    **NO_LIMITS,
    "CHAT_REDIS_TIMEOUT_SECONDS": "0.8",
    "CHAT_NODE_LEASE_SECONDS": "4",
    "CHAT_GRACE_SECONDS": "60",
}
PATIENCE = 30


@contextmanager
def house(
    env: Mapping[str, str] = QUICK, replicas: int = 2
) -> Iterator[tuple[Flock, NodeProcess, NodeProcess]]:
    """Three Redis, three sentinels, two nodes."""
    with (
        flock(replicas=replicas) as made,
        NodeProcess(made.url, env) as node,
        NodeProcess(made.url, env) as other,
    ):
        yield made, node, other


async def said(wire: Wire, session: int, text: str) -> Frame:
    """Says it until it is confirmed, as a client does."""
    retry = None
    async with asyncio.timeout(PATIENCE):
        while (answer := await wire.say(session, text, f"r-{text}", retry))["code"] == 2:
            retry = True
            await wire.nothing()
    assert answer["code"] == 0, answer
    return answer


async def talk(a: Wire, b: Wire, session: int, *texts: str) -> None:
    """Both say them, and hear each other."""
    for text in texts:
        for speaker, listener in ((a, b), (b, a)):
            await said(speaker, session, f"{text} of {speaker.name}")
            await listener.expect("PUSH_DIALOGUE_REQ", content=f"{text} of {speaker.name}")


def kill(made: Flock) -> None:
    made.primary.kill()


def freeze(made: Flock) -> None:
    made.primary.pause()


def order(made: Flock) -> None:
    """As deploy/redis/sentinel.conf says it: what the old primary still took while the new one takes over
    would be lost."""
    with made.primary.client() as client:
        client.client_pause(10_000, all=False)
    assert made.sentinels[0].ask("FAILOVER", SERVICE) in ("OK", True)


@pytest.mark.parametrize("lose", [kill, freeze, order])
def test_people_go_on_talking(lose: Callable[[Flock], None]) -> None:
    """Nothing that was replicated is lost, and what is said meanwhile is said again until it is confirmed:
    in order, and once. Nobody is taken for away, and the old primary comes back as a replica."""

    async def scenario(made: Flock, node: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(node.url, other.url)
        await talk(a, b, session, "before")
        assert (await a.say(session, "last words"))["code"] == 0
        await asyncio.to_thread(made.until_replicated)
        old = made.primary
        await asyncio.to_thread(lose, made)
        await b.expect("PUSH_DIALOGUE_REQ", content="last words")
        numbers = [(await said(a, session, f"{number}"))["msgId"] for number in range(3)]
        for number in range(3):
            await b.expect("PUSH_DIALOGUE_REQ", content=f"{number}", msgId=numbers[number])
        await asyncio.to_thread(made.until_another_is_primary, old)
        if old.running:
            old.resume()  # where it stood still, it believes that it is the primary
        else:
            await asyncio.to_thread(old.start)
        assert await asyncio.to_thread(made.until_whole) is not old
        await talk(a, b, session, "after")
        await a.nothing_from(b, session)
        await b.nothing_from(a, session)

    with house() as (made, node, other):
        asyncio.run(scenario(made, node, other))
        for one in (node, other):
            assert "the link to redis+sentinel://" in one.log()
            assert "ERROR" not in one.log()


def test_what_was_not_replicated_is_told() -> None:
    """A message was confirmed in the moment before the primary died, and no replica has it: nobody is
    left believing that nothing happened, and both talk on."""

    async def scenario(made: Flock, node: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(node.url, other.url)
        await a.say(session, "first")
        b.acknowledge(await b.expect("PUSH_DIALOGUE_REQ", content="first"))
        await b.nothing()
        await asyncio.to_thread(made.until_replicated)
        old = made.primary
        replicas = [server for server in made.servers if server is not old]
        await asyncio.to_thread(cut_off, old, replicas)
        assert (await a.say(session, "no replica has it"))["code"] == 0
        seen = await b.expect("PUSH_DIALOGUE_REQ", content="no replica has it")
        old.kill()
        for replica in replicas:
            replica.resume()
        assert await b.closed(PATIENCE) == 1001
        again = await Wire.open(node.url)
        answer: Frame = {"code": 2}
        async with asyncio.timeout(PATIENCE):
            while answer["code"] == 2:
                answer = await again.take_over(b, seen["seq"])
        assert (answer["code"], answer["recovered"]) == (0, False)
        await said(again, session, "what did you say?")
        push = await a.receive()
        while push["cmd"] != "PUSH_DIALOGUE_REQ":  # pings, away and back
            push = await a.receive()
        assert push["content"] == "what did you say?"
        await talk(a, again, session, "after")

    with house() as (made, node, other):
        asyncio.run(scenario(made, node, other))


def cut_off(primary: Server, replicas: list[Server]) -> None:
    """From here on no replica gets a word: they stand still, and what is on its way to them is thrown away."""
    for replica in replicas:
        replica.pause()
    with primary.client() as client:
        client.client_kill_filter(_type="replica")


def test_an_ordered_failover_loses_nothing_that_was_confirmed() -> None:
    """Somebody talks all the while to a partner who is away, and who finds everything, in order, and once."""

    async def scenario(made: Flock, node: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(node.url, other.url)
        b.abort()
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        old = made.primary
        taken_over = asyncio.create_task(asyncio.to_thread(made.until_another_is_primary, old))
        await asyncio.to_thread(order, made)
        confirmed = 0
        while not taken_over.done() or confirmed < 20:
            await said(a, session, f"{confirmed}")
            confirmed += 1
        await taken_over
        again = await Wire.open(other.url)
        answer: Frame = {"code": 2}
        async with asyncio.timeout(PATIENCE):
            while answer["code"] == 2:
                answer = await again.take_over(b, 0)
        for number in range(confirmed):
            await again.expect("PUSH_DIALOGUE_REQ", content=f"{number}")

    roomy = {**QUICK, "CHAT_INBOX_LENGTH": "100000"}
    with house(env=roomy) as (made, node, other):
        asyncio.run(scenario(made, node, other))


def test_a_node_that_starts_while_nobody_is_primary() -> None:
    """It says so and ends with 1: whoever runs it starts it again; nodes that were there stay."""

    async def scenario(made: Flock, node: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(node.url, other.url)
        for server in made.servers:
            server.kill()
        with closing(NodeProcess(made.url, QUICK)) as late:
            late.launch()
            assert await asyncio.to_thread(late.wait, 20) == 1
            assert "cannot use Redis at 127.0.0.1:" in late.log()
        assert (await a.say(session, "meanwhile"))["code"] == 2
        await b.nothing()

    with house(replicas=1) as (made, node, other):
        asyncio.run(scenario(made, node, other))
