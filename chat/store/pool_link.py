"""The link of one pool of a cluster, wherever the pool is at the moment.

A cluster moves a pool as a whole: between the first key and the last its functions cannot run anywhere, and the
servers refuse them (MOVED, ASK, TRYAGAIN: nothing was done). So calls wait at the node until it is found where
the pool has arrived, and leave in their order; for no longer than a Redis may be silent, then they are answered
with ``LinkDown``. ASK is not followed: at the pool's next server a function would find only a part of its keys.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import hiredis

from chat.store.calls import Command, Done, LinkDown
from chat.store.link import RedisLink
from chat.store.wire import PRESSED_CALLS, RELIEVED_CALLS

ELSEWHERE = "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "LOADING"
"""What a refusal begins with after which nothing was done, and the pool is somewhere else, or will be there soon."""
MOST_WAITING = 10_000
"""Calls that may wait for a pool, by their weight; one more is answered at once with ``LinkDown``."""
LOST = "no connection to Redis"


class _Waiting(NamedTuple):
    """A call that has still to be made; without a command it is a place in line."""

    until: float
    command: Command | None
    done: Callable[..., None]
    weight: int
    record: bool
    """Whether it must not be lost once it is answered."""


class PoolLink:
    """``Link`` of a pool. ``on_astray`` is told when it has lost its home, which, and why: then ``home`` is None
    until ``arrive``. ``on_pressure``: whether so many calls wait for it here that no more should come; it is told too
    when it has left its home, where that may be so still. ``timeout`` is in seconds."""

    def __init__(
        self,
        pool: int,
        timeout: float,
        on_astray: Callable[["PoolLink", RedisLink, str], None],
        on_pressure: Callable[[bool], None],
    ) -> None:
        self.pool = pool
        self.home: RedisLink | None = None
        self._timeout = timeout
        self._on_astray = on_astray
        self._on_pressure = on_pressure
        self._long = False
        self._loop = asyncio.get_running_loop()
        self._channels: set[bytes] = set()
        self._moving = True  # it will be found in a moment
        self._before: RedisLink | None = None
        """Its home of before, until everything is answered there."""
        self._drained = asyncio.Event()
        self._drained.set()
        self._refused: deque[_Waiting] = deque()
        self._line: deque[_Waiting] = deque()
        self._weight = 0
        """Of both."""
        self._timer: asyncio.TimerHandle | None = None

    # what its user asks

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        self._ask(command, done, weight, record=False)

    def record(self, command: Command, done: Done, weight: int = 1) -> None:
        self._ask(command, done, weight, record=True)

    def _ask(self, command: Command, done: Done, weight: int, *, record: bool) -> None:
        home = self.home
        if home is not None:
            asked = (command, done, weight, record)
            ask = home.record if record else home.call
            ask(command, partial(self._answered, home, asked), weight)
        elif self._moving and self._weight < MOST_WAITING:
            self._wait(self._line, command, done, weight, record)
        else:
            self.after_open_calls(partial(done, LinkDown(LOST)))

    def after_open_calls(self, done: Callable[[], None]) -> None:
        if self.home is not None:
            self.home.after_open_calls(partial(self._reached, done))
        elif self._line or self._refused or not self._drained.is_set():
            self._wait(self._line, None, done)
        else:
            done()

    def open_calls(self) -> int | None:
        return None if self.home is None else self.home.open_calls()

    @property
    def pressed(self) -> bool:
        link = self.home or self._before
        return self._long or (link is not None and link.pressed)

    def subscribe(self, channel: bytes) -> None:
        self._channels.add(channel)
        if self.home is not None:
            self.home.subscribe(channel)

    def unsubscribe(self, channel: bytes) -> None:
        self._channels.discard(channel)
        if self.home is not None:
            self.home.unsubscribe(channel)

    # where it is

    @property
    def there(self) -> bool:
        """Whether it can be asked."""
        return self.home is not None and self.home.open_calls() is not None

    def stray(self, home: RedisLink, why: str) -> None:
        """It is not there any more."""
        if self.home is home:
            self._depart(home)
            self._moving = True
            self._on_astray(self, home, why)

    def _depart(self, home: RedisLink) -> None:
        """What is open there is answered there, and what is refused is asked again before all that comes later."""
        self.home = None
        self._drained.clear()
        self._before = home
        home.after_open_calls(self._left)
        home.leave(self.pool)

    def _left(self) -> None:
        self._before = None
        self._drained.set()
        self._on_pressure(self._long)  # what waits there for others is not in its way any more

    async def drained(self) -> None:
        """Returns when the server of before has answered everything."""
        await self._drained.wait()

    def arrive(self, home: RedisLink, probe: bytes) -> None:
        """It is there from here on; ``probe`` is a channel that shows when it leaves again."""
        self.home, self._moving = home, False
        home.subscribe_all({*self._channels, probe})
        waiting = [*self._refused, *self._line]
        self._refused.clear()
        self._line.clear()
        self._weight = 0
        self._weigh()
        for entry in waiting:
            if entry.command is None:
                home.after_open_calls(entry.done)
            else:
                self._ask(entry.command, entry.done, entry.weight, record=entry.record)

    def give_up(self) -> None:
        """There is no connection to where it is: nothing waits for that."""
        if self.home is not None:
            self._depart(self.home)
        self._moving = False
        self._answer_all(self._refused)
        self._answer_all(self._line)

    # calls that wait

    def _reached(self, done: Callable[[], None]) -> None:
        """A place in line, at the server of before: what was asked before it may have been refused there."""
        if self._refused:
            self._wait(self._refused, None, done)
        else:
            done()

    def _answered(
        self, home: RedisLink, asked: tuple[Command, Done, int, bool], reply: Any
    ) -> None:
        if type(reply) is hiredis.ReplyError and str(reply).startswith(ELSEWHERE):
            self.stray(home, str(reply))
            self._wait(self._refused, *asked)
        else:
            if self._refused:  # before this one: asked again, they would be done after it
                self._answer_all(self._refused)
            asked[1](reply)

    def _wait(
        self, line: deque[_Waiting], command: Command | None, done: Callable[..., None],
        weight: int = 1, record: bool = False,
    ) -> None:  # fmt: skip
        until = self._loop.time() + self._timeout
        line.append(_Waiting(until, command, done, weight, record))
        self._weight += weight
        self._weigh()
        if self._timer is None:
            self._timer = self._loop.call_at(until, self._expire)

    def _expire(self) -> None:
        """Answers those who have waited for too long, in their order: what was refused comes first, also where it
        was refused only after others had come."""
        self._timer = None
        now = self._loop.time()
        for line in self._refused, self._line:
            while line and line[0].until <= now:
                self._answer_first(line)
            self._weigh()
            if line:
                self._timer = self._loop.call_at(line[0].until, self._expire)
                return

    def _answer_all(self, line: deque[_Waiting]) -> None:
        while line:
            self._answer_first(line)
        self._weigh()

    def _answer_first(self, line: deque[_Waiting]) -> None:
        entry = line.popleft()
        self._weight -= entry.weight
        if entry.command is None:
            entry.done()
        else:
            entry.done(LinkDown("the pool has not arrived anywhere"))

    def _weigh(self) -> None:
        """Tells when too many wait, and when they do not any more."""
        if self._weight <= RELIEVED_CALLS if self._long else self._weight > PRESSED_CALLS:
            self._long = not self._long
            self._on_pressure(self._long)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.give_up()
