"""``leases``: a lease in each pool that there is, from when it is learnt of until nobody uses it."""

import asyncio
import random
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any

import pytest

from chat import lease, leases
from chat.lease import Terms
from chat.leases import Leases
from chat.store.figures import Figures
from chat.store.pools import Pools
from chat.store.upkeep import Leased

SECONDS = 9.0


class FakeStore:
    """Pools and their upkeep: what was done is kept, by pool."""

    def __init__(self, *pools: int) -> None:
        self.pools = Pools(1, 100)
        for pool in pools:
            self.pools.add(pool)
        self.upkeep = self
        self.found: Collection[int] = ()
        """Pools that the next look finds."""
        self.retired: Collection[int] = ()
        """Those that nobody uses any more, then."""
        self.looks = 0
        self.leases: list[int] = []
        self.sweeps: list[int] = []
        self.released: list[int] = []
        self.said: list[Mapping[str, str]] = []
        self.was: dict[int, Leased] = {}
        self.news = asyncio.Event()

    async def look_for_pools(self) -> None:
        self.looks += 1
        for pool in self.found:
            self.pools.add(pool)
        self.news.set()

    def retire(self) -> Collection[int]:
        return self.retired

    async def lease(self, pool: int, report: Mapping[str, str]) -> Leased:
        self.pools.learn(pool, Figures())  # it raises for one that is not looked after
        self.leases.append(pool)
        self.said.append(report)
        self.news.set()
        return self.was.get(pool, Leased.KEPT)

    async def sweep(self, pool: int, batch: int) -> tuple[int, int]:
        self.sweeps.append(pool)
        self.news.set()
        return pool, 2 * pool

    async def release(self, pool: int) -> None:
        assert pool in self.pools.served, "or it is not known what it was answered the last time"
        self.released.append(pool)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.news.clear()
                await self.news.wait()


class World:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, *pools: int) -> None:
        monkeypatch.setattr(lease, "TICK_SECONDS", 0.001)
        monkeypatch.setattr(leases, "TICK_SECONDS", 0.001)
        self.now = 100.0
        self.asked = 0
        """How often somebody has looked what time it is."""
        self.reports = 0
        self.lost: list[int] = []
        self.swept: set[tuple[int, int]] = set()
        self.store = FakeStore(*pools)
        terms = Terms(
            SECONDS, self._report, self.lost.append, lambda *found: self.swept.add(found),
            self._clock, random.Random(1),
        )  # fmt: skip
        self.leases = Leases(self.store, terms)  # type: ignore[arg-type]  # as much of a store as is needed

    def _clock(self) -> float:
        self.asked += 1
        self.store.news.set()
        return self.now

    async def some_ticks(self) -> None:
        """Everybody who does something with each tick looks first what time it is."""
        enough = self.asked + 50 * len(self.store.pools.served)
        await self.store.until(lambda: self.asked >= enough)

    def _report(self) -> Mapping[str, str]:
        self.reports += 1
        return {"report": str(self.reports)}


def play(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


async def stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


def test_every_pool_is_leased_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that this node learns of only then; each ends by itself."""

    async def scenario() -> None:
        world = World(monkeypatch, 0, 1)
        world.store.found = {0, 7}
        assert not world.leases.held(0)
        await world.leases.take()
        assert sorted(world.store.leases) == [0, 1, 7]
        assert all(world.leases.held(pool) for pool in (0, 1, 7))
        assert not world.leases.held(8)
        world.now += SECONDS
        await world.leases._leases[1].renew()  # one of them, later
        assert [world.leases.held(pool) for pool in (0, 1, 7)] == [False, True, False]

    play(scenario())


def test_a_lease_without_an_answer_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool whose server is away is one of several."""

    async def scenario() -> None:
        world = World(monkeypatch, 0, 7)
        await world.leases.take()
        world.store.was[7] = Leased.UNKNOWN
        world.now += SECONDS
        for of_pool in world.leases._leases.values():
            await of_pool.renew()
        assert [world.leases.held(pool) for pool in (0, 7)] == [True, False]

    play(scenario())


def test_a_lease_that_a_pool_did_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told which pool: accounts may have been swept there, and nowhere else."""

    async def scenario() -> None:
        world = World(monkeypatch, 0, 7)
        await world.leases.take()
        world.store.was[7] = Leased.NEW
        for of_pool in world.leases._leases.values():
            await of_pool.renew()
        assert world.lost == [7]

    play(scenario())


def test_each_pool_is_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was found is told; others are spared at the start."""

    async def scenario() -> None:
        world = World(monkeypatch, 0, 7)
        await world.leases.take()
        keeping = asyncio.create_task(world.leases.keep())
        await world.some_ticks()
        assert world.store.sweeps == []
        for _ in range(2):
            world.now += SECONDS - 1
            for of_pool in world.leases._leases.values():
                await of_pool.renew()
        await world.store.until(lambda: {0, 7} <= set(world.store.sweeps))
        assert world.swept == {(0, 0), (7, 14)}
        await stop(keeping)

    play(scenario())


def test_an_interruption_renews_those_of_its_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once; one that is not looked after is none of ours."""

    async def scenario() -> None:
        world = World(monkeypatch, 0, 7)
        await world.leases.take()
        keeping = asyncio.create_task(world.leases.keep())
        await asyncio.sleep(0)
        world.store.leases.clear()
        world.leases.interrupted((7, 99))
        await world.store.until(lambda: world.store.leases)
        await world.some_ticks()
        assert world.store.leases == [7]
        await stop(keeping)

    play(scenario())


def test_a_new_pool_is_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others have told of it, or somebody has come back to it: it is leased, kept and swept."""

    async def scenario() -> None:
        world = World(monkeypatch, 0)
        await world.leases.take()
        keeping = asyncio.create_task(world.leases.keep())
        await world.some_ticks()
        assert world.store.looks == 1, "not with every tick"
        world.store.found = {7}
        world.now += SECONDS / 3
        await world.store.until(lambda: 7 in world.store.leases)
        world.store.pools.add(8)
        await world.store.until(lambda: 8 in world.store.leases)
        assert world.leases.held(7)
        assert world.leases.held(8)
        before = len(world.store.leases)
        world.leases.interrupted((7, 8))
        await world.store.until(lambda: len(world.store.leases) == before + 2)
        await stop(keeping)

    play(scenario())


def test_a_pool_that_nobody_uses_any_more_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lease is given back, and neither renewed nor swept; others are. It may come again."""

    async def scenario() -> None:
        world = World(monkeypatch, 0, 7)
        await world.leases.take()
        keeping = asyncio.create_task(world.leases.keep())
        await world.some_ticks()
        world.store.retired = {7}
        world.now += SECONDS / 3
        await world.store.until(lambda: world.store.released)
        await asyncio.sleep(0)
        assert world.store.released == [7]
        assert list(world.store.pools.served) == [0]
        assert not world.leases.held(7)
        world.store.leases.clear()
        world.leases.interrupted((0, 7))
        await world.store.until(lambda: world.store.leases)
        await world.some_ticks()
        assert world.store.leases == [0]
        world.store.retired = ()
        world.store.pools.add(7)
        await world.store.until(lambda: 7 in world.store.leases)
        assert world.leases.held(7)
        await stop(keeping)

    play(scenario())


def test_a_leaving_node_gives_all_of_them_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """In every pool that it has looked after until then."""

    async def scenario() -> None:
        world = World(monkeypatch, 0, 3, 7)
        await world.leases.take()
        await world.leases.release()
        assert sorted(world.store.released) == [0, 3, 7]

    play(scenario())


def test_a_node_says_the_same_of_itself_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is asked once serves all pools; with the next round it says what is true by then."""

    async def scenario() -> None:
        world = World(monkeypatch, 0, 3, 7)
        await world.leases.take()
        assert world.store.said == [{"report": "1"}] * 3
        world.now += SECONDS / 3
        for of_pool in world.leases._leases.values():
            await of_pool.renew()
        assert world.store.said[3:] == [{"report": "2"}] * 3

    play(scenario())
