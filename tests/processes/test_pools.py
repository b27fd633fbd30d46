"""Several pools, two nodes: strangers meet across them, are found wherever they are, and are looked after."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from tests.processes.test_two_nodes import QUICK, two_nodes
from tests.support.frames import Frame
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import wait_until
from tests.support.servers import Server
from tests.support.wire import Wire

TWO_POOLS = {"CHAT_POOLS": "2", "CHAT_POOL_ACCOUNTS": "2"}
PATIENCE = 20.0

Scenario = Callable[[Server, NodeProcess, NodeProcess], Coroutine[Any, Any, None]]


def play(scenario: Scenario, settings: Mapping[str, str]) -> None:
    with two_nodes(settings) as (server, one, other):
        asyncio.run(scenario(server, one, other))


async def come(node: NodeProcess, pool: int, name: str = "somebody") -> Wire:
    """A new account, as soon as that pool is the one that new accounts go to."""
    async with asyncio.timeout(PATIENCE):
        while True:
            wire = await Wire.open(node.url)
            await wire.create(name)
            if wire.account_id % 1000 == pool:
                return wire
            await wire.close(1000)


async def fill(node: NodeProcess) -> list[Wire]:
    """Two in each pool, those of the first first."""
    return [await come(node, pool) for pool in (0, 0, 1, 1)]


async def waits(wire: Wire) -> None:
    assert (await wire.match())["code"] == 4


async def new_session(wire: Wire, partner: Wire) -> Frame:
    return await wire.expect(
        "PUSH_SIGNAL_REQ", signalType="NewSession", senderId=partner.account_id, timeout=PATIENCE
    )


async def meet(a: Wire, b: Wire) -> int:
    """Both are told, of the same session."""
    session: int = (await new_session(a, b))["sessionId"]
    assert (await new_session(b, a))["sessionId"] == session
    return session


async def talk(a: Wire, b: Wire, session: int) -> None:
    for speaker, listener in (a, b), (b, a):
        assert (await speaker.say(session, "hello"))["code"] == 0
        await listener.expect("PUSH_DIALOGUE_REQ", senderId=speaker.account_id, sessionId=session)


def test_strangers_in_different_pools_meet() -> None:
    """One of them moves, and keeps its socket; it is found at every node, and nothing is left of who has gone."""

    async def scenario(server: Server, one: NodeProcess, other: NodeProcess) -> None:
        alice, bob = await come(one, 0, "Alice"), await come(other, 1, "Bob")
        await waits(alice)
        await waits(bob)
        session = await meet(alice, bob)
        assert session % 1000 == 0
        await talk(alice, bob, session)
        bob.abort()
        await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway", sessionId=session)
        again = await Wire.open(one.url)
        answer = await again.take_over(bob)
        assert (answer["code"], answer["nickName"]) == (0, "Bob")
        assert [one["sessionId"] for one in answer["sessions"]] == [session]
        await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack", sessionId=session)
        for _ in range(2):  # numbers were not said: they are pushed again
            await again.receive()
        await talk(again, alice, session)
        with server.client() as client:
            assert client.hget(f"chat:{{1}}:moved:{bob.account_id}", "pool") == b"0"
            await again.close(1000)
            await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit", sessionId=session)
            await alice.close(1000)
            left = "chat:*:account:*", "chat:*:inbox:*", "chat:*:moved:*", "chat:*:queue"
            await asyncio.to_thread(
                wait_until, lambda: not any(map(client.keys, left)), "nothing is left"
            )

    play(scenario, {"CHAT_POOLS": "2", "CHAT_POOL_ACCOUNTS": "1"})


def test_who_has_a_session_stays_and_the_other_moves() -> None:
    """Then back again, to a third; who is asked for where it was at first is found each time."""

    async def scenario(server: Server, one: NodeProcess, other: NodeProcess) -> None:
        alice, gone, bob, carol = await fill(one)
        await waits(bob)
        met = await carol.match()
        assert met["code"] == 0
        await new_session(bob, carol)
        await talk(bob, carol, met["sessionId"])
        await gone.close(1000)
        await waits(bob)
        await waits(alice)
        session = await meet(alice, bob)
        assert session % 1000 == 1, "bob has a session there"
        await talk(alice, bob, session)
        await talk(bob, carol, met["sessionId"])
        await alice.leave(session)
        dave = await come(other, 0)
        await waits(alice)
        await waits(dave)
        session = await meet(alice, dave)
        assert session % 1000 == 0
        await talk(alice, dave, session)
        again = await Wire.open(other.url)
        answer = await again.take_over(alice)
        assert answer["code"] == 0
        assert [one["sessionId"] for one in answer["sessions"]] == [session]
        assert await alice.closed() == 4001

    play(scenario, TWO_POOLS)


def test_a_node_looks_after_pools_that_only_others_fill() -> None:
    """It learns of them, says in its figures what is in them, and sweeps those of a node that has died."""

    async def scenario(server: Server, one: NodeProcess, other: NodeProcess) -> None:
        *_, bob, carol = await fill(one)
        await waits(bob)
        met = await carol.match()
        await new_session(bob, carol)
        with NodeProcess(server.url, {**NO_LIMITS, **QUICK}) as third:
            here = await Wire.open(third.url)
            answer = await here.take_over(bob)
            assert answer["code"] == 0
            one.kill()
            other.kill()
            await new_session(here, carol)
            await here.expect(
                "PUSH_SIGNAL_REQ",
                signalType="PartnerAway",
                sessionId=met["sessionId"],
                timeout=PATIENCE,
            )
            pools = {f'chat_pool_accounts{{pool="{pool}",state="away"}}' for pool in (0, 1)}

            def said() -> bool:
                _, text = third.get("/metrics")
                return pools <= {line.partition(" ")[0] for line in text.splitlines()}

            await asyncio.to_thread(wait_until, said, "it says how both pools are")

    play(scenario, TWO_POOLS)
