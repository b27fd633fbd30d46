"""How long things took: a histogram whose size does not depend on how many there were.

Buckets grow with the value: 32 of them for each doubling, so a quantile is at most 3 % above what was
measured. From 1 µs to 19 hours, in 1024 numbers.
"""

from collections.abc import Iterable
from typing import Self

FINE_BITS = 6
HALF = 1 << (FINE_BITS - 1)
"""Buckets for each doubling."""
LARGEST_US = (1 << 36) - 1
BUCKETS = (36 - FINE_BITS) * HALF + 2 * HALF


class Histogram:
    """Times in seconds. What is below a microsecond counts as none."""

    __slots__ = ("counts", "longest")

    def __init__(self) -> None:
        self.counts = [0] * BUCKETS
        """For each bucket."""
        self.longest = 0.0
        """Exactly, in seconds."""

    @classmethod
    def of(cls, times: Iterable[float]) -> Self:
        histogram = cls()
        for seconds in times:
            histogram.add(seconds)
        return histogram

    def add(self, seconds: float) -> None:
        if seconds > self.longest:  # noqa: PLR1730 - twice as fast as max(), and it is done for every message
            self.longest = seconds
        microseconds = int(seconds * 1e6)
        if microseconds < 2 * HALF:
            self.counts[max(microseconds, 0)] += 1
            return
        shift = min(microseconds, LARGEST_US).bit_length() - FINE_BITS
        self.counts[min(shift * HALF + (microseconds >> shift), BUCKETS - 1)] += 1

    @property
    def count(self) -> int:
        return sum(self.counts)

    def quantile(self, share: float) -> float:
        """The time, in seconds, that so large a share (0 to 1) did not exceed; 0 where there are none."""
        left = share * self.count
        for index, count in enumerate(self.counts):
            left -= count
            if count and left <= 0:
                return min(_upper_end(index), self.longest)
        return 0.0

    def merge(self, other: "Histogram") -> None:
        """Adds all that the other has counted."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.longest = max(self.longest, other.longest)

    def since(self, earlier: "Histogram") -> "Histogram":
        """What was counted after that copy was made. How long the longest was is not known of a part:
        it is that of the whole."""
        part = Histogram()
        part.counts = [a - b for a, b in zip(self.counts, earlier.counts, strict=True)]
        part.longest = self.longest
        return part

    def copy(self) -> "Histogram":
        copied = Histogram()
        copied.merge(self)
        return copied


def _upper_end(index: int) -> float:
    """Of a bucket, in seconds."""
    shift = max(0, index // HALF - 1)
    return ((index - shift * HALF + 1) << shift) / 1e6
