"""Pools in the log: what happens to a server happens to all that it has, and is one line."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

MOST = 10
"""A line stays one."""
MOMENT_SECONDS = 0.05
"""So long a line waits for other pools of which it is true too."""


def listed(pools: Iterable[int]) -> str:
    """As "pool 7", or "pools 0, 3, 7", the lowest first; of many not all."""
    numbers = sorted(pools)
    shown = ", ".join(map(str, numbers[:MOST]))
    more = f" and {len(numbers) - MOST} more" if len(numbers) > MOST else ""
    return f"pool{'s' if len(numbers) > 1 else ''} {shown}{more}"


class Gathered:
    """``say`` gets what is told of pools, once for all of which it is the same, and a detail."""

    def __init__(self, say: Callable[[str, str], object]) -> None:
        self._say = say
        self._loop = asyncio.get_running_loop()
        self._pools: defaultdict[tuple[str, str, str], set[int]] = defaultdict(set)

    def add(self, pool: int, one: str, several: str, detail: str = "") -> None:
        """``one`` is what follows the name of a pool, ``several`` those of several."""
        if not self._pools:
            self._loop.call_later(MOMENT_SECONDS, self.tell)
        self._pools[one, several, detail].add(pool)

    def tell(self) -> None:
        """Now."""
        told = dict(self._pools)
        self._pools.clear()
        for (one, several, detail), pools in told.items():
            self._say(f"{listed(pools)} {several if len(pools) > 1 else one}", detail)
