"""What a kind of fault is, and what it can reach."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.book import Book
from tests.faults.grounds import GROUNDS, ClusterSet, Ground, SentinelSet
from tests.faults.house import House
from tests.faults.person import Person


@dataclass
class Scene:
    """``hit`` are the pools whose people notice, where it is not everybody."""

    house: House
    people: Sequence[Person]
    book: Book
    rng: random.Random
    rounds: int
    hit: set[int] = field(default_factory=set)

    @property
    def ground(self) -> Ground:
        return self.house.ground

    @property
    def sentinels(self) -> SentinelSet:
        """The ground of a kind that is only for this one."""
        assert isinstance(self.ground, SentinelSet)
        return self.ground

    @property
    def cluster(self) -> ClusterSet:
        """The ground of a kind that is only for this one."""
        assert isinstance(self.ground, ClusterSet)
        return self.ground

    def any_pool(self) -> int:
        """Whose people are hit from here on."""
        pool = self.rng.randrange(self.ground.pools)
        self.hit.add(pool)
        return pool

    async def whole(self) -> None:
        await asyncio.to_thread(self.ground.until_whole)

    async def rest(self, number: int) -> None:
        """Before the next round, of which this is the number: until a replica may take over once more."""
        if number > 0:
            await asyncio.sleep(self.ground.REST_SECONDS)


@dataclass(frozen=True)
class Kind:
    """``calm``: nobody may lose a socket by it, or hear that a partner did. ``lossy``: Redis itself loses
    what it had not written; then loss must be told, not absent. ``takes_over``: a replica takes over from a primary
    that could not give it all it had; so nodes wait for a replica before they confirm, and nothing confirmed is
    lost. What was delivered and not confirmed may be told as missing, and be said, and arrive, a second time.
    ``parts``: it wants a network with two sides, where there can be one."""

    title: str
    inject: Callable[[Scene], Awaitable[None]]
    shows: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    receive_buffer: int | None = None
    calm: bool = False
    lossy: bool = False
    takes_over: bool = False
    parts: bool = False
    on: tuple[str, ...] = tuple(GROUNDS)

    @property
    def may_repeat(self) -> bool:
        """Whether somebody who was told that something is missing may get what had arrived."""
        return self.lossy or self.takes_over
