"""What is wrong with Redis, said once in a while: what refuses one call refuses thousands."""

import logging
from collections.abc import Callable

PAUSE_SECONDS = 10.0


class Complaints:
    """``clock`` is in seconds. The texts are few, and carry nothing of what people say."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float]) -> None:
        self._log = log
        self._clock = clock
        self._said: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def say(self, text: str, detail: str = "") -> bool:
        """A warning, unless it was given lately; then it is counted, and the next one says how often.
        ``detail`` may be another one each time. Returns whether it was given."""
        now = self._clock()
        if now - self._said.get(text, -PAUSE_SECONDS) < PAUSE_SECONDS:
            self._unsaid[text] = self._unsaid.get(text, 0) + 1
            return False
        self._said[text] = now
        more = self._unsaid.pop(text, 0)
        self._log.warning("%s%s%s", text, detail, f" (and {more} times before)" if more else "")
        return True
