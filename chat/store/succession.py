"""Who is the primary, by what sentinels have told: the rules, without a connection."""

from collections import Counter
from typing import NamedTuple

REMEMBERED = 16
"""Places that were given up. More than a service has servers; where names are addresses of pods, older ones are gone."""


class Spot(NamedTuple):
    """Where a server is, as sentinels spell it."""

    host: str
    port: int


class Succession:
    """What is known of one service, told by so many sentinels.

    A notice of a change is true: most sentinels have agreed on it. But it may come late, and what a sentinel
    answers when it is asked may be old: one that was cut off or restarted knows no better for a moment.
    """

    def __init__(self, sentinels: int) -> None:
        self._most = sentinels // 2 + 1
        self._current: Spot | None = None
        self._named: dict[str, Spot] = {}
        self._left: dict[Spot, None] = {}

    def confirmed(self, spot: Spot) -> None:
        """It says itself that it is the primary, and is used from now on."""
        self._current = spot
        self._left.pop(spot, None)

    def given_up(self, spot: Spot) -> bool:
        """Whether another one took its place, as far as is known: it may say that it is the primary, but then it
        has not heard the news."""
        return spot in self._left

    def switched(self, sentinel: str, old: Spot, new: Spot) -> bool:
        """A notice. Returns whether the one that is used has to be left for another: not if it is the new one, and
        not for an old change, to one that was given up since, which comes from a sentinel that lags behind."""
        self._named[sentinel] = new
        if new == self._current or (new in self._left and old != self._current):
            return False
        self._move(new)
        self._leave(old)
        return True

    def named(self, sentinel: str, spot: Spot) -> bool:
        """What a sentinel answers whose notices may have been missed. Returns whether the one that is used has to
        be left: if most sentinels say so."""
        self._named[sentinel] = spot
        agreed = Counter(self._named.values())[spot] >= self._most
        if not agreed or self._current is None or spot == self._current:
            return False
        self._move(spot)
        return True

    def _move(self, spot: Spot) -> None:
        """It is the primary, or will say so in a moment: the next who says the same brings no news."""
        before, self._current = self._current, spot
        self._left.pop(spot, None)
        if before is not None:
            self._leave(before)

    def _leave(self, spot: Spot) -> None:
        if spot != self._current:
            self._left[spot] = None
        while len(self._left) > REMEMBERED:
            del self._left[next(iter(self._left))]
