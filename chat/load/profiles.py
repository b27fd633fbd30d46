"""The profiles: what people do, and when. Each is one object for one run on a crowd."""

import asyncio
from collections import deque
from typing import Protocol

from chat.load.crowd import Crowd, all_here
from chat.load.host import REPEAT_SECONDS
from chat.load.options import Options
from chat.load.pacing import evenly
from chat.load.person import Person
from chat.load.plan import Plan

PAIR_WINDOW = 8
"""With --rate max: messages of a pair that are under way."""
BACK_SECONDS = 60.0
"""How long a storm waits for people, beyond what the ramp takes."""
FREE_SECONDS = 5.0
"""How long churn waits for those who still talk at its end."""


class Profile(Protocol):
    """``prepare`` brings everybody to where it begins; ``run`` is what is measured."""

    async def prepare(self) -> None: ...
    async def run(self) -> None: ...


class Echo(Plan):
    """Whoever hears something says something: so a pair has always as many messages under way."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self.on = False

    def met(self, person: Person, *, asked: bool) -> None:
        if self.on and asked:
            self.begin(person)

    def heard(self, person: Person) -> None:
        if self.on:
            person.say(self._crowd.clock())

    def refused(self, person: Person, request: str, code: int) -> None:
        """What was refused will not be heard: another takes its place, a little later."""
        if self.on and request == "DIALOGUE_REQ" and code != 2:
            asyncio.get_running_loop().call_later(REPEAT_SECONDS, self.heard, person)

    def begin(self, person: Person) -> None:
        for _ in range(PAIR_WINDOW):
            person.say(self._crowd.clock())


class Talk:
    """Pairs talk, evenly or as fast as they are answered."""

    def __init__(self, crowd: Crowd, options: Options) -> None:
        self._crowd = crowd
        self._options = options

    async def prepare(self) -> None:
        await self._crowd.come(2 * self._options.pairs)
        await self._crowd.pair_off()

    async def run(self) -> None:
        if self._options.rate is None:
            await self._as_fast_as_it_goes()
        else:
            await talk(self._crowd, self._options.rate, self._options.duration)

    async def _as_fast_as_it_goes(self) -> None:
        echo = Echo(self._crowd)
        self._crowd.follow(echo)
        echo.on = True
        sessions = {p.session: p for p in self._crowd.everybody if p.session}
        for person in sessions.values():
            echo.begin(person)
        try:
            await asyncio.sleep(self._options.duration)
        finally:
            echo.on = False


async def talk(crowd: Crowd, rate: float, seconds: float) -> None:
    """Everybody in turn says something, so many messages a second over all."""
    people = crowd.everybody
    number = len(people)

    def act(turn: int, due: float) -> None:
        people[turn % number].say(due)

    late = await evenly(rate, seconds, act, clock=crowd.clock)
    crowd.tally.held_back += late


class Storm(Talk):
    """In the middle of the talk every socket is cut at once."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(super().run())
            group.create_task(self._strike())

    async def _strike(self) -> None:
        crowd = self._crowd
        await asyncio.sleep(self._options.duration / 2)
        began = crowd.clock()
        crowd.cut()
        await crowd.until(lambda: not crowd.being_cut, BACK_SECONDS)
        longest = BACK_SECONDS + len(crowd.everybody) / self._options.ramp
        if await crowd.until(lambda: all_here(crowd.everybody), longest):
            crowd.tally.all_back = crowd.clock() - began


class Idle:
    """Everybody is silent."""

    def __init__(self, crowd: Crowd, options: Options) -> None:
        self._crowd = crowd
        self._options = options

    async def prepare(self) -> None:
        await self._crowd.come(2 * self._options.pairs)
        if self._options.matched:
            await self._crowd.pair_off()
        else:
            self._crowd.follow(Plan())

    async def run(self) -> None:
        await asyncio.sleep(self._options.duration)


class Churn(Plan):
    """Who asked says something, who hears it leaves, and both are free for the next meeting."""

    def __init__(self, crowd: Crowd, options: Options) -> None:
        self._crowd = crowd
        self._options = options
        self._free: tuple[deque[Person], deque[Person]] = deque(), deque()
        """Those who began on different URLs, of which one each is taken."""
        self._on = True

    async def prepare(self) -> None:
        self._crowd.follow(self)
        people = await self._crowd.come(2 * self._options.pairs)
        self._free[0].extend(people[::2])
        self._free[1].extend(people[1::2])

    async def run(self) -> None:
        options, crowd = self._options, self._crowd
        if options.rate is not None:
            late = await evenly(options.rate, options.duration, self._meeting, clock=crowd.clock)
            crowd.tally.held_back += late
        else:
            while self._free[0] and self._free[1]:
                self._meeting(0, crowd.clock())
            await asyncio.sleep(options.duration)
        self._on = False
        everybody = len(crowd.everybody)
        await crowd.until(lambda: sum(map(len, self._free)) == everybody, FREE_SECONDS)

    def _meeting(self, turn: int, due: float) -> None:
        if not (self._free[0] and self._free[1]):
            self._crowd.tally.held_back += 1
            return
        for free in self._free:
            free.popleft().match(due)

    def met(self, person: Person, *, asked: bool) -> None:
        if asked:
            person.say(self._crowd.clock())

    def heard(self, person: Person) -> None:
        if not person.wants_to_leave:
            person.leave()

    def left(self, person: Person, now: float) -> None:
        self._free[person.index % 2].append(person)
        if self._on and self._options.rate is None and self._free[0] and self._free[1]:
            self._meeting(0, now)


def profile(crowd: Crowd, options: Options) -> Profile:
    """The one that was asked for."""
    match options.profile:
        case "churn":
            return Churn(crowd, options)
        case "idle":
            return Idle(crowd, options)
        case "storm":
            return Storm(crowd, options)
    return Talk(crowd, options)
