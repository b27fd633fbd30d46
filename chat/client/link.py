"""The connection of a client, made anew whenever it is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from random import Random
from ssl import SSLContext
from typing import Protocol, TypeVar

from chat.client.events import (
    GOING_AWAY,
    INTERNAL_ERR,
    RATE_LIMITED,
    REPLACED,
    Banned,
    ClientError,
    Closed,
    ConnectionFailed,
    ConnectionLost,
    Event,
    Refused,
    Replaced,
    Timing,
)
from chat.client.frames import Frame
from chat.client.socket import GOODBYE_SECONDS, Loss, Socket, SocketLost, fail

T = TypeVar("T")


class Owner(Protocol):
    """Who uses the link. It says ``online`` as soon as a socket has its account."""

    async def identify(self, socket: Socket) -> None: ...
    def credentials(self) -> Frame: ...
    def receive(self, socket: Socket, frame: Frame) -> None: ...
    def notice(self, event: Event) -> None: ...
    def ended(self, why: Closed, crash: Exception | None) -> None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a link takes from outside, so that a test can put something else in its place."""

    urls: Iterator[str]
    timing: Timing
    random: Random
    sleep: Callable[[float], Awaitable[None]]
    clock: Callable[[], float]
    ssl: SSLContext | None


class Link:
    """At most one socket at a time. One task, from ``open`` to ``close``, brings it back."""

    __slots__ = (
        "_attempts", "_end", "_failure", "_outside", "_owner", "_ready", "_since", "_socket", "_task"
    )  # fmt: skip

    def __init__(self, owner: Owner, outside: Surroundings) -> None:
        self._owner = owner
        self._outside = outside
        self._attempts = 0
        self._since = 0.0
        self._socket: Socket | None = None
        self._ready: asyncio.Future[Socket] | None = None
        self._task: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._end: Closed | None = None

    # -- for the owner

    async def open(self) -> None:
        """The first connection, or ``ConnectionFailed`` when time is up or a node does not want us."""
        if self._ready is not None:
            raise RuntimeError("a client is used once: make a new one")
        self._ready = asyncio.get_running_loop().create_future()
        try:
            socket = await self._first()
        except BaseException:
            self._finish(Closed("the client never was connected"))
            if self._socket is not None:
                self._socket.drop("given up")
            raise
        self._task = asyncio.create_task(self._keep(socket), name="chat client")

    async def _first(self) -> Socket:
        seconds = self._outside.timing.connect
        try:
            async with asyncio.timeout(seconds):
                return await self._reconnect(0.0)
        except TimeoutError:
            why = _in_words(self._failure)
            raise ConnectionFailed(f"cannot connect in {seconds:g} s: {why}") from self._failure
        except (SocketLost, Refused) as failure:
            raise ConnectionFailed(f"cannot connect: {_in_words(failure)}") from failure

    async def close(self) -> None:
        """End, and say goodbye, also when nobody is connected. Raises what the task crashed with."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        welcome = self._end is None
        self._finish(Closed("the client has said goodbye"))
        if self._socket is not None:
            await self._socket.goodbye()
        elif welcome:
            await self._come_back_for_goodbye()
        if isinstance(outcome, Exception):
            raise outcome

    async def _come_back_for_goodbye(self) -> None:
        """One attempt, on a socket that is used for nothing else: what it receives concerns nobody."""
        outside = self._outside
        with suppress(ClientError, TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                socket = await Socket.open(
                    next(outside.urls), lambda *_: None, lambda _: None, outside.timing, outside.ssl
                )
                try:
                    await socket.request("RECONNECT_REQ", **self._owner.credentials())
                    await socket.goodbye()
                finally:
                    socket.drop("the goodbye was said")

    def online(self, socket: Socket) -> None:
        """This socket has the account: calls may use it."""
        self._socket = socket
        self._since = self._outside.clock()
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(socket)

    def send(self, command: str, **fields: object) -> None:
        """Send what has no answer and may be lost; nothing happens while nobody is connected."""
        if self._socket is not None:
            self._socket.send(command, **fields)

    async def persist(self, attempt: Callable[[Socket], Awaitable[T]]) -> T:
        """Repeat until it is answered: on the next socket after a loss, and when told to try again."""
        patience = 0
        while True:
            socket = await self._connected()
            try:
                return await attempt(socket)
            except SocketLost:
                continue
            except Refused as refused:
                if refused.code not in {INTERNAL_ERR, RATE_LIMITED}:
                    raise
                wait = self._wait(patience, refused)
            patience += 1
            await self._outside.sleep(wait)

    async def _connected(self) -> Socket:
        if self._end is not None:
            raise Closed(str(self._end)) from self._end.__cause__
        if self._ready is None:
            raise Closed("the client is not connected yet: use it in `async with`")
        return await asyncio.shield(
            self._ready
        )  # shared: one cancelled call must not end it for all

    # -- coming back

    async def _keep(self, socket: Socket) -> None:
        try:
            loss = await asyncio.shield(socket.lost)
            while loss.again:
                self._owner.notice(ConnectionLost(loss.code, loss.reason))
                loss = await self._come_back(loss)
            self._owner.notice(Replaced() if loss.code == REPLACED else Banned())
            why = "a newer connection took over" if loss.code == REPLACED else "banned"
            self._finish(Closed(why))
        except Exception as crash:
            closed = Closed(f"the client failed: {crash}")
            closed.__cause__ = crash
            self._finish(closed, crash)
            raise

    async def _come_back(self, loss: Loss) -> Loss:
        """Connect again, and say how that connection was lost in its turn."""
        try:
            socket = await self._reconnect(self._first_wait(loss))
        except SocketLost as final:
            return final.loss
        return await asyncio.shield(socket.lost)

    async def _reconnect(self, wait: float) -> Socket:
        """Try every address in turn, until a node says that there is no use in it."""
        while True:
            if wait > 0:
                await self._outside.sleep(wait)
            try:
                return await self._connect()
            except (SocketLost, Refused, ConnectionFailed) as failure:
                if not self._again(failure):
                    raise
                self._failure = failure
                wait = self._next_wait(failure)

    def _again(self, failure: SocketLost | Refused | ConnectionFailed) -> bool:
        """A client that was connected knows that its addresses are right, whatever one says now."""
        first = self._task is None
        if isinstance(failure, ConnectionFailed):
            return not first
        told = failure.retry_after_ms if isinstance(failure, Refused) else None
        in_vain = first and told is not None and told / 1000 > self._outside.timing.connect
        return failure.again and not in_vain

    async def _connect(self) -> Socket:
        outside = self._outside
        socket = await Socket.open(
            next(outside.urls), self._owner.receive, self._lost, outside.timing, outside.ssl
        )
        try:
            await self._owner.identify(socket)
        except BaseException:
            if socket is not self._socket:  # one that just got its account is for the goodbye
                socket.drop("it has no account")
            if socket.crash is not None:  # a new socket would meet the same fault
                raise socket.crash from None
            raise
        return socket

    def _lost(self, socket: Socket) -> None:
        if socket is self._socket:
            self._socket = None
            self._ready = asyncio.get_running_loop().create_future()

    def _finish(self, why: Closed, crash: Exception | None = None) -> None:
        if self._end is None:
            self._end = why
            if self._ready is not None:
                fail(self._ready, why)
            self._owner.ended(why, crash)

    # -- how long to wait

    def _first_wait(self, loss: Loss) -> float:
        outside = self._outside
        if outside.clock() - self._since >= outside.timing.stable:
            self._attempts = 0
        if loss.code == GOING_AWAY and self._attempts == 0:
            self._attempts = 1
            return 0.0
        return self._next_wait(None)

    def _next_wait(self, failure: Exception | None) -> float:
        self._attempts += 1
        return self._wait(self._attempts - 1, failure)

    def _wait(self, attempts: int, failure: Exception | None) -> float:
        """Full jitter: people who lost one node together do not come back together."""
        timing = self._outside.timing
        limit = min(timing.backoff_cap, timing.backoff_base * 2 ** min(attempts, 30))
        if isinstance(failure, Refused) and failure.retry_after_ms is not None:
            return max(failure.retry_after_ms / 1000, 0.0)
        return self._outside.random.uniform(0, limit)


def _in_words(failure: Exception | None) -> str:
    """Why there is no connection, for people."""
    if not isinstance(failure, Refused) or failure.code != RATE_LIMITED:
        return str(failure or "no answer")
    wait = failure.retry_after_ms
    when = "later" if wait is None else f"in {ceil(wait / 1000)} s"
    return f"too many new accounts from here, try again {when}"
