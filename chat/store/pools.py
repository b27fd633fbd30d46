"""The pools that this node looks after: what is known of each, and which one a new account goes to."""

from collections.abc import Collection, Iterable

from chat.store.clock import ServerClock
from chat.store.figures import Figures


class Pool:
    """What is known of one, as of its last lease. ``leased_until`` is what it was answered, in ms of that server."""

    __slots__ = ("clock", "figures", "full", "leased_until")

    def __init__(self) -> None:
        self.clock = ServerClock()
        self.figures = Figures()
        self.full = False
        """It has refused a new account since."""
        self.leased_until = 0


class Pools:
    """New accounts go to the first ``count``, and ``accounts`` fill one. All that there is something in are
    looked after."""

    def __init__(self, count: int, accounts: int) -> None:
        self.count = count
        self.accounts = accounts
        self._pools: dict[int, Pool] = {}

    @property
    def served(self) -> Collection[int]:
        return self._pools.keys()

    def __getitem__(self, pool: int) -> Pool:
        return self._pools[pool]

    def add(self, pool: int) -> None:
        """It is looked after from here on."""
        self._pools.setdefault(pool, Pool())

    def drop(self, pool: int) -> None:
        """It is not looked after any more."""
        self._pools.pop(pool, None)

    def learn(self, pool: int, figures: Figures) -> None:
        known = self._pools[pool]
        known.figures, known.full = figures, False

    def in_use(self) -> Iterable[int]:
        """Those with something in them that are not among the first ``count``."""
        return [
            number
            for number, pool in self._pools.items()
            if number >= self.count and pool.figures.accounts
        ]

    def lowest_with_room(self, there: Collection[int]) -> int | None:
        """Of those that are there, the lowest that is not known to be full: so pools that have become empty
        are filled again only when they are needed. The pool itself has the last word."""
        for number in range(self.count):
            pool = self._pools[number]
            if number in there and not pool.full and pool.figures.accounts < self.accounts:
                return number
        return None

    def emptiest(self, there: Collection[int]) -> int:
        """Where all are full: nobody is sent away for that."""
        first = [number for number in range(self.count) if number in there] or range(self.count)
        return min(first, key=lambda number: self._pools[number].figures.accounts)
