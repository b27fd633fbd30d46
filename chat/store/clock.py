"""What time it is at Redis, told by a clock of this process."""

from collections import deque

REMEMBERED = 8
"""Readings. The two clocks drift, so an old one is worth less than a new one that took a little longer."""


class ServerClock:
    """Redis' clock, read with each lease. As exact as half the quickest of the last readings' round trips:
    what took longer may have waited on either way."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)
        self._ahead = 0.0

    def forget(self) -> None:
        """From here on it may be another server: the next reading is believed, whatever was read before."""
        self._readings.clear()

    def read(self, asked: float, answered: float, server_us: int) -> None:
        """Redis said ``server_us`` (microseconds) between these moments of this process' clock (seconds)."""
        ahead = server_us / 1e6 - (asked + answered) / 2
        self._readings.append((answered - asked, ahead))
        self._ahead = min(self._readings)[1]

    def at(self, moment: float) -> float:
        """Redis' time, in seconds, at a moment of this process' clock."""
        return moment + self._ahead
