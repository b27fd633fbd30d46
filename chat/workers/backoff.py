"""How soon a worker that has ended is started again."""

from collections.abc import Callable

STEADY_SECONDS = 60.0
"""One that has run for so long is well: what ended it has nothing to do with what ended it before."""
FIRST_SECONDS = 1.0
MOST_SECONDS = 30.0


class Backoff:
    """At once, because an end is an accident; then, if it ends again and again, after 1 s, 2 s, 4 s … 30 s.
    ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()
        self._next = 0.0

    def started(self) -> None:
        self._started = self._clock()

    def ended(self) -> float:
        """How many seconds to wait before the next start."""
        if self._clock() - self._started >= STEADY_SECONDS:
            self._next = 0.0
        seconds = self._next
        self._next = min(MOST_SECONDS, max(FIRST_SECONDS, 2 * seconds))
        return seconds
