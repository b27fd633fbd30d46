"""The lease by which a node holds its accounts of a pool, and the sweep of those whose node has lost its own."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chat.liveness import TICK_SECONDS
from chat.store.upkeep import Leased, Upkeep

log = logging.getLogger(__name__)

SWEEP_BATCH = 200


@dataclass(frozen=True, slots=True)
class Terms:
    """What all leases of a node have in common. They are of so many ``seconds``. ``report`` says what is to be seen of
    the node; ``lost`` is called with a pool that did not know its lease any more, so that accounts may have been swept;
    ``swept`` is told how many accounts a sweep has made away, and how many it ended."""

    seconds: float
    report: Callable[[], Mapping[str, str]]
    lost: Callable[[int], None]
    swept: Callable[[int, int], None]
    clock: Callable[[], float]
    rng: random.Random


class Lease:
    """That of one pool."""

    def __init__(self, upkeep: Upkeep, pool: int, terms: Terms) -> None:
        self._upkeep = upkeep
        self._pool = pool
        self._terms = terms
        self._due = asyncio.Event()
        self._taken = terms.clock()
        self._was = Leased.UNKNOWN
        self._sweep_from = 0.0

    def held(self) -> bool:
        """Whether no other node can have taken this one for dead."""
        return self._terms.clock() - self._taken < self._terms.seconds

    def interrupted(self) -> None:
        """The link was interrupted: it is renewed at once."""
        self._spare_others()
        self._due.set()

    async def take(self) -> None:
        """The first time."""
        await self.renew()
        self._spare_others()

    async def keep(self) -> None:
        """Renews it three times in its length, and when the link is back, until it is cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._terms.seconds / 3):
                    await self._due.wait()
            self._due.clear()
            await self.renew()

    async def renew(self) -> None:
        asked = self._terms.clock()  # the lease is counted from before Redis did, never from later
        before, self._was = self._was, await self._upkeep.lease(self._pool, self._terms.report())
        if self._was is not Leased.UNKNOWN:
            if not self.held():
                self._spare_others()
            self._taken = asked
        if self._was is Leased.NEW:
            if before is not Leased.UNKNOWN:  # otherwise it may be the one whose answer was lost
                log.warning("this node was taken for dead; looking whose account is still here")
            self._terms.lost(self._pool)

    def _spare_others(self) -> None:
        """Does not sweep for the length of a lease: after Redis was away, or could not write, every
        lease has run out, and the other nodes and their people need a moment to say that they live."""
        self._sweep_from = self._terms.clock() + self._terms.seconds

    async def sweep(self) -> None:
        """Every node sweeps, each at its own moment, until it is cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS * self._terms.rng.uniform(0.5, 1.5))
            while self.held() and self._terms.clock() >= self._sweep_from:
                away, ended = await self._upkeep.sweep(self._pool, SWEEP_BATCH)
                self._terms.swept(away, ended)
                if SWEEP_BATCH not in (away, ended):
                    break
