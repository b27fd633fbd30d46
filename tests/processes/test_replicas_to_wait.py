"""``CHAT_REPLICAS_TO_WAIT``: what was answered with 0 is at so many replicas, and otherwise nobody says 0."""

import asyncio
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.support.family import Family, family
from tests.support.frames import Frame
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.sentinels import flock
from tests.support.servers import Server, available_servers
from tests.support.wire import Wire, pair

WAITING = {
    **NO_LIMITS,
    "CHAT_REPLICAS_TO_WAIT": "1",
    "CHAT_REDIS_TIMEOUT_SECONDS": "0.8",
    "CHAT_NODE_LEASE_SECONDS": "4",
    "CHAT_GRACE_SECONDS": "60",
    "CHAT_INBOX_LENGTH": "100000",
}
ROUNDS = 6
PATIENCE = 30


@contextmanager
def house(
    replicas: int = 1, env: Mapping[str, str] = WAITING
) -> Iterator[tuple[Family, NodeProcess]]:
    """A primary, its replicas, a node."""
    with (
        family(available_servers()[0], replicas) as made,
        NodeProcess(made.primary.url, env) as node,
    ):
        yield made, node


async def said(wire: Wire, session: int, text: str, retry: bool | None = None) -> Frame:
    """Says it until it is confirmed, as a client does."""
    async with asyncio.timeout(PATIENCE):
        while (answer := await wire.say(session, text, f"r-{text}", retry))["code"] == 2:
            retry = True
    assert answer["code"] == 0, answer
    return answer


def test_a_replica_that_stands_still() -> None:
    """Messages are told 2, and nothing worse: people stay, everything else is answered, the node keeps its lease and is
    ready. When it is back, the repeat is answered with 0 and the number that the message was given at first."""

    async def scenario(made: Family, node: NodeProcess) -> None:
        a, b, session = await pair(node.url, node.url)
        assert (await a.say(session, "before"))["code"] == 0
        made.replicas[0].pause()
        try:
            began = asyncio.get_running_loop().time()
            retry = None
            while asyncio.get_running_loop().time() - began < 6:  # longer than its lease
                answer = await a.say(session, "meanwhile", "r-1", retry)
                assert answer["code"] == 2, answer
                retry = True
                assert (await b.viewed(session, 1))["code"] == 0
                assert await asyncio.to_thread(node.ready)
            await b.expect("PUSH_DIALOGUE_REQ", content="before")
            await b.expect("PUSH_DIALOGUE_REQ", content="meanwhile", msgId=2)
        finally:
            made.replicas[0].resume()
        async with asyncio.timeout(PATIENCE):
            while (answer := await a.say(session, "meanwhile", "r-1", True))["code"] == 2:
                pass
        assert (answer["code"], answer["msgId"]) == (0, 2)
        assert (await said(a, session, "after"))["msgId"] == 3
        await b.expect("PUSH_DIALOGUE_REQ", content="after", msgId=3)

    with house() as (made, node):
        asyncio.run(scenario(made, node))
        log = node.log()
        assert "too few replicas have what was said" in log
        assert "enough replicas have what is said again" in log
        assert "lost the link" not in log
        assert "taken for dead" not in log
        assert "ERROR" not in log


def test_a_replica_that_is_killed_and_one_that_comes() -> None:
    """Of the only one there is nothing left to wait for: 2 until another is in step. With one of two all goes on."""

    async def scenario(made: Family, node: NodeProcess) -> None:
        a, b, session = await pair(node.url, node.url)
        first, second = made.replicas
        first.kill()
        await said(a, session, "one is left")
        second.kill()
        assert (await a.say(session, "nobody", "r-nobody"))["code"] == 2
        await asyncio.to_thread(first.start)
        await said(a, session, "nobody", retry=True)
        for text in "one is left", "nobody":
            await b.expect("PUSH_DIALOGUE_REQ", content=text)

    with house(2) as (made, node):
        asyncio.run(scenario(made, node))


def inbox(server: Server, account: int) -> set[str]:
    """What waits there for that person."""
    with server.client() as client:
        entries = client.xrange(f"chat:{{0}}:inbox:{account}")
    return {json.loads(fields[b"push"])["content"] for _, fields in entries}


class Talk:
    """Somebody says one thing after the other, of which so many are under way."""

    def __init__(self, wire: Wire, session: int, under_way: int) -> None:
        self.confirmed: set[str] = set()
        self.answers = 0
        self._wire = wire
        self._session = session
        self._sent = 0
        for _ in range(under_way):
            self._say()

    def _say(self) -> None:
        self._wire.send(a_message(self._wire, self._session, f"{self._sent}"))
        self._sent += 1

    async def go_on(self, answers: int, *, more: bool = True) -> None:
        """Until there were so many more answers."""
        last = self.answers + answers
        while self.answers < last:
            answer = await self._wire.receive()
            if answer["cmd"] == "DIALOGUE_RESP":
                self.answers += 1
                if answer["code"] == 0:
                    self.confirmed.add(answer["requestId"])
                if more:
                    self._say()

    async def end(self) -> None:
        await self.go_on(self._sent - self.answers, more=False)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_the_primary_dies_in_the_moment_after(seed: int) -> None:
    """Somebody says as much as can be said; the primary is killed at any time, in every other round a moment after its
    replica was cut off from it. What was answered with 0 is at the replica, every single one."""
    rng = random.Random(seed)

    async def scenario(made: Family, node: NodeProcess) -> None:
        a, b, session = await pair(node.url, node.url)
        b.abort()
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        replica, under_way = made.replicas[0], 1 + seed * 4
        talk = Talk(a, session, under_way)
        await talk.go_on(20 + rng.randrange(2000))
        assert len(talk.confirmed) == talk.answers
        if seed % 2:
            replica.pause()
            with made.primary.client() as client:
                client.client_kill_filter(_type="replica")
            await talk.go_on(2 * under_way)
        made.primary.kill()
        replica.resume()
        await talk.end()
        assert talk.confirmed <= inbox(replica, b.account_id)

    with house() as (made, node):
        asyncio.run(asyncio.wait_for(scenario(made, node), 60))


def a_message(wire: Wire, session: int, text: str) -> Frame:
    return {
        "cmd": "DIALOGUE_REQ", "requestId": text, "senderId": wire.account_id, "sessionId": session,
        "content": text,
    }  # fmt: skip


def test_a_failover_loses_nothing_that_was_confirmed() -> None:
    """Nobody has ordered it, and the primary just dies, while somebody talks to a partner who is away, and who finds
    everything that was confirmed, in order, and once."""

    async def scenario(node: NodeProcess, kill: Server, taken_over: "asyncio.Task[Server]") -> None:
        a, b, session = await pair(node.url, node.url)
        b.abort()
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        confirmed = 0
        while not taken_over.done() or confirmed < 200:
            await said(a, session, f"{confirmed}")
            confirmed += 1
            if confirmed == 100:
                kill.kill()
        again = await Wire.open(node.url)
        answer: Frame = {"code": 2}
        async with asyncio.timeout(PATIENCE):
            while answer["code"] == 2:
                answer = await again.take_over(b, 0)
        for number in range(confirmed):
            await again.expect("PUSH_DIALOGUE_REQ", content=f"{number}")

    async def main() -> None:
        with flock(replicas=2) as made, NodeProcess(made.url, WAITING) as node:
            old = made.primary
            taken_over = asyncio.create_task(asyncio.to_thread(made.until_another_is_primary, old))
            await scenario(node, old, taken_over)

    asyncio.run(main())
