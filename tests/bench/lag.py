"""How late a node's event loop was between two looks at its own ``/metrics``."""

import re
from dataclasses import dataclass
from typing import Self

METRIC = "chat_event_loop_lag_seconds"
BUCKET = re.compile(rf'^{METRIC}_bucket{{le="([^"]+)"}} (\S+)$', re.MULTILINE)
LIMIT_MS = 50.0
"""What is asked of the 99th percentile."""


@dataclass(frozen=True)
class Lag:
    """How many timers were late by at most so many ms, each bound with all those below it: a timer of the node is
    looked at every 100 ms. What lies within a bucket nobody knows, so a quantile is the upper bound of its bucket."""

    buckets: tuple[tuple[float, int], ...] = ()

    @classmethod
    def read(cls, exposition: str) -> Self:
        """Since the node began, as its ``/metrics`` says."""
        found = BUCKET.findall(exposition)
        return cls(tuple((float(bound) * 1e3, int(float(number))) for bound, number in found))

    def since(self, earlier: "Lag") -> "Lag":
        """What came after that look. An empty one stands for the node's beginning."""
        before = dict(earlier.buckets)
        return Lag(tuple((bound, number - before.get(bound, 0)) for bound, number in self.buckets))

    @property
    def looks(self) -> int:
        """How often it was looked."""
        return self.buckets[-1][1] if self.buckets else 0

    def quantile_ms(self, share: float) -> float:
        """At most so late was such a share (0 to 1) of the timers; infinity above the last bound."""
        wanted = share * self.looks
        return next((bound for bound, number in self.buckets if number >= wanted), 0.0)

    def __str__(self) -> str:
        p50, p99, most = (f"{self.quantile_ms(share):g}" for share in (0.5, 0.99, 1))
        kept = "" if self.quantile_ms(0.99) <= LIMIT_MS else f", NOT under {LIMIT_MS:g} ms"
        return f"lag p50 ≤ {p50}, p99 ≤ {p99}, max ≤ {most} ms ({self.looks} looks{kept})"
