"""Nodes on a real Redis Cluster: pools on several primaries, one that is moved, one whose server dies."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.link.calls import until
from tests.processes.test_pools import come, meet, new_session, talk, waits
from tests.processes.test_two_nodes import QUICK
from tests.support.cluster import Cluster, cluster, slot_of
from tests.support.frames import Frame
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import wait_until
from tests.support.reshard import move_pool
from tests.support.servers import KINDS, Kind, available_servers
from tests.support.wire import Wire, pair

ALONE = "--cluster-require-full-coverage", "no", "--cluster-allow-replica-migration", "no"
"""What a primary does where others are gone, or its slots."""
TWO_POOLS = {"CHAT_POOLS": "2", "CHAT_POOL_ACCOUNTS": "2"}

Scenario = Callable[[Cluster, NodeProcess, NodeProcess], Coroutine[Any, Any, None]]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    if found not in available_servers():
        pytest.skip(f"there is no {found} on this machine")
    return found


@contextmanager
def nodes_on(made: Cluster) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    env = {**NO_LIMITS, **QUICK, **TWO_POOLS}
    one, other = NodeProcess(made.url, env), NodeProcess(made.url, env)
    try:
        one.launch()
        other.launch()
        one.wait_ready()
        other.wait_ready()
        yield one, other
    finally:
        one.close()
        other.close()


def play(kind: Kind, scenario: Scenario) -> None:
    with cluster(*ALONE, primaries=2, replicas=0, kind=kind) as made, nodes_on(made) as nodes:
        asyncio.run(scenario(made, *nodes))


def test_strangers_on_different_primaries_meet(kind: Kind) -> None:
    """Each pool on a server of its own."""

    async def scenario(made: Cluster, one: NodeProcess, other: NodeProcess) -> None:
        assert made.primary_of(0) is not made.primary_of(1)
        alice, ada, bob = await come(one, 0), await come(one, 0), await come(other, 1)
        await waits(alice)
        await waits(bob)
        session = await meet(alice, bob)
        await talk(alice, bob, session)
        again = await Wire.open(one.url)
        assert (await again.take_over(bob))["code"] == 0
        assert await bob.closed() == 4001
        await ada.nothing()

    play(kind, scenario)


async def as_many(said: list[str], number: int) -> None:
    await until(lambda: len(said) >= number, "they talk on", 20)


def test_a_pool_is_moved_while_people_talk(kind: Kind) -> None:
    """Every message is confirmed and arrives once, in its order; nobody loses the socket, and nothing is lost."""

    async def scenario(made: Cluster, one: NodeProcess, other: NodeProcess) -> None:
        alice, bob, session = await pair(one.url, other.url)
        assert alice.account_id % 1000 == bob.account_id % 1000 == 0
        done = asyncio.Event()
        said: list[str] = []
        heard: list[Frame] = []

        async def speak() -> None:
            while not done.is_set() or len(said) < 10:
                text = f"message {len(said)}"
                answer = await alice.say(session, text)
                if answer["code"] == 2:  # it was not done; or nobody knows
                    answer = await alice.say(session, text, answer["requestId"], True)
                assert answer["code"] == 0, answer
                said.append(text)

        async def listen() -> None:
            while not heard or heard[-1]["content"] != "the last":
                heard.append(await bob.expect("PUSH_DIALOGUE_REQ", timeout=10))
                bob.acknowledge(heard[-1])

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(listen())
            speaking = tasks.create_task(speak())
            for _ in range(2):  # there and back
                to = next(one for one in made.primaries if one is not made.primary_of(0))
                await asyncio.to_thread(move_pool, made, 0, to)
                await as_many(said, len(said) + 10)
            done.set()
            await speaking
            await alice.say(session, "the last")
            said.append("the last")
        assert [push["content"] for push in heard] == said
        assert [push["msgId"] for push in heard] == list(range(1, len(said) + 1))
        assert [push["seq"] for push in heard] == list(range(heard[0]["seq"], heard[-1]["seq"] + 1))
        await bob.nothing_from(alice, session)
        again = await Wire.open(one.url)
        last = heard[-1]["seq"]
        assert (await again.take_over(bob, last))["recovered"] is True

    play(kind, scenario)


def test_a_pool_that_nobody_has(kind: Kind) -> None:
    """The log names it, once in a while, and when it is there."""
    with cluster(*ALONE, primaries=1, replicas=0, kind=kind) as made:
        made.servers[0].ask("DELSLOTS", slot_of(1))
        with NodeProcess(made.url, {**NO_LIMITS, **TWO_POOLS}) as node:
            told = "pool 1 is at no server: none has the slot"
            assert 1 <= node.log().count(told) <= 2
            made.servers[0].ask("ADDSLOTS", slot_of(1))
            wait_until(lambda: "pool 1 is at 127" in node.log(), "it is there", timeout=10)


def test_servers_that_are_all_gone(kind: Kind) -> None:
    """Once in a while the log says so, and not anew for each server that was asked."""
    with (
        cluster(*ALONE, primaries=3, replicas=0, kind=kind) as made,
        NodeProcess(made.url, {**NO_LIMITS, **TWO_POOLS}) as node,
    ):
        for server in made.servers:
            server.kill()
        wait_until(lambda: not node.ready(), "it is not ready", timeout=10)
        time.sleep(3)
        assert node.log().count("is of any use") == 1


def test_the_log_says_which_pools_a_primary_has(kind: Kind) -> None:
    """When they are found there, when it dies, and when it is back: a line each, and none for each of them."""
    with (
        cluster(*ALONE, primaries=2, replicas=0, kind=kind) as made,
        NodeProcess(made.url, {**NO_LIMITS, "CHAT_POOLS": "5"}) as node,
    ):
        primary = made.primary_of(0)
        theirs = [pool for pool in range(5) if made.primary_of(pool) is primary]
        assert 1 < len(theirs) < 5
        pools = "pools " + ", ".join(map(str, theirs))

        def told(what: str) -> list[str]:
            return [line for line in node.log().splitlines() if what in line]

        there = f"{pools} are at {primary.address}"
        wait_until(lambda: len(told(there)) == 1, "they are found")
        primary.kill()
        wait_until(lambda: told("lost the link"), "it is told", timeout=10)
        primary.start()
        # In its first seconds it may say that the cluster is down, to all of them.
        back = f"s ({pools})"
        wait_until(lambda: len(told(there)) == 2 or told(back), "they are back", timeout=20)
        (lost,) = told("lost the link")
        assert primary.address in lost
        assert f"({pools})" in lost
        assert not [line for pool in theirs for line in told(f'"pool {pool} ')]


def test_the_server_of_one_pool_dies(kind: Kind) -> None:
    """Those of the other talk on, and nodes stay ready; new people go where there is a server."""

    async def scenario(made: Cluster, one: NodeProcess, other: NodeProcess) -> None:
        _, _, bob, carol = [await come(one, pool) for pool in (0, 0, 1, 1)]
        await waits(bob)
        session = (await carol.match())["sessionId"]
        await new_session(bob, carol)
        await asyncio.to_thread(made.primary_of(0).kill)
        await talk(bob, carol, session)
        async with asyncio.timeout(20):
            while (answer := await (await Wire.open(one.url)).request("CRT_ACCOUNT", nickName="x"))[
                "code"
            ] != 0:
                pass
        assert answer["accountId"] % 1000 == 1
        assert one.ready()
        await talk(bob, carol, session)

    play(kind, scenario)
