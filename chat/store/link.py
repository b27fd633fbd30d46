"""The link to Redis: one RESP3 connection for the calls and for the pushes of the channels.

Measured against the ready-made clients, a small protocol on hiredis costs a tenth; every message
passes here twice, so it is ours. What it promises its user, the ``Store``:

* the calls of one event-loop tick leave in one write, and are answered in their order;
* every call is answered exactly once, by a reply or by an error: no answer within the time-out,
  or a lost connection, answers all that is open with ``LinkDown``. *Nothing is repeated*: whether
  such a call was done is unknown, and only its caller can know if a repeat is harmless;
* after every interruption it reconnects by itself (full-jitter backoff), subscribes again to all
  channels, and then says ``on_gap``: whatever was published meanwhile was missed. A connection on
  which answers come but no pushes is an interruption too: it is proven by a probe, all the time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from random import random
from typing import Protocol

from chat.errors import StoreUnreachable
from chat.store.address import Address
from chat.store.backoff import Backoff
from chat.store.calls import Ask, Command, Done, LinkDown
from chat.store.complaints import Complaints
from chat.store.dial import UNUSABLE, dial
from chat.store.place import Place
from chat.store.reasons import in_words
from chat.store.wire import Wire
from chat.store.witness import Witnesses
from chat.store.witnessed import WitnessedWire

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
BACKOFF_SECONDS = (0.05, 1.0)
STABLE_SECONDS = 0.3
"""A link that broke sooner, as one does that is refused in the moment it is used, does not begin its backoff
anew; one that lived for longer was a good one, and people wait for the next."""
MOVED = "another one is the primary now"
CHANNELS_AT_ONCE = 500
"""Subscribed with one command: so many cost little more than one, and Redis serves others in between."""


class Link(Protocol):
    """What the store needs of a server: this module's connection, or the embedded server's."""

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        """Sends one command, as its parts or packed; ``done`` is called once, in the order of the calls. ``weight``: as how many
        it counts where it is looked whether Redis keeps up."""

    def record(self, command: Command, done: Done, weight: int = 1) -> None:
        """``call``, for what must not be lost once it is answered: where replicas are waited for, ``done`` gets the
        reply when so many have it, and ``LinkDown`` otherwise."""

    def flush(self) -> None:
        """What was asked leaves now, and not only in the next turn of the event loop."""

    def after_open_calls(self, done: Callable[[], None]) -> None:
        """Calls ``done`` when all that was asked before is answered (at once if nothing is open)."""

    def open_calls(self) -> int | None:
        """How many have no answer yet; None while there is no connection."""

    def subscribe(self, channel: bytes) -> None:
        """From here on pushes of the channel arrive: those published after this call's place in line."""

    def unsubscribe(self, channel: bytes) -> None:
        """Pushes of the channel may still arrive for a moment."""

    async def start(self) -> None:
        """Connects for the first time; raises StoreUnreachable."""

    async def close(self) -> None:
        """Ends the connection; open calls get ``LinkDown``."""


class RedisLink:
    """``Link`` to one Redis server.

    ``place`` says where that is, at every attempt anew. ``greet`` is what every new connection begins
    with (the function library); ``probe`` is a channel that nobody else uses. ``on_push`` gets channel
    and payload; ``on_gap`` is called when pushes may have been missed; ``on_pressure`` when Redis does
    not keep up (True: whoever can should wait) and when it does again. Callbacks must not raise. ``witnesses``
    say when replicas have what is recorded; without them nobody waits for that.
    """

    def __init__(
        self,
        place: Place,
        greet: Callable[[Ask], Awaitable[None]],
        on_push: Callable[[bytes, bytes], None],
        on_gap: Callable[[], None],
        on_pressure: Callable[[bool], None],
        *,
        probe: bytes,
        timeout: float,
        jitter: Callable[[], float] = random,
        witnesses: Witnesses | None = None,
    ) -> None:
        self._witnesses = witnesses
        self._place = place
        self._greet = greet
        self._on_push = on_push
        self._on_gap = on_gap
        self._on_pressure = on_pressure
        self._probe = probe
        self._timeout = timeout
        self._backoff = Backoff(*BACKOFF_SECONDS, jitter)
        self._channels: set[bytes] = set()
        self._wire: Wire | None = None
        self._attempt: asyncio.Timeout | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        if self._wire is None:
            done(LinkDown("no connection to Redis"))
        else:
            self._wire.call(command, done, weight)

    def record(self, command: Command, done: Done, weight: int = 1) -> None:
        if self._wire is None:
            done(LinkDown("no connection to Redis"))
        else:
            self._wire.record(command, done, weight)

    def flush(self) -> None:
        if self._wire is not None:
            self._wire.flush()

    def after_open_calls(self, done: Callable[[], None]) -> None:
        if self._wire is None:
            done()
        else:
            self._wire.after_open_calls(done)

    def open_calls(self) -> int | None:
        return None if self._wire is None else self._wire.open_calls

    def subscribe(self, channel: bytes) -> None:
        self._channels.add(channel)
        if self._wire is not None:
            self._wire.subscribe((channel,))

    def unsubscribe(self, channel: bytes) -> None:
        self._channels.discard(channel)
        if self._wire is not None:
            self._wire.unsubscribe(channel)

    async def start(self) -> None:
        wire = await self._connect()
        self._tasks = [
            asyncio.create_task(self._keep(wire), name="redis link"),
            asyncio.create_task(self._place.watch(self._moved), name="redis place"),
        ]

    async def close(self) -> None:
        if self._wire is not None:  # first, because the keeper takes what it waits for along
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
        """Waits for the connection to break, and makes a new one, for as long as the link lives."""
        loop = asyncio.get_running_loop()
        complaints = Complaints(log, loop.time)
        began = loop.time()
        while True:
            reason = await wire.lost
            self._wire = None
            complaints.say(f"lost the link to {self._place.shown}: {reason}")
            lost = loop.time()
            if lost - began >= STABLE_SECONDS:
                self._backoff.begin_anew()
            wire = await self._connect_again(complaints)
            began = loop.time()
            complaints.say(
                f"the link to {self._place.shown} is back", f" after {began - lost:.1f} s"
            )
            self._on_gap()

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
            except StoreUnreachable as error:
                complaints.say(str(error))
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
                    return await self._connect_to(address)
                except StoreUnreachable as error:
                    refused = error
        raise refused

    async def _connect_to(self, address: Address) -> Wire:
        """Connection, login, function library, all channels."""
        wire: Wire | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                wire = await self._dial(address)
                await self._greet(wire.ask)
                await wire.prove()
        except BaseException as error:
            if wire is not None:
                wire.drop("not usable")
            if not isinstance(error, UNUSABLE):
                raise
            said = in_words(str(error)) or f"no answer for {CONNECT_SECONDS:g} s"
            raise StoreUnreachable(f"cannot use Redis at {address.shown}: {said}") from error
        channels = sorted(self._channels)
        for first in range(0, len(channels), CHANNELS_AT_ONCE):
            wire.subscribe(channels[first : first + CHANNELS_AT_ONCE])
        self._wire = wire
        return wire

    async def _dial(self, address: Address) -> Wire:
        args = self._on_push, self._on_pressure, self._probe, self._timeout
        if self._witnesses is None:
            return await dial(address, lambda: Wire(*args))
        return await self._witnesses.dial(address, lambda: WitnessedWire(*args))
