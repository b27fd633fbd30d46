"""Keeps a connection to a place: whenever it is lost another one is made, wherever that is then."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from chat.errors import StoreUnreachable
from chat.store.address import Address
from chat.store.backoff import Backoff
from chat.store.complaints import Complaints
from chat.store.place import Place
from chat.store.wire import Wire

log = logging.getLogger(__name__)

BACKOFF_SECONDS = (0.05, 1.0)
STABLE_SECONDS = 0.3
"""A connection that broke sooner, as one does that is refused in the moment it is used, does not begin its backoff
anew; one that lived for longer was a good one, and people wait for the next."""
MOVED = "another one has become the primary"


class Keeper:
    """``connect`` makes a connection, or raises StoreUnreachable; ``lost`` is called when it is, ``back`` when there is
    another one. ``concerned`` says for the log whom that concerns. ``jitter`` is from 0 to 1. Callbacks must not raise."""

    def __init__(
        self,
        place: Place,
        connect: Callable[[Address], Awaitable[Wire]],
        lost: Callable[[], None],
        back: Callable[[], None],
        concerned: Callable[[], str],
        jitter: Callable[[], float],
    ) -> None:
        self._place = place
        self._connect_to = connect
        self._lost = lost
        self._back = back
        self._concerned = concerned
        self._backoff = Backoff(*BACKOFF_SECONDS, jitter)
        self._wire: Wire | None = None
        self._attempt: asyncio.Timeout | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """The first one; raises StoreUnreachable."""
        wire = await self._connect()
        self._tasks = [
            asyncio.create_task(self._keep(wire), name="redis link"),
            asyncio.create_task(self._place.watch(self._moved), name="redis place"),
        ]

    async def close(self) -> None:
        if self._wire is not None:  # first, because the task takes what it waits for along
            self._wire.drop("closed")
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _moved(self) -> None:
        """What is connected to is not the right one any more, nor what is being connected to: who is right is looked
        for at once. It may take a moment until it is there: from then on as after any other loss."""
        self._backoff.hurry()
        if self._attempt is not None and not self._attempt.expired():
            self._attempt.reschedule(0)
        if self._wire is not None:
            self._wire.drop(MOVED)

    async def _keep(self, wire: Wire) -> None:
        """Waits for the connection to break, and makes a new one, until it is cancelled."""
        loop = asyncio.get_running_loop()
        complaints = Complaints(log, loop.time)
        began = loop.time()
        while True:
            reason = await wire.lost
            self._wire = None
            concerned = self._concerned()  # before anybody goes elsewhere
            self._lost()
            complaints.say(f"lost the link to {self._place.shown}: {reason}", concerned)
            lost = loop.time()
            if lost - began >= STABLE_SECONDS:
                self._backoff.begin_anew()
            wire = await self._connect_again(complaints)
            began = loop.time()
            complaints.say(
                f"the link to {self._place.shown} is back",
                f" after {began - lost:.1f} s{self._concerned()}",
            )
            self._back()

    async def _connect_again(self, complaints: Complaints) -> Wire:
        while True:
            await self._backoff.pause()
            try:
                async with asyncio.timeout(None) as self._attempt:
                    wire = await self._connect()
                    if self._attempt.when() is None:
                        return wire
                    wire.drop(MOVED)  # it was told in the very moment in which it was there
                    self._wire = None
                    self._lost()
            except StoreUnreachable as error:
                complaints.say(str(error), self._concerned())
            except TimeoutError:
                complaints.say(f"{self._place.shown}: {MOVED}")
            finally:
                self._attempt = None

    async def _connect(self) -> Wire:
        """One attempt, with all that Redis may be at; raises StoreUnreachable."""
        refused = StoreUnreachable(f"there is no Redis at {self._place.shown}")
        async with aclosing(self._place.candidates()) as addresses:
            async for address in addresses:
                try:
                    self._wire = await self._connect_to(address)
                    return self._wire
                except StoreUnreachable as error:
                    refused = error
        raise refused
