"""One RESP3 connection to Redis: calls out, replies and pushes in, from connected to lost."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import hiredis

from chat.store.calls import DEMOTED, Command, Done, LinkDown, Part, pack
from chat.store.proof import Proof
from chat.store.unsent import forget_unsent

log = logging.getLogger(__name__)

MAX_OPEN_CALLS = 50_000
"""Calls that may wait for a slow Redis; one more is answered at once with ``LinkDown``."""
PRESSED_CALLS, RELIEVED_CALLS = 1_000, 500
"""With so many open calls Redis does not keep up, and with so few it does again."""
FAULT = "a reply or push of Redis could not be dealt with"

PING, PONG = pack((b"PING",)), b"PONG"

_NOT_YET = object()


class Wire(asyncio.Protocol):
    """One connection, from connected to lost; never used again after that.

    What is open is a line of entries, answered from its head: a call, a subscription (confirmed by a push
    for each channel, or refused by an error reply), the end of one (a PING is sent behind it, because a server
    that moves the channel away says the same unasked), or a place in line.

    ``on_pressure`` is told when Redis does not keep up with the calls (``pressed``), and when it does again.
    ``on_astray`` is told of a channel that the server does not serve (any more), and why; without it that is the
    end of the connection.
    """

    def __init__(
        self,
        on_push: Callable[[bytes, bytes], None],
        on_pressure: Callable[[bool], None],
        timeout: float,
        on_astray: Callable[[bytes, str], None] | None = None,
    ) -> None:
        self._on_push = on_push
        self._on_pressure = on_pressure
        self._on_astray = on_astray
        self._proof = Proof()
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_NOT_YET)
        self._open: deque[tuple[str, Any, float, int]] = deque()
        self._weight = 0
        self._out: list[bytes] = []
        self._now = 0.0
        self._heard = 0.0
        self._due = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._proving = False
        self._refused: Exception | None = None
        self.pressed = False
        self._blocked = False
        self.lost: asyncio.Future[str] = self._loop.create_future()

    # outwards

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        """``weight``: as how many calls it counts."""
        if self.lost.done():
            self.after_open_calls(lambda: done(LinkDown("no connection to Redis")))
        elif self._weight >= MAX_OPEN_CALLS:
            self.after_open_calls(lambda: done(LinkDown("too many open calls")))
        else:
            self._write(pack(command))
            self._wait("call", done, weight)

    record = call
    """``call``, for what must not be lost once it is answered: here the same (see ``WitnessedWire``)."""

    def subscribe(self, channels: Sequence[bytes]) -> None:
        """To all (one or more, of one slot) with one command. When the last is confirmed, all are."""
        if not self.lost.done():
            self._write(pack((b"SSUBSCRIBE", *channels)))
            self._wait("subscribe", channels[-1])

    def unsubscribe(self, channels: Sequence[bytes]) -> None:
        """From all of them (one or more, of one slot)."""
        if not self.lost.done():
            self._write(pack((b"SUNSUBSCRIBE", *channels)) + PING)
            self._wait("unsubscribe", frozenset(channels))

    async def prove(self, probe: bytes) -> None:
        """From here on this connection shows that pushes arrive, by publishing to itself, on a channel of its own:
        it is dropped when they do not. So a subscription that the server has forgotten does not stay unnoticed.
        Raises the error where that is refused, as to a user without rights to channels."""
        self._proof.by(probe)
        await self.ask(("SPUBLISH", probe, 0))
        self.subscribe((probe,))
        await self.ask(("PING",))
        if self._refused is not None:
            raise self._refused
        self._proving = True

    def prove_by(self, probe: bytes) -> None:
        """The same with another channel, which is subscribed to already: the one of before was moved away."""
        self._proof.by(probe)
        self._proving = True

    @property
    def open_calls(self) -> int:
        return self._weight

    def after_open_calls(self, done: Callable[[], None]) -> None:
        if self._open:
            self._wait("place", done)
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
        forget_unsent(self._transport)
        self._transport.abort()
        self._out.clear()
        while self._open:
            kind, done, _, _ = self._open.popleft()
            try:
                if kind == "call":
                    done(LinkDown(reason))
                elif kind == "place":
                    done()
            except Exception:  # a fault of ours costs one call, not the others theirs
                log.exception(FAULT)
        self._weight = 0
        if self.pressed:
            self._press(False)

    def _wait(self, kind: str, what: Any, weight: int = 1) -> None:
        self._open.append((kind, what, self._now, weight))
        self._weight += weight
        if self._weight > PRESSED_CALLS and not self.pressed:
            self._press(True)

    def _write(self, data: bytes) -> None:
        if not self._out:
            self._now = self._loop.time()
            self._loop.call_soon(self.flush)
        self._out.append(data)

    def flush(self) -> None:
        """What was asked leaves: otherwise it does so in the next turn of the event loop."""
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    # inwards

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._due = self._loop.time()
        self._check()

    def pause_writing(self) -> None:
        """The transport's buffer is full: Redis does not read."""
        self._blocked = True
        if not self.pressed:
            self._press(True)

    def resume_writing(self) -> None:
        self._blocked = False
        self._relieve()

    def connection_lost(self, exc: Exception | None) -> None:
        self.drop(str(exc) if exc else "closed by the other side")

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        self._reader.feed(data)
        while self._deal_with_replies():
            pass
        if self.pressed:
            self._relieve()

    def _deal_with_replies(self) -> bool:
        """Until there is no whole reply left, or one could not be dealt with: then True, and the rest has
        still to be looked at. A fault of ours, or a strange payload on a channel, costs one, not the others."""
        gets = self._reader.gets
        try:
            while (reply := gets()) is not _NOT_YET:
                if type(reply) is hiredis.PushNotification:
                    self._pushed(reply)
                else:
                    self._answered(reply)
        except hiredis.ProtocolError as error:
            self.drop(str(error))
        except Exception:
            log.exception(FAULT)
            return True
        return False

    def _pushed(self, push: list[Any]) -> None:
        kind = push[0]
        if kind == b"smessage":
            if push[1] in self._proof.channels:
                self._proof.arrived(push[1], push[2])
            else:
                self._on_push(push[1], push[2])
            return
        change, what, *_ = self._open[0] if self._open else ("", ())
        if kind == b"ssubscribe":
            if change == "subscribe" and what == push[1]:
                self._next()
        elif kind == b"sunsubscribe" and not (change == "unsubscribe" and push[1] in what):
            self._astray(push[1], "the server has ended a subscription")

    def _astray(self, channel: bytes, why: str) -> None:
        if self._on_astray is None:
            self.drop(why)
        else:
            self._on_astray(channel, why)

    def _answered(self, reply: Any) -> None:
        if not self._open:  # answers to a connection that was dropped meanwhile
            return
        kind, done, _, weight = self._open[0]
        if kind == "call":
            self._open.popleft()
            self._weight -= weight
            try:
                done(reply)
            finally:
                self._places()
            if type(reply) is hiredis.ReplyError and str(reply).startswith(DEMOTED):
                self.drop(f"it takes no writes: {reply}")
        elif kind == "unsubscribe":
            if reply == PONG:  # an error before it says that the subscription had ended already
                self._next()
        else:
            strange = LinkDown("a subscription is answered like a call")
            self._refused = reply if isinstance(reply, Exception) else strange
            self._next()
            if self._proving:
                self._astray(done, f"a subscription is refused: {reply}")

    def _next(self) -> None:
        self._weight -= self._open.popleft()[3]
        self._places()

    def _places(self) -> None:
        """Those who waited for their place in line have reached its head."""
        while self._open and self._open[0][0] == "place":
            self._weight -= self._open[0][3]
            self._open.popleft()[1]()

    # whether it lives

    def _check(self) -> None:
        """Drops a connection whose oldest call is open, with nothing heard, for longer than allowed,
        and one whose probes are answered but do not arrive."""
        now = self._loop.time()
        late, self._due = now - self._due, now + self._timeout / 4
        if late > self._timeout / 4:
            # It is this process that stood still: what came meanwhile is read first.
            self._watch = self._loop.call_at(self._due, self._check)
        elif self._open and now - max(self._open[0][2], self._heard) > self._timeout:
            self.drop(f"no answer for {self._timeout:g} s")
        elif self._proof.missed():
            self.drop("pushes do not arrive")
        else:
            self._beat()
            self._watch = self._loop.call_at(self._due, self._check)

    def _beat(self) -> None:
        if self._proving:
            self.call(*self._proof.next())

    # whether Redis keeps up

    def _press(self, pressed: bool) -> None:
        self.pressed = pressed
        self._on_pressure(pressed)

    def _relieve(self) -> None:
        if self.pressed and not self._blocked and self._weight <= RELIEVED_CALLS:
            self._press(False)
