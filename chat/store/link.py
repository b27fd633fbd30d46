"""The link to Redis: one RESP3 connection for the calls and for the pushes of the channels.

Measured against the ready-made clients, a small protocol on hiredis costs a tenth; every message
passes here twice, so it is ours. What it promises its user, the ``Store``:

* the calls of one event-loop tick leave in one write, and are answered in their order;
* every call is answered exactly once, by a reply or by an error: no answer within the time-out,
  or a lost connection, answers all that is open with ``LinkDown``. *Nothing is repeated*: whether
  such a call was done is unknown, and only its caller can know if a repeat is harmless;
* after every interruption it reconnects by itself (full-jitter backoff), subscribes again to all
  channels, and then says ``on_gap``: whatever was published meanwhile was missed.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from random import random
from typing import Any, Protocol, cast

import hiredis

from chat.errors import StoreUnreachable
from chat.store.address import Address

log = logging.getLogger(__name__)

Done = Callable[[Any], None]
"""Takes a call's reply, or the error (an Exception, not raised) in its place."""
Part = bytes | str | int

MAX_OPEN_CALLS = 50_000
"""Calls that may wait for a slow Redis; one more is answered at once with ``LinkDown``."""
CONNECT_SECONDS = 5.0
BACKOFF_SECONDS = (0.05, 2.0)

_NOT_YET = object()


class LinkDown(Exception):
    """There is no connection, it was lost, or it was silent for too long: done or not, nobody knows."""


class Link(Protocol):
    """What the store needs of a server: this module's connection, or the embedded server's."""

    def call(self, parts: Sequence[Part], done: Done) -> None:
        """Sends one command; ``done`` is called once, in the order of the calls."""

    def after_open_calls(self, done: Callable[[], None]) -> None:
        """Calls ``done`` when all that was asked before is answered (at once if nothing is open)."""

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

    ``prologue`` is sent first on every new connection (the function library); ``on_push`` gets
    channel and payload; ``on_gap`` is called when pushes may have been missed. Callbacks must
    not raise.
    """

    def __init__(
        self,
        address: Address,
        prologue: Sequence[Sequence[Part]],
        on_push: Callable[[bytes, bytes], None],
        on_gap: Callable[[], None],
        *,
        timeout: float,
        jitter: Callable[[], float] = random,
    ) -> None:
        self._address = address
        self._prologue = [*address.login, *prologue]
        self._on_push = on_push
        self._on_gap = on_gap
        self._timeout = timeout
        self._jitter = jitter
        self._channels: set[bytes] = set()
        self._wire: _Wire | None = None
        self._keeper: asyncio.Task[None] | None = None

    def call(self, parts: Sequence[Part], done: Done) -> None:
        if self._wire is None:
            done(LinkDown("no connection to Redis"))
        else:
            self._wire.call(parts, done)

    def after_open_calls(self, done: Callable[[], None]) -> None:
        if self._wire is None:
            done()
        else:
            self._wire.after_open_calls(done)

    def subscribe(self, channel: bytes) -> None:
        self._channels.add(channel)
        if self._wire is not None:
            self._wire.channel(b"SSUBSCRIBE", channel)

    def unsubscribe(self, channel: bytes) -> None:
        self._channels.discard(channel)
        if self._wire is not None:
            self._wire.channel(b"SUNSUBSCRIBE", channel)

    async def start(self) -> None:
        wire = await self._connect()
        self._keeper = asyncio.create_task(self._keep(wire), name="redis link")

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._wire is not None:
            self._wire.drop("closed")

    async def _keep(self, wire: "_Wire") -> None:
        """Waits for the connection to break, and makes a new one, for as long as the link lives."""
        loop = asyncio.get_running_loop()
        while True:
            reason = await wire.lost
            self._wire = None
            log.warning("lost the link to %s: %s", self._address.shown, reason)
            since = loop.time()
            wire = await self._reconnect()
            log.info(
                "the link to %s is back after %.1f s", self._address.shown, loop.time() - since
            )
            for channel in self._channels:
                wire.channel(b"SSUBSCRIBE", channel)
            self._on_gap()

    async def _reconnect(self) -> "_Wire":
        pause, longest = BACKOFF_SECONDS
        while True:
            await asyncio.sleep(pause * self._jitter())
            try:
                return await self._connect()
            except StoreUnreachable as error:
                log.debug("still no link: %s", error)
            pause = min(2 * pause, longest)

    async def _connect(self) -> "_Wire":
        """One attempt: connection, login, function library."""
        address, loop = self._address, asyncio.get_running_loop()
        wire: _Wire | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if address.path:
                    _, wire = await loop.create_unix_connection(self._new_wire, address.path)
                else:
                    _, wire = await loop.create_connection(
                        self._new_wire, address.host, address.port, ssl=address.tls
                    )
                for parts in self._prologue:
                    await wire.ask(parts)
        except (OSError, LinkDown, hiredis.HiredisError, TimeoutError) as error:
            if wire is not None:
                wire.drop("not usable")
            said = str(error) or f"no answer within {CONNECT_SECONDS:g} s"
            raise StoreUnreachable(f"cannot use Redis at {address.shown}: {said}") from error
        self._wire = wire
        return wire

    def _new_wire(self) -> "_Wire":
        return _Wire(self._on_push, self._timeout)


class _Wire(asyncio.Protocol):
    """One connection, from connected to lost; never used again after that.

    What is open is a line of entries, answered from its head: a call, a change of subscription
    (confirmed by a push, or refused by an error reply), or a place in line.
    """

    def __init__(self, on_push: Callable[[bytes, bytes], None], timeout: float) -> None:
        self._on_push = on_push
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_NOT_YET)
        self._open: deque[tuple[str, Any, float]] = deque()
        self._out: list[bytes] = []
        self._now = 0.0
        self._heard = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self.lost: asyncio.Future[str] = self._loop.create_future()

    # outwards

    def call(self, parts: Sequence[Part], done: Done) -> None:
        if self.lost.done() or len(self._open) >= MAX_OPEN_CALLS:
            done(LinkDown("no connection to Redis" if self.lost.done() else "too many open calls"))
            return
        self._write(hiredis.pack_command(tuple(parts)))  # type: ignore[arg-type]  # any length
        self._open.append(("call", done, self._now))

    def channel(self, command: bytes, channel: bytes) -> None:
        if not self.lost.done():
            self._write(hiredis.pack_command((command, channel)))  # type: ignore[arg-type]  # any length
            self._open.append(("channel", channel, self._now))

    def after_open_calls(self, done: Callable[[], None]) -> None:
        if self._open:
            self._open.append(("place", done, self._now))
        else:
            done()

    async def ask(self, parts: Sequence[Part]) -> Any:
        """``call`` for those who can wait; raises the error."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        self.call(parts, lambda reply: None if answer.done() else answer.set_result(reply))
        reply = await answer
        if isinstance(reply, Exception):
            raise reply
        return reply

    def drop(self, reason: str) -> None:
        """Ends the connection at once; all that is open gets ``LinkDown``."""
        if self.lost.done():
            return
        self.lost.set_result(reason)
        if self._watch is not None:
            self._watch.cancel()
        self._transport.abort()
        self._out.clear()
        while self._open:
            kind, done, _ = self._open.popleft()
            if kind == "call":
                done(LinkDown(reason))
            elif kind == "place":
                done()

    def _write(self, data: bytes) -> None:
        if not self._out:
            self._now = self._loop.time()
            self._loop.call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    # inwards

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._check_silence()

    def connection_lost(self, exc: Exception | None) -> None:
        self.drop(str(exc) if exc else "closed by the other side")

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not _NOT_YET:
                if type(reply) is hiredis.PushNotification:
                    self._pushed(reply)
                else:
                    self._answered(reply)
        except hiredis.ProtocolError as error:
            self.drop(str(error))

    def _pushed(self, push: list[Any]) -> None:
        kind = push[0]
        if kind == b"smessage":
            self._on_push(push[1], push[2])
        elif self._open and self._open[0][0] == "channel" and self._open[0][1] == push[1]:
            self._next()

    def _answered(self, reply: Any) -> None:
        if not self._open:  # answers to a connection that was dropped meanwhile
            return
        kind, done, _ = self._open[0]
        if kind == "call":
            self._open.popleft()
            done(reply)
            self._places()
        else:
            log.error("Redis refuses a subscription: %s", reply)
            self._next()

    def _next(self) -> None:
        self._open.popleft()
        self._places()

    def _places(self) -> None:
        """Those who waited for their place in line have reached its head."""
        while self._open and self._open[0][0] == "place":
            self._open.popleft()[1]()

    def _check_silence(self) -> None:
        """Drops a connection whose oldest call is open, with nothing heard, for longer than allowed."""
        now = self._loop.time()
        if self._open and now - max(self._open[0][2], self._heard) > self._timeout:
            self.drop(f"no answer for {self._timeout:g} s")
            return
        self._watch = self._loop.call_later(self._timeout / 4, self._check_silence)
