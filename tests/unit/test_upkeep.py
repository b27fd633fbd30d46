"""``upkeep`` and ``store``: which pools there are, and where a new account goes (functions: the contract)."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import pytest

from chat.errors import Code
from chat.store.calls import Command, Done, LinkDown
from chat.store.figures import Figures
from chat.store.library import Generations
from chat.store.store import Store
from chat.store.upkeep import POOL_SECONDS

KEEP = round(1000 * POOL_SECONDS)
ROOM = 100


class FakeLink:
    """Of one pool: answers what the test has put there, by the name of the function."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[Any]]] = []
        self.answers: dict[str, Any] = {}
        self.there = True

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        assert not isinstance(command, bytes)
        _, name, _, _, *args = command
        name = str(name).removeprefix("chat_1_")
        self.asked.append((name, args))
        done(self.answers.get(name, LinkDown("away")) if self.there else LinkDown("away"))

    def open_calls(self) -> int | None:
        return 0 if self.there else None


class World:
    """A store, each of whose pools is somewhere else."""

    def __init__(self, count: int = 1) -> None:
        self.links: dict[int, FakeLink] = {}
        self.served: list[int] = []
        self.answers: list[tuple[int, Sequence[Any]]] = []
        self.store = Store(
            self,  # type: ignore[arg-type]  # as much of the links as is needed
            Generations(), "node", lambda *_: None, pools=count, pool_accounts=ROOM, grace=30, lease=10, inbox_length=100,
            sessions_per_account=8, accounts_per_minute=30, timeout=2, clock=lambda: 100.0,
        )  # fmt: skip

    def of(self, pool: int) -> FakeLink:
        return self.links.setdefault(pool, FakeLink())

    def serve(self, pool: int) -> None:
        self.served.append(pool)

    def flush(self) -> None: ...

    def hold(self, accounts: Mapping[int, int]) -> None:
        """So many accounts are in these pools, as it was last said."""
        for pool, number in accounts.items():
            self.store.pools.learn(pool, Figures(accounts=number))

    def has(self, accounts: int, pool: int) -> None:
        """A new account finds so many in the pool."""
        if accounts < ROOM:
            self.of(pool).answers["create"] = [0, 1000 + pool, 77]
        else:
            self.of(pool).answers["create"] = [Code.FULL]

    def create(self) -> None:
        self.store.create(b'"x"', "token", "address", lambda *answer: self.answers.append(answer))

    def asked(self, name: str) -> list[tuple[int, Any]]:
        """Which pools were asked for that, with the last argument."""
        return [
            (pool, args[-1])
            for pool, link in self.links.items()
            for function, args in link.asked
            if function == name
        ]


def play(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


# Which pools there are


def test_a_store_looks_after_its_pools_from_the_start() -> None:
    """Whether or not there is something in them."""
    world = World(3)
    assert world.served == [0, 1, 2]
    assert list(world.store.pools.served) == [0, 1, 2]


def test_pools_are_told_and_learnt_in_the_first() -> None:
    """How many this node opens accounts in, and those beyond that in which it has seen something."""

    async def scenario() -> None:
        world = World(2)
        world.of(0).answers["pools"] = [0, 0, 1, 7]
        await world.store.upkeep.look_for_pools()
        assert world.links[0].asked == [("pools", [2, KEEP])]
        assert world.served == [0, 1, 7]
        world.hold({0: 5, 7: 3})
        await world.store.upkeep.look_for_pools()
        assert world.links[0].asked[1:] == [("pools", [2, KEEP, 7])]
        assert world.served == [0, 1, 7], "each once"
        assert [pool for pool, _ in world.asked("pools")] == [0, 0]

    play(scenario())


def test_a_pool_is_retired_when_nobody_has_seen_anything_in_it_for_long() -> None:
    """Not before it is listed no more, and never one of the first, nor one with something in it."""

    async def scenario() -> None:
        world, upkeep = World(2), None
        upkeep = world.store.upkeep
        assert upkeep.retire() == set(), "nothing was learnt yet"
        world.of(0).answers["pools"] = [0, 0, 1, 7, 8]
        await upkeep.look_for_pools()
        assert upkeep.retire() == set()
        world.hold({8: 1})
        world.of(0).answers["pools"] = [0, 0]
        await upkeep.look_for_pools()
        assert upkeep.retire() == {7}
        world.hold({8: 0})
        assert upkeep.retire() == {7, 8}

    play(scenario())


def test_a_look_without_an_answer_changes_nothing() -> None:
    """What was learnt before is still true, or nothing is known."""

    async def scenario() -> None:
        world = World(1)
        upkeep = world.store.upkeep
        await upkeep.look_for_pools()
        assert (world.served, upkeep.retire()) == ([0], set())
        world.of(0).answers["pools"] = [0, 0, 7]
        await upkeep.look_for_pools()
        world.of(0).there = False
        await upkeep.look_for_pools()
        assert (world.served, upkeep.retire()) == ([0, 7], set())

    play(scenario())


def test_who_comes_back_to_a_pool_that_is_not_known_makes_it_known() -> None:
    """It is looked after from then on; one that does not know the account is not."""
    world = World(1)
    world.of(7).answers["attach"] = [0, 77, b'"x"', 1, 0, [], 0, 0, [], -1]
    world.of(8).answers["attach"] = [Code.NO_DATA]
    world.of(9).answers["attach"] = [Code.MOVED, 7]
    codes: list[int] = []
    for pool in 8, 9, 7, 7:
        world.store.attach(
            pool, 1000 + pool, "token", None, False, lambda code, _: codes.append(code)
        )
    assert codes == [Code.NO_DATA, Code.MOVED, 0, 0]
    assert world.served == [0, 7]


# Where a new account goes


@pytest.mark.parametrize(
    ("known", "away", "pool"),
    [
        ({0: 0, 1: 0, 2: 0}, (), 0),
        ({0: 100, 1: 99, 2: 0}, (), 1),
        ({0: 0, 1: 0, 2: 0}, (0,), 1),
        ({0: 100, 1: 100, 2: 0}, (2,), 0),
    ],
)
def test_the_lowest_pool_with_room(known: dict[int, int], away: tuple[int, ...], pool: int) -> None:
    """As far as is known, and of those that are there. It is told how many it may have; where all are full, any
    number."""
    world = World(3)
    world.hold(known)
    for number in range(3):
        world.has(0, number)
        world.links[number].there = number not in away
    world.create()
    assert world.answers == [(0, [1000 + pool, 77])]
    assert world.asked("create") == [(pool, ROOM if known[pool] < ROOM else 0)]


def test_a_pool_that_is_full_by_now() -> None:
    """The next is asked, and it is not asked again before it is known how many there are."""
    world = World(3)
    for pool, accounts in (0, 100), (1, 100), (2, 5):
        world.has(accounts, pool)
    world.create()
    world.create()
    assert world.answers == [(0, [1002, 77])] * 2
    assert world.asked("create") == [(0, ROOM), (1, ROOM), (2, ROOM), (2, ROOM)]
    world.hold({0: 99})
    world.has(99, 0)
    world.create()
    assert world.answers[2:] == [(0, [1000, 77])]


def test_nobody_is_sent_away_because_all_are_full() -> None:
    """The emptiest takes one more."""
    world = World(2)
    world.hold({0: 120, 1: 110})
    world.links[0] = world.links[1] = FakeLink()
    world.has(0, 1)
    world.create()
    assert world.answers == [(0, [1001, 77])]
    assert world.links[1].asked[0][1][-1] == 0


def test_without_a_server_there_is_no_new_account() -> None:
    """It is said that there is no Redis; nobody asks on for ever."""
    world = World(2)
    for pool in 0, 1:
        world.of(pool).there = False
    world.create()
    assert world.answers == [(Code.INTERNAL, ())]


def test_too_many_accounts_of_an_address() -> None:
    """One pool's word is enough: others are not asked."""
    world = World(2)
    world.of(0).answers["create"] = [Code.RATE_LIMITED, 500]
    world.create()
    assert world.answers == [(Code.RATE_LIMITED, [500])]
    assert [pool for pool, _ in world.asked("create")] == [0]


def test_whether_there_is_a_pool() -> None:
    """The first one is asked, once for all who want to know it at the same time; of one that is known nobody is."""

    async def scenario() -> None:
        world = World()
        told: list[tuple[int, int]] = []

        def find(*pools: int) -> None:
            for pool in pools:
                world.store.upkeep.find(pool, lambda code, pool=pool: told.append((pool, code)))  # type: ignore[misc]

        find(0)
        assert (told, world.asked("pools")) == ([(0, Code.SUCCESS)], [])
        asked: list[Done] = []
        world.of(0).call = lambda command, done, weight=1: asked.append(done)  # type: ignore[method-assign]
        find(3, 999, 3)
        assert len(asked) == 1
        asked.pop()([0, 0, 3])
        assert told[1:] == [(3, Code.SUCCESS), (999, Code.NO_DATA), (3, Code.SUCCESS)]
        assert world.served == [0, 3]
        find(999)
        asked.pop()(LinkDown("away"))
        assert told[4:] == [(999, Code.INTERNAL)]

    asyncio.run(scenario())
