"""What a node counts of itself: plain numbers, so that counting costs a message next to nothing.

``metrics`` gives them their names when somebody asks, ``report`` makes rates of them. prometheus-client's
own counters cost several times as much for each observation, and a lock each.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

SHORT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds, for what should take milliseconds: commands, pushes, the event loop."""
LONG = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds, for how long people wait."""


CLOSED = -1
"""Stands for all codes below zero, which close the socket in place of an answer."""
OF_A_CLIENT = 0
"""Stands for close codes of the range of ours that clients have chosen: no limit of ours was hit."""
OURS = 4000


class Histogram:
    """How many observations there were up to each of ``bounds`` (seconds, ascending), and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    def observe_all(self, seconds: Sequence[float]) -> None:
        """The same for several: a third of the time for each."""
        bounds, counts = self.bounds, self.counts
        for each in seconds:
            counts[bisect_left(bounds, each)] += 1
        self.total += sum(seconds)

    @property
    def number(self) -> int:
        """Of observations."""
        return sum(self.counts)


class Counts:
    """Since the node began. ``commands`` are answers by the command's type and the code of the answer."""

    __slots__ = (
        "closed",
        "commands",
        "gaps_filled",
        "lag",
        "limits",
        "match_wait",
        "opened",
        "pushes",
        "reconnects",
        "replayed",
        "sweeps",
        "swept",
        "worst_lag",
    )  # fmt: skip

    def __init__(self) -> None:
        self.commands: dict[tuple[type, int], Histogram] = {}
        self.match_wait = Histogram(LONG)
        self.pushes = Histogram(SHORT)
        self.lag = Histogram(SHORT)
        self.worst_lag = 0.0
        """Seconds, since it was last set to 0."""
        self.opened = 0
        self.closed: Counter[int] = Counter()
        """Sockets, by close code (see ``ended``)."""
        self.limits: Counter[str] = Counter()
        """Refusals, by the setting that is the limit."""
        self.gaps_filled = 0
        self.replayed = 0
        self.reconnects = 0
        self.sweeps = 0
        self.swept: Counter[str] = Counter()
        """Accounts that were made "away" or were "ended"."""

    def answered(self, command: type, code: int, seconds: float) -> None:
        """A command got its answer, so long after its frame came in."""
        self.histogram(command, max(code, CLOSED)).observe(seconds)

    def histogram(self, command: type, code: int) -> Histogram:
        """Of the answers with that code: where a caller has many, it asks for it once."""
        key = (command, code)
        histogram = self.commands.get(key)
        if histogram is None:
            histogram = self.commands[key] = Histogram(SHORT)
        return histogram

    def ended(self, code: int, *, by_us: bool) -> None:
        """A socket is gone, closed by this side or the client's."""
        self.closed[code if by_us or code < OURS else OF_A_CLIENT] += 1

    def number(self, command: type, code: int) -> int:
        """How often that command was answered with that code."""
        histogram = self.commands.get((command, code))
        return histogram.number if histogram is not None else 0

    def matched(self, waited_ms: int) -> None:
        """The store's word about a match: below zero it was no new one."""
        if waited_ms >= 0:
            self.match_wait.observe(waited_ms / 1000)

    def swept_some(self, away: int, ended: int) -> None:
        """A sweep has been; it may have found nothing."""
        self.sweeps += away + ended > 0
        self.swept["away"] += away
        self.swept["ended"] += ended

    def late(self, seconds: float) -> None:
        """The event loop was so late with a timer."""
        self.lag.observe(seconds)
        self.worst_lag = max(self.worst_lag, seconds)
