"""What a node does for its pools: its lease in each, the sweep of the dead, and which pools there are."""

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum

from chat.errors import Code
from chat.store.figures import Figures
from chat.store.functions import Functions
from chat.store.keys import FIRST
from chat.store.pools import Pools

POOL_SECONDS = 3600.0
"""So long after anybody has seen something in a pool all nodes look after it."""
KEEP_MS = round(POOL_SECONDS * 1000)


class Leased(Enum):
    """What became of a lease."""

    KEPT = "the pool knew the node"
    NEW = "the pool did not know it: it is new, or was taken for dead and swept"
    UNKNOWN = "Redis did not answer"


class Upkeep:
    """``node`` is this node's name; times are in seconds; ``serve`` is called with a pool that has to be looked after
    from then on."""

    def __init__(
        self,
        functions: Functions,
        pools: Pools,
        serve: Callable[[int], None],
        node: str,
        *,
        grace: float,
        lease: float,
        inbox_length: int,
        timeout: float,
        clock: Callable[[], float],
    ) -> None:
        self._functions = functions
        self._pools = pools
        self._serve = serve
        self._node = node
        self._grace = round(grace * 1000)
        self._lease = round(lease * 1000)
        self._room = inbox_length
        self._timeout = timeout
        self._clock = clock
        self._listed: Collection[int] = ()
        self._curious: list[Callable[[int], None]] = []

    async def look_for_pools(self) -> None:
        """Learns of pools that others look after, and tells them of those that this node does."""
        args = (self._pools.count, KEEP_MS, *self._pools.in_use())
        self._learn(*await self._functions.wait("pools", FIRST, args))

    def find(self, pool: int, done: Callable[[int], None]) -> None:
        """Whether there is such a pool: SUCCESS, and it is looked after from then on; NO_DATA; or INTERNAL, where
        nobody knows. Of one that is not known here pool 0 is asked, once for all who want to know it at the same
        time: whoever makes a number up must not make this node look for a pool."""

        def learnt(code: int) -> None:
            if code == Code.SUCCESS and pool not in self._pools.served:
                code = Code.NO_DATA
            done(code)

        if pool in self._pools.served:
            done(Code.SUCCESS)
            return
        self._curious.append(learnt)
        if len(self._curious) == 1:
            self._functions.call("pools", FIRST, (0, KEEP_MS), self._found)

    def _found(self, code: int, found: Sequence[int]) -> None:
        self._learn(code, found)
        curious, self._curious = self._curious, []
        for done in curious:
            done(code)

    def _learn(self, code: int, found: Sequence[int]) -> None:
        if code == Code.SUCCESS:
            self._listed = frozenset(found)
            for pool in sorted(self._listed - set(self._pools.served)):
                self._serve(pool)

    def retire(self) -> Collection[int]:
        """Pools that nobody looks after any more, as it was last learnt: nor does this node from here on."""
        used = {*range(self._pools.count), *self._pools.in_use(), *self._listed}
        return set(self._pools.served) - used if self._listed else set()

    async def lease(self, pool: int, report: Mapping[str, str]) -> Leased:
        """Takes or renews this node's lease of a pool, and says what is to be seen of the node. Afterwards
        the pool's ``figures`` are of now."""
        known = self._pools[pool]
        said = [part for field in report.items() for part in field]
        asked = self._clock()
        code, values = await self._functions.wait(
            "lease", pool, (self._node, self._lease, known.leased_until, *said)
        )
        if code != Code.SUCCESS:
            return Leased.UNKNOWN
        kept, known.leased_until, server_us, figures = values
        known.clock.read(asked, self._clock(), server_us)
        self._pools.learn(pool, Figures(*figures))
        return Leased.KEPT if kept == 1 else Leased.NEW

    async def release(self, pool: int) -> None:
        """The node is leaving: what it still holds there may be swept at once."""
        await self._functions.wait("lease", pool, (self._node, 0, self._pools[pool].leased_until))

    async def held(self, pool: int) -> dict[int, int] | None:
        """The accounts, with their epochs, that are said to have their socket on this node; None
        where Redis does not answer. Several calls, so that others get their turn in between."""
        held: dict[int, int] = {}
        cursor = 0
        while True:
            code, values = await self._functions.wait("held", pool, (self._node, cursor))
            if code != Code.SUCCESS:
                return None
            cursor, flat = values
            held.update(zip(flat[::2], flat[1::2], strict=True))
            if cursor == 0:
                return held

    async def sweep(self, pool: int, batch: int) -> tuple[int, int]:
        """How many accounts were made away, and how many ended; ``batch`` is the most of each. Needs
        a lease, which tells what time it is there: a call that waits for longer than the link has
        patience is not done any more."""
        by = round((self._pools[pool].clock.at(self._clock()) + self._timeout) * 1000)
        args = (batch, self._grace, self._room, by)
        code, values = await self._functions.wait("sweep", pool, args)
        return (values[0], values[1]) if code == Code.SUCCESS else (0, 0)
