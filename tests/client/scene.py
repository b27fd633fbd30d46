"""A client, the scripted node it is connected to, and what tests say to both."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

from chat.client.client import Client
from chat.client.events import ConnectionLost, Event, Matched, Session, Timing
from tests.support.scripted_node import PATIENCE, Peer, ScriptedNode

BOB = Session(7000, 2000, "Bob")
EVE = Session(7001, 3000, "Eve")
IMPATIENT = 0.5
"""Seconds for one request, where it is to run out: also what a busy machine may stand still for."""


class Jitter(Random):
    """The longest wait each time, so that waits show the limits."""

    def random(self) -> float:
        return 1.0


class Pauses:
    """In place of sleeping: writes down for how long, and goes on at once."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        await asyncio.sleep(0)


class Talk:
    """A client, its node, and the first socket, which has an account."""

    def __init__(self, node: ScriptedNode, me: Client, peer: Peer, pauses: Pauses) -> None:
        self.node, self.me, self.peer, self.pauses = node, me, peer, pauses
        self.events = me.events()

    async def next(self) -> Event:
        async with asyncio.timeout(PATIENCE):
            return await anext(self.events)

    async def matched(self) -> None:
        """Talk with Bob."""
        _, session = await asyncio.gather(self.peer.pair(), self.me.match())
        assert session == BOB
        assert await self.next() == Matched(BOB)

    async def come_back(self, **fields: object) -> dict[str, object]:
        """The client reconnects; the peer is then that of the new socket."""
        assert isinstance(await self.next(), ConnectionLost)
        self.peer = await self.node.accept()
        return await self.peer.resume(**fields)

    async def settled(self) -> None:
        """Whatever the node has sent before has arrived, and been answered."""
        self.peer.send("PING_REQ", accountId=1000)
        await self.peer.receive("PING_RESP")


@asynccontextmanager
async def talking(
    timing: Timing | None = None, clock: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[Talk]:
    pauses = Pauses()
    async with ScriptedNode() as node:
        me = Client(node.url, "Ada", timing=timing, random=Jitter(), sleep=pauses, clock=clock)
        peer, _ = await asyncio.gather(welcomed(node), me.__aenter__())
        try:
            yield Talk(node, me, peer, pauses)
        finally:
            await me.aclose()


async def welcomed(node: ScriptedNode, account_id: int = 1000) -> Peer:
    peer = await node.accept()
    await peer.welcome(account_id)
    return peer


def soon(awaitable: Awaitable[object]) -> "asyncio.Task[object]":
    async def waiting() -> object:
        async with asyncio.timeout(PATIENCE):
            return await awaitable

    return asyncio.create_task(waiting())
