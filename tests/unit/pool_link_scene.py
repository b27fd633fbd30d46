"""The link of a pool, at a server that answers when the test says so, and what was told."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

import hiredis

from chat.store.calls import Command, Done, LinkDown
from chat.store.pool_link import PoolLink
from tests.unit.fake_loop import FakeLoop

TIMEOUT = 2.0
PROBE = b"chat:{7}:probe:node"
MOVED = hiredis.ReplyError("MOVED 1234 10.0.0.2:6379")


class FakeHome:
    """A link to a server: keeps what is asked of it, and answers when the test says so, in order."""

    def __init__(self) -> None:
        self.asked: list[Command] = []
        self.recorded: list[Command] = []
        self.weights: list[int] = []
        self.left: list[int] = []
        self.subscribed: set[bytes] = set()
        self.up = True
        self.pressed = False
        self._line: deque[tuple[bool, Callable[..., None]]] = deque()

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        self.asked.append(command)
        self.weights.append(weight)
        self._line.append((True, done))

    def record(self, command: Command, done: Done, weight: int = 1) -> None:
        self.recorded.append(command)
        self.call(command, done, weight)

    def after_open_calls(self, done: Callable[[], None]) -> None:
        if self._line:
            self._line.append((False, done))
        else:
            done()

    def open_calls(self) -> int | None:
        return len(self._line) if self.up else None

    def subscribe(self, channel: bytes) -> None:
        self.subscribed.add(channel)

    def subscribe_all(self, channels: Collection[bytes]) -> None:
        self.subscribed |= set(channels)

    def unsubscribe(self, channel: bytes) -> None:
        self.subscribed.discard(channel)

    def leave(self, pool: int) -> None:
        self.left.append(pool)
        self.subscribed.clear()

    def answer(self, *replies: Any) -> None:
        """The oldest calls, each with its reply; then those who waited for their place behind them."""
        for reply in replies:
            _, done = self._line.popleft()
            done(reply)
            while self._line and not self._line[0][0]:
                self._line.popleft()[1]()


class World:
    """A pool's link, at a server, and what was told."""

    def __init__(self) -> None:
        self.loop = FakeLoop()
        self.strayed: list[tuple[FakeHome, str]] = []
        self.order: list[Any] = []
        self.presses: list[bool] = []
        self.link = PoolLink(7, TIMEOUT, self._astray, self.presses.append)
        self.link._loop = self.loop  # type: ignore[assignment]  # as much of one as is needed
        self.home = self.arrive()

    def _astray(self, pool: PoolLink, home: Any, why: str) -> None:
        assert pool is self.link
        self.strayed.append((home, why))

    def arrive(self) -> FakeHome:
        home: Any = FakeHome()
        self.link.arrive(home, PROBE)
        found: FakeHome = home
        return found

    def ask(self, *names: str) -> None:
        """Each is told with its answer."""
        for name in names:
            self.link.call((name,), lambda reply, name=name: self.order.append((name, reply)))  # type: ignore[misc]

    def place(self, name: str) -> None:
        self.link.after_open_calls(lambda: self.order.append(name))

    def lost(self) -> list[Any]:
        """What was told until now, where it was that nobody knows; nothing else was told."""
        told, self.order = self.order, []
        assert all(isinstance(one, str) or isinstance(one[1], LinkDown) for one in told), told
        return [one if isinstance(one, str) else one[0] for one in told]


def run(scenario: Callable[[World], None]) -> None:
    async def main() -> None:
        world = World()
        scenario(world)
        world.link.close()

    asyncio.run(main())
