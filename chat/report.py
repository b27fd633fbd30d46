"""What a node says of itself with its lease, for those who look on: ``chat top``, redis-cli."""

from collections.abc import Callable

from chat.commands import Dialogue
from chat.counts import Counts
from chat.errors import Code


class Report:
    """Rates are those since the report before; ``clock`` is in seconds."""

    def __init__(self, counts: Counts, version: str, clock: Callable[[], float]) -> None:
        self._counts = counts
        self._version = version
        self._clock = clock
        self._began = self._then = clock()
        self._before = self._totals()

    def fields(self, sockets: int) -> dict[str, str]:
        """The next report. ``lag`` is how late, in ms, the event loop was at its worst since the last."""
        now, totals = self._clock(), self._totals()
        seconds = max(now - self._then, 1e-3)
        rates = {
            f"{name}_per_second": f"{(total - self._before[name]) / seconds:.1f}"
            for name, total in totals.items()
        }
        self._then, self._before = now, totals
        lag, self._counts.worst_lag = self._counts.worst_lag, 0.0
        return {
            "version": self._version,
            "up": f"{now - self._began:.0f}",
            "sockets": str(sockets),
            **rates,
            "lag": f"{lag * 1000:.0f}",
        }

    def _totals(self) -> dict[str, int]:
        counts = self._counts
        return {
            "commands": sum(histogram.number for histogram in counts.commands.values()),
            "messages": counts.number(Dialogue, Code.SUCCESS),
            "matches": counts.match_wait.number,
        }
