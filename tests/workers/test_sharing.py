"""How workers share what comes to their port: the ledger, and who accepts."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from chat.listener import listen
from chat.workers import acceptor
from chat.workers.acceptor import Acceptor
from chat.workers.ledger import FRESH_SECONDS, Ledger, new_ledger
from tests.support.process import HOST


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@contextlib.contextmanager
def ledgers(clock: Clock, number: int) -> Iterator[list[Ledger]]:
    """As so many workers see it."""
    with new_ledger(number) as file, contextlib.ExitStack() as stack:
        found = [Ledger(file.fileno(), row, clock) for row in range(number)]
        for each in found:
            stack.callback(each.close)
        yield found


def test_the_emptiest_of_the_others() -> None:
    """Whatever one has itself."""
    with ledgers(Clock(), 3) as (one, two, three):
        assert one.least_of_the_others() is None
        one.say(1)
        assert one.least_of_the_others() is None
        two.say(7)
        three.say(5)
        assert [each.least_of_the_others() for each in (one, two, three)] == [5, 1, 1]


def test_who_is_silent_does_not_count() -> None:
    """Dead or frozen, or it has said that it leaves."""
    with ledgers(clock := Clock(), 3) as (one, two, three):
        two.say(3)
        three.say(4)
        two.leave()
        assert one.least_of_the_others() == 4
        clock.now += FRESH_SECONDS
        assert one.least_of_the_others() == 4
        clock.now += 0.01
        assert one.least_of_the_others() is None


class Guest(asyncio.Protocol):
    """What serves a connection here: it is only counted."""

    def __init__(self, arrived: "asyncio.Queue[int]", row: int) -> None:
        self._arrived = arrived
        self._row = row

    def connection_made(self, _: asyncio.BaseTransport) -> None:
        self._arrived.put_nowait(self._row)


class House:
    """A port that two workers of one process share, each with a load of its own."""

    def __init__(self, listener: socket.socket, ledgers: list[Ledger], loads: list[int]) -> None:
        self.arrived: asyncio.Queue[int] = asyncio.Queue()
        self._address = listener.getsockname()
        self._guests = contextlib.ExitStack()
        self.acceptors = [
            Acceptor(
                self._guests.enter_context(listener.dup()),
                ledger,
                lambda row=row: Guest(self.arrived, row),  # type: ignore[misc]
                lambda row=row: loads[row],  # type: ignore[misc]
            )
            for row, ledger in enumerate(ledgers)
        ]

    def come(self, number: int) -> None:
        for _ in range(number):
            self._guests.enter_context(socket.create_connection(self._address))

    async def who(self, number: int) -> list[int]:
        """Which worker each of them has come to."""
        async with asyncio.timeout(5):
            return [await self.arrived.get() for _ in range(number)]

    def close(self) -> None:
        for each in self.acceptors:
            each.close()
        self._guests.close()


@contextlib.contextmanager
def house(loads: list[int]) -> Iterator[tuple[House, list[Ledger]]]:
    with (
        contextlib.closing(listen(HOST, 0)) as listener,
        ledgers(Clock(), len(loads)) as each,
        contextlib.closing(House(listener, each, loads)) as made,
    ):
        yield made, each


def test_the_fuller_leaves_it_to_the_emptier(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that come, with all the patience of the world."""
    monkeypatch.setattr(acceptor, "PATIENCE_SECONDS", 1000)

    async def scenario() -> None:
        with house([1000, 0]) as (made, _):
            for each in made.acceptors:
                each.open()
            made.come(20)
            assert await made.who(20) == [1] * 20

    asyncio.run(scenario())


def test_what_nobody_takes_the_fuller_takes() -> None:
    """The emptier says that it is there, and does nothing."""

    async def scenario() -> None:
        with house([1000, 0]) as (made, ledgers):
            ledgers[1].say(0)
            made.acceptors[0].open()
            made.come(20)
            assert await made.who(20) == [0] * 20

    asyncio.run(scenario())


def test_who_has_closed_takes_nothing() -> None:
    """Also where it was about to look again; and the others do not wait for it."""

    async def scenario() -> None:
        with house([1000, 0]) as (made, ledgers):
            first, second = made.acceptors
            second.open()
            first.open()
            second.close()
            assert ledgers[0].least_of_the_others() is None
            made.come(5)
            assert await made.who(5) == [0] * 5
            first.close()
            second.open()
            made.come(5)
            assert await made.who(5) == [1] * 5

    asyncio.run(scenario())


def test_no_descriptor_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits a while instead of asking all the time, and goes on."""
    monkeypatch.setattr(acceptor, "NONE_LEFT_SECONDS", 0.01)
    refusals = [errno.EMFILE, errno.ENFILE]

    class Full(socket.socket):
        def accept(self) -> tuple[socket.socket, Any]:
            if refusals:
                raise OSError(refusals.pop(), "no more of them")
            return super().accept()

    async def scenario() -> None:
        with house([0]) as (made, _):
            (only,) = made.acceptors
            only._listener = Full(fileno=only._listener.dup().detach())
            with only._listener:
                only.open()
                made.come(1)
                assert await made.who(1) == [0]
                only.close()
        assert not refusals

    asyncio.run(scenario())
