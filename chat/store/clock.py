"""What time it is at Redis, told by a clock of this process."""

from collections import deque

REMEMBERED = 8
"""Readings. The two clocks drift, so an old one is worth less than a new one that took a little longer."""
DRIFT_SECONDS = 0.02
"""What two readings may differ by beyond their round trips: more is another server, or a clock that was set."""


class ServerClock:
    """Redis' clock, read with each lease. As exact as half the quickest of the last readings' round trips:
    what took longer may have waited on either way. Readings that cannot be of the same clock as the newest
    one are forgotten."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)
        self._ahead = 0.0

    def read(self, asked: float, answered: float, server_us: int) -> None:
        """Redis said ``server_us`` (microseconds) between these moments of this process' clock (seconds)."""
        ahead = server_us / 1e6 - (asked + answered) / 2
        took = answered - asked
        if any(abs(ahead - old) > (took + its) / 2 + DRIFT_SECONDS for its, old in self._readings):
            self._readings.clear()
        self._readings.append((took, ahead))
        self._ahead = min(self._readings)[1]

    def at(self, moment: float) -> float:
        """Redis' time, in seconds, at a moment of this process' clock."""
        return moment + self._ahead
