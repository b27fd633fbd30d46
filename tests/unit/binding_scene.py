"""Accounts come to sockets, of a store that the test answers for."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from chat.binding import Binding
from chat.commands import Reconnect
from chat.connection import Connection
from chat.counts import Counts
from chat.errors import Code
from chat.hub import Hub
from chat.liveness import Liveness, Patience
from tests.unit.fake_inboxes import Done, FakeInboxes
from tests.unit.fake_socket import Made


class FakeMoving:
    """Keeps what was forgotten."""

    def __init__(self) -> None:
        self.forgotten: list[tuple[int, int]] = []

    def forget(self, pool: int, account: int) -> None:
        self.forgotten.append((pool, account))


class FakeStore:
    """Keeps what is asked until the test answers; or answers at once that there is no link."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, Done]] = []
        self.pools: list[int] = []
        """Where accounts were asked for."""
        self.here: list[bool] = []
        """Whether that pool had sent them on before."""
        self.detached: list[tuple[int, int, int, int, bool]] = []
        self.down = False
        self.moving = FakeMoving()
        self.upkeep = self
        self.unknown: dict[int, int] = {}
        """Pools that are not there, or that nobody knows of: what is said of them."""

    def create(self, nick: bytes, token: str, address: str, done: Done) -> None:
        self._ask("create", 0, done)

    def attach(
        self, pool: int, account: int, token: str, seq: int | None, here: bool, done: Done
    ) -> None:
        self.pools.append(pool)
        self.here.append(here)
        self._ask("attach", account, done)

    def find(self, pool: int, done: Callable[[int], None]) -> None:
        done(self.unknown.get(pool, Code.SUCCESS))

    def detach(
        self, pool: int, account: int, epoch: int, acked: int, goodbye: bool, done: Done
    ) -> None:
        self.detached.append((pool, account, epoch, acked, goodbye))
        done(Code.INTERNAL if self.down else Code.SUCCESS, ())

    def _ask(self, name: str, account: int, done: Done) -> None:
        if self.down:
            done(Code.INTERNAL, ())
        else:
            self.asked.append((name, account, done))

    def moved(self, to: int) -> None:
        """The oldest question is to be asked of that pool."""
        self.asked.pop(0)[2](Code.MOVED, (to,))

    def answer(self) -> None:
        """The oldest question, with success."""
        name, _, done = self.asked.pop(0)
        if name == "create":
            done(Code.SUCCESS, (1000, 7))
        else:
            done(Code.SUCCESS, (7, b'"x"', 1, 0, (), 0, 0, [], -1))


class World:
    def __init__(self) -> None:
        self.store = FakeStore()
        self.now = 100.0
        self.counts = Counts()
        self.inboxes = FakeInboxes()
        self.hub = Hub(self.inboxes, lambda *_: True, lambda _: None, Counts())
        liveness = Liveness(Patience(15, 25, 60), lambda: 0.0, lambda _: None)
        self.received: list[bytes] = []
        self.flushed = 0
        self.binding = Binding(
            self.store,  # type: ignore[arg-type]  # as much of a store as is needed
            self.hub, liveness, lambda _, frame: self.received.append(frame), self._flush,
            self.counts, clock=lambda: self.now, new_token=lambda: "token", new_nick=lambda: "Somebody",
        )  # fmt: skip

    def _flush(self) -> None:
        self.flushed += 1

    def comes(self, account: int = 1000) -> Made:
        made = Made()
        self.binding.bind(made.connection, Reconnect(account, "token", 0))
        return made

    def goes(self, connection: Connection, code: int) -> None:
        connection.closed(code)
        self.binding.closed(connection, code)


def play(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


async def turn() -> None:
    """One turn of the event loop."""
    await asyncio.sleep(0)
