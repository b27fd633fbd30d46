"""One trial: people talk, a fault happens, they go on, say goodbye, and the book is looked at."""

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass

from tests.faults.book import Book
from tests.faults.grounds import GROUNDS, Ground, OneRedis
from tests.faults.house import GRACE_SECONDS, LEASE_SECONDS, House
from tests.faults.kinds import KINDS
from tests.faults.person import Person
from tests.faults.scene import Kind, Scene
from tests.support.frames import Frame
from tests.support.namespaces import possible

NODES = 3
TIMES_TO_COME = 50
TOLD_NOTHING: Frame = {"code": 2}
CALM_SECONDS = 1.0
SETTLE_SECONDS = 30.0
MEMORY_BOUND = 64 * 1024 * 1024
"""What all nodes together may have grown by: a leak for each message or socket would be far beyond."""


@dataclass(frozen=True)
class Report:
    """What a trial found. Everything in ``faults`` must be zero."""

    ground: str
    kind: str
    seed: int
    confirmed: int
    delivered: int
    lost: int
    twice: int
    disordered: int
    ended: int
    untold: int
    left: int
    silences: list[float]
    memory: int
    seen: dict[str, int]

    @property
    def faults(self) -> dict[str, int]:
        """What no fault may cause, by its name."""
        names = "lost", "twice", "disordered", "ended", "untold", "left"
        return {name: value for name in names if (value := getattr(self, name))}


async def run(on: str, name: str, seed: int, *, pairs: int = 8, rounds: int = 1) -> Report:
    """Runs one trial. Raises AssertionError where the fault did not happen as it should."""
    kind, rng, book = KINDS[name], random.Random(seed), Book()
    settings = {**kind.settings, **({"CHAT_REPLICAS_TO_WAIT": "1"} if kind.takes_over else {})}
    async with House(NODES, 2 * pairs, _ground(on, kind), settings) as house:
        people = [Person(f"p{number}", house.urls, book, rng) for number in range(2 * pairs)]
        for person in people:
            person.receive_buffer = kind.receive_buffer
        await _meet(people, house.urls)
        memory = house.memory()
        async with asyncio.TaskGroup() as lives:
            tasks = [lives.create_task(person.live(), name=person.name) for person in people]
            scene = Scene(house, people, book, rng, rounds)
            began = await _talk(people, kind, scene)
            await _settle(book, kind)
            grown = house.memory() - memory
            for task in tasks:
                task.cancel()
        for person in people:
            await person.leave()
        left = await _left_over(house, kind)
        assert not list(house.tracebacks()), next(house.tracebacks())
    _check_that_it_happened(kind, book)
    silences = book.silences(began, {one.name for one in people if one.pool in scene.hit})
    return _report(on, name, seed, kind, book, silences, left, grown)


def _ground(on: str, kind: Kind) -> Ground:
    if kind.lossy:
        return OneRedis(keeps=False)
    return GROUNDS[on](parted=kind.parts and possible())


async def _meet(people: list[Person], urls: list[str]) -> None:
    """Two by two, and on all nodes alike, the talkers as well as those who will fall silent (see ``_talk``):
    a fault of any node hits both kinds. Left to chance, it hits nobody now and then."""
    for number, (a, b) in enumerate(zip(people[::2], people[1::2], strict=True)):
        places = [urls[(2 * number + seat + number // 3) % len(urls)] for seat in range(2)]
        session = await _in_one_session(a, b, places)
        a.meets(b, session)
        b.meets(a, session)


async def _in_one_session(a: Person, b: Person, places: list[str]) -> int:
    """Only in one pool do they meet at once, and nodes choose it; and on a busy machine one of them may be told that
    nobody knows (2): then both go, and come again."""
    for _ in range(TIMES_TO_COME):
        first = await a.come(places[0])
        second = await b.come(places[1])
        waits = await first.match() if a.pool == b.pool else TOLD_NOTHING
        met = await second.match() if waits["code"] == 4 else waits
        if met["code"] == 0:
            assert met["partnerId"] == first.account_id, f"{b.name} met somebody else: {met}"
            return int(met["sessionId"])
        assert met["code"] == 2, met
        await a.leave()
        await b.leave()
    raise AssertionError("they were never in one session")


async def _talk(people: list[Person], kind: Kind, scene: Scene) -> float:
    """Everybody talks, before, during and after the fault, but for every third pair: of those, some have
    fallen silent before, so that they notice nothing by themselves, and some in the midst of it. Returns
    when it began."""
    quiet = list(zip(people[::2], people[1::2], strict=True))[::3]
    async with asyncio.TaskGroup() as talks:
        for person in people:
            talks.create_task(person.talk(), name=f"{person.name} talks")
        await asyncio.sleep(CALM_SECONDS / 2)
        for a, b in quiet[::2]:
            a.hush()
            b.hush()
        await asyncio.sleep(CALM_SECONDS / 2)
        began = time.monotonic()
        talks.create_task(_fall_silent(quiet[1::2], scene.rng))
        await kind.inject(scene)
        await asyncio.sleep(CALM_SECONDS + LEASE_SECONDS / 2)
        for person in people:
            person.hush()
    return began


async def _fall_silent(pairs: list[tuple[Person, Person]], rng: random.Random) -> None:
    """They say nothing more from some moment of the fault on: no later push of theirs shows that one is
    missing, so what arrives was looked for."""
    for a, b in pairs:
        await asyncio.sleep(rng.uniform(0, 0.4))
        a.hush()
        b.hush()


async def _settle(book: Book, kind: Kind) -> None:
    """Until all that was confirmed has arrived; what has not by then is lost."""
    if kind.lossy:
        await asyncio.sleep(CALM_SECONDS)
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_SECONDS):
            while book.outstanding():  # noqa: ASYNC110 - filled by tasks that know nothing of this
                await asyncio.sleep(0.05)


async def _left_over(house: House, kind: Kind) -> int:
    grace = float(kind.settings.get("CHAT_GRACE_SECONDS", GRACE_SECONDS))
    with contextlib.suppress(AssertionError):
        await house.until(
            lambda: not house.left_over(), "nothing is left", grace + 2 * LEASE_SECONDS + 5
        )
    left = house.left_over()
    if left:
        print("left over:", left[:20])
    return len(left)


def _check_that_it_happened(kind: Kind, book: Book) -> None:
    missing = [what for what in kind.shows if not book.seen[what]]
    assert not missing, f"{kind.title}: nothing of {missing} was seen, but {dict(book.seen)}"
    assert book.confirmed > 50, "hardly anything was said"
    if kind.calm:
        harmed = {what for what in book.seen if what.startswith(("closed", "PartnerAway"))}
        assert not harmed, f"{kind.title}: people noticed more than a pause: {dict(book.seen)}"


def _report(
    on: str,
    name: str,
    seed: int,
    kind: Kind,
    book: Book,
    silences: list[float],
    left: int,
    grown: int,
) -> Report:
    """Where Redis comes back without having known a message, its repeat is a new one: who was told that
    something is missing may get it twice."""
    lost = book.outstanding()
    judged = [
        direction
        for name, direction in book.directions.items()
        if not (kind.may_repeat and _partner(name) in book.told)
    ]
    for direction in judged:
        print(*direction.oddities(), sep="\n", end="")
    return Report(
        ground=on,
        kind=name,
        seed=seed,
        confirmed=book.confirmed,
        delivered=book.delivered,
        lost=0 if kind.lossy else sum(map(len, lost.values())),
        twice=sum(d.twice() for d in judged) + book.wrong["twice"],
        disordered=sum(d.disordered() for d in judged) + book.wrong["gap"],
        ended=book.wrong["ended"],
        untold=_untold(kind, book, lost),
        left=left,
        silences=silences,
        memory=grown,
        seen=dict(book.seen),
    )


def _untold(kind: Kind, book: Book, lost: dict[str, set[int]]) -> int:
    """Where nothing may be lost, who was told that something was; where something may be, the messages
    that are missing at somebody who was not told."""
    if not kind.lossy:
        return 0 if kind.takes_over else len(book.told)
    return sum(len(numbers) for name, numbers in lost.items() if _partner(name) not in book.told)


def _partner(name: str) -> str:
    """They sit two by two."""
    return f"p{int(name[1:]) ^ 1}"
