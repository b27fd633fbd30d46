"""Many people at once: they come, meet, talk as much as fits or at a rate, and come back."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Self

from chat.load.pacing import evenly
from tests.bench.dialects.person import STAMP, TEXT, Person, Tally
from tests.bench.systems import Place

AT_ONCE = 64
"""People on their way at the same time."""
ENTER_SECONDS = 120
"""Until it is clear that somebody got no answer."""
REST_SECONDS = 0.5
"""After which nothing is under way any more, and memory stands still."""
ACK_SECONDS = 0.2
"""How long people may owe an acknowledgement of what they got."""
ACK_SLOTS = 20
"""Not all of them at the same moment."""


class Crowd:
    """The people of a place. Who stands at an even position sits on the first node.

    Used with ``async with``: while it lasts, people acknowledge what they got, one timer for all of them; after it
    they are all gone, since no event loop can end while sockets are open.
    """

    def __init__(self, place: Place) -> None:
        self._urls = place.urls
        self._make = place.system.person
        self.tally = Tally()
        self.people: list[Person] = []
        self.talkers: list[Person] = []
        """neighbours talk with each other, and sit on different nodes"""
        self._acknowledging: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._acknowledging = asyncio.create_task(self._acknowledge())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._acknowledging.cancel()
        tally = self.tally
        for person in tuple(tally.here):
            person.cut()
        await tally.until(lambda: not tally.here, "all are gone")

    async def come(self, number: int) -> list[Person]:
        """So many more, on both nodes alike."""
        people = [self._make(self.tally) for _ in range(number)]
        self.people += people
        await self._enter(people)
        return people

    async def match_at_once(self, people: Sequence[Person]) -> None:
        """All of them look for a partner in the same moment, and find each other."""
        tally = self.tally
        wanted = tally.in_session + len(people)
        for person in people:
            person.match()
        await tally.until(lambda: tally.in_session == wanted, "all are in a session")

    async def match_neighbours(self, people: Sequence[Person]) -> None:
        """One pair after the other, so that partners sit on different nodes."""
        tally = self.tally
        wanted = tally.in_session + len(people)
        for one, other in zip(people[::2], people[1::2], strict=True):
            await one.look()
            await other.look()
        self.talkers += people
        await tally.until(lambda: tally.in_session == wanted, "all are in a session")

    async def come_back(self) -> None:
        """All are cut off, and come back as fast as they can."""
        for person in self.people:
            person.cut()
        await self._enter(self.people)

    async def _enter(self, people: Sequence[Person]) -> None:
        numbered = iter(enumerate(people))

        async def one_after_the_other() -> None:
            for place, person in numbered:
                await person.come(self._urls[place % len(self._urls)])

        async with asyncio.timeout(ENTER_SECONDS):
            await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))

    def reply(self, pairs: int, window: int) -> None:
        """So many pairs talk: each message of those under way is answered with the next one."""
        self.tally.replying = True
        for one in range(0, min(2 * pairs, len(self.talkers)), 2):
            for turn in range(window):
                self.talkers[one + turn % 2].say()

    async def fall_silent(self) -> None:
        """What is under way arrives."""
        self.tally.replying = False
        tally = self.tally
        await tally.until(lambda: tally.said == tally.confirmed == tally.delivered, "all arrived")

    async def talk(self, per_second: float, seconds: float) -> list[int]:
        """One after the other says something, evenly, whatever comes of it. Returns the delays in ns."""
        tally, people = self.tally, self.talkers
        delays: list[int] = []
        tally.delays = delays

        def say(turn: int, due: float) -> None:
            people[turn % len(people)].say(b"%0*d %b" % (STAMP - 1, int(due * 1e9), TEXT))

        await evenly(per_second, seconds, say, clock=time.monotonic)
        await self.fall_silent()
        tally.delays = None
        return delays

    async def settle(self) -> None:
        """Everything that has arrived is acknowledged, and the nodes had time to hear it."""
        await self.fall_silent()
        for person in self.people:
            person.settle()
        await asyncio.sleep(REST_SECONDS)

    async def _acknowledge(self) -> None:
        tally = self.tally
        waiting = deque([tally.owing])
        while True:
            await asyncio.sleep(ACK_SECONDS / ACK_SLOTS)
            tally.owing = []
            waiting.append(tally.owing)
            for person in waiting.popleft() if len(waiting) > ACK_SLOTS else ():
                person.settle()
