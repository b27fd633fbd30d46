"""All people of a load, and what they share: the tally, the book, one clock, one timer."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random
from types import TracebackType
from typing import Self

from chat.load.arrivals import AT_ONCE, Arrivals
from chat.load.book import Book
from chat.load.hints import UNDONE_HINT, LoadFailed, code_hint, in_vain, named
from chat.load.host import ACK_SECONDS, State
from chat.load.pacing import Clock
from chat.load.person import Person
from chat.load.plan import Plan
from chat.load.tally import Tally

TICK_SECONDS = 0.01
ANSWER_SECONDS = 10.0
LOOK_TICKS = 50
"""In so many ticks everybody is looked at once, a few in each: all at once would be a pause."""
SETTLE_PAUSE_SECONDS = 0.05
COME_SECONDS = 20.0
MEET_SECONDS = 20.0
GOODBYE_SECONDS = 3.0
GOODBYES_AT_ONCE = 100


class Crowd:
    """Use it in ``async with``: at its end everybody says goodbye. ``ramp``: people a second that come, also
    those who come back. ``ack_each``: every push is acknowledged at once, alone. A node that does not answer
    for ``answer_seconds`` is left. ``come_seconds``: how much longer than by the ramp the coming may take.
    ``at_once``: connections that are being made at the same time."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        ramp: float = 1000.0,
        ack_each: bool = False,
        answer_seconds: float = ANSWER_SECONDS,
        come_seconds: float = COME_SECONDS,
        at_once: int = AT_ONCE,
        plan: Plan | None = None,
        clock: Clock = time.monotonic,
        random: Random | None = None,
    ) -> None:
        self.urls = tuple(urls)
        self.tally = Tally()
        self.book = Book()
        self.people: dict[int, Person] = {}
        self.everybody: list[Person] = []
        """In the order of their coming: neighbours begin on different URLs."""
        self.ack_each = ack_each
        self.answer_seconds = answer_seconds
        self.clock = clock
        self._ramp = ramp
        self._come_seconds = come_seconds
        self._at_once = at_once
        self._arrivals = Arrivals(
            self.urls, ramp, self.tally, clock, random or Random()  # noqa: S311 - guards nothing
        )  # fmt: skip
        self._owed: deque[tuple[float, Person]] = deque()
        self.being_cut: set[Person] = set()
        """Whose socket is gone, though nothing has said so yet."""
        self._coming = False
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.follow(plan or Plan())

    def follow(self, plan: Plan) -> None:
        """From here on people do by themselves what this says."""
        self._plan = plan
        self.heard: Callable[[Person], None] = plan.heard

    async def __aenter__(self) -> Self:
        work = [self._tick(), *(self._arrivals.serve() for _ in range(self._at_once))]
        self._tasks = [asyncio.create_task(part) for part in work]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for place, person in enumerate(self.everybody):
            person.goodbye()
            if place % GOODBYES_AT_ONCE == 0:
                await asyncio.sleep(0)
        try:
            await self.until(self._all_gone, GOODBYE_SECONDS)
        finally:
            for person in self.everybody:
                person.cut()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)  # sockets that were cut say so in the next turn

    def _all_gone(self) -> bool:
        return not self._arrivals.connecting and not any(p.connected for p in self.everybody)

    # -- what is done with all of them

    async def come(self, number: int) -> list[Person]:
        """So many more people. Raises LoadFailed if not all of them get an account."""
        first = len(self.everybody)
        people = [Person(self, place) for place in range(first, first + number)]
        self.everybody += people
        for person in people:
            self._arrivals.enter(person)
        self._coming = True
        seconds = number / self._ramp + self._come_seconds
        await self.until(lambda: self._arrivals.failure or all_here(people), seconds)
        self._coming = False
        if not all_here(people):
            away = [person for person in people if person.state is not State.HERE]
            trouble = self._undone(away) or self._worst_trouble()
            why = self._arrivals.failure or f"not within {seconds:.0f} s; {trouble}"
            raise LoadFailed(f"{number - len(away)} of {number} people could come: {why}")
        return people

    def _worst_trouble(self) -> str:
        worst = self.tally.troubles.most_common(1)
        return worst[0][0] if worst else "no answer"

    def _undone(self, people: Iterable[Person]) -> str:
        """What somebody gets in place of answers, and what that means; empty where it is none of them."""
        undone = [person.undone for person in people if person.undone is not None]
        if not undone:
            return ""
        first = min(undone, key=lambda one: one.since)
        return f"{in_vain(first.request, self.clock() - first.since)}; {UNDONE_HINT}"

    async def pair_off(self, people: Sequence[Person] | None = None) -> None:
        """Two by two: neighbours, if nobody from elsewhere waits. Raises LoadFailed.

        One pair after the other: whoever asks is paired with who waits, so of two who ask for different
        partners at the same time nobody knows what comes."""
        people = self.everybody if people is None else people
        for person in people:
            person.match(self.clock())
            await self._settled(person)
        if not await self.until(lambda: self._paired(people), MEET_SECONDS):
            lonely = [person for person in people if not person.session]
            why = f"; {undone}" if (undone := self._undone(lonely)) else ""
            raise LoadFailed(
                f"{len(lonely)} people found no partner within {MEET_SECONDS:g} s{why}"
            )

    async def _settled(self, person: Person) -> None:
        """It has a partner, or waits for one. Raises LoadFailed where that takes for ever."""
        try:
            async with asyncio.timeout(MEET_SECONDS):
                while not (person.session or person.waits):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            none = f"no answer to MATCH_REQ for {MEET_SECONDS:g} s"
            raise LoadFailed(self._undone([person]) or none) from None

    def _paired(self, people: Sequence[Person]) -> bool:
        """Whoever met somebody from elsewhere leaves one of ours alone."""
        alone = sum(not person.session for person in people)
        return alone <= sum(bool(p.partner) and p.partner not in self.people for p in people)

    def cut(self, people: Sequence[Person] | None = None) -> None:
        """Their sockets are gone, without a word; they come back."""
        for person in self.everybody if people is None else people:
            if person.connected:
                self.being_cut.add(person)
                person.cut()

    async def settle(self, seconds: float) -> None:
        """Waits until everything that was said is confirmed and has arrived, or nothing was for so long. What
        is not there then is missing."""
        try:
            while self.book.under_way():
                more = partial(self._more_than, self.tally.confirmed + self.tally.arrived)
                if not await self.until(more, seconds, SETTLE_PAUSE_SECONDS):
                    break
        finally:
            self.tally.unanswered += self.book.unanswered()
            self.book.close()

    def _more_than(self, done: int) -> bool:
        return self.tally.confirmed + self.tally.arrived > done

    async def until(
        self, condition: Callable[[], object], seconds: float, pause: float = TICK_SECONDS
    ) -> bool:
        """Whether it came true in time. Raises what a task of the crowd crashed with."""
        end = self.clock() + seconds
        while not condition():
            if self.clock() > end:
                return False
            for task in self._tasks:
                if task.done() and not task.cancelled():
                    task.result()
            await asyncio.sleep(pause)
        return True

    # -- what people tell

    def owes(self, person: Person) -> None:
        self._owed.append((self.clock() + ACK_SECONDS - 2 * TICK_SECONDS, person))

    def later(self, seconds: float, person: Person, request: str) -> None:
        asyncio.get_running_loop().call_later(seconds, person.again, request)

    def refused(self, person: Person, request: str, code: int) -> None:
        self.tally.errors[request, code] += 1
        if self._coming and request == "CRT_ACCOUNT_REQ" and (hint := code_hint(request, code)):
            self._arrivals.failure = f"{person.url} answers with code {named(code)}; {hint}"
        self._plan.refused(person, request, code)

    def here(self, person: Person) -> None:
        self.people[person.account] = person
        self._arrivals.reached(person.url)
        now = self.clock()
        self.tally.connect.add(now - person.began)
        if person.gone_since is not None:
            self.tally.back.add(now - person.gone_since)
            self.tally.came_back += 1
            person.gone_since = None

    def lost(self, person: Person, code: int) -> None:
        if person in self.being_cut:
            self.being_cut.discard(person)
            self.tally.cut += 1
        else:
            self.tally.sockets_lost += 1
            self.tally.trouble(f"a socket closed with {code}")
        if person.gone_since is None:
            person.gone_since = self.clock()
        if person.state is State.AWAY:
            person.place += 1
            self._arrivals.enter(person)

    def waits(self, person: Person) -> None:
        self._news.set()

    def met(self, person: Person, *, asked: bool) -> None:
        self._news.set()
        self.tally.meetings += asked
        self._plan.met(person, asked=asked)

    def left(self, person: Person) -> None:
        self._plan.left(person, self.clock())

    # -- the one timer

    async def _tick(self) -> None:
        turn = 0
        while True:
            due = self.clock() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            now = self.clock()
            self.tally.behind = max(self.tally.behind, now - due)
            while self._owed and self._owed[0][0] <= now:
                self._owed.popleft()[1].acknowledge_in_time()
            for person in self.everybody[turn::LOOK_TICKS]:
                person.look(now)
            turn = (turn + 1) % LOOK_TICKS
            if turn == 0:
                self.book.tidy()


def all_here(people: Sequence[Person]) -> bool:
    return all(person.state is State.HERE for person in people)
