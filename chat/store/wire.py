"""One RESP3 connection to Redis: calls out, replies and pushes in, from connected to lost."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import hiredis

log = logging.getLogger(__name__)

Done = Callable[[Any], None]
"""Takes a call's reply, or the error (an Exception, not raised) in its place."""
Part = bytes | str | int

MAX_OPEN_CALLS = 50_000
"""Calls that may wait for a slow Redis; one more is answered at once with ``LinkDown``."""

_NOT_YET = object()


class LinkDown(Exception):
    """There is no connection, it was lost, or silent for too long: done or not, nobody knows."""


class Wire(asyncio.Protocol):
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
