"""How long to wait before something is tried again."""

import asyncio
import contextlib
from collections.abc import Callable


class Backoff:
    """Pauses that grow from ``shortest`` to ``longest`` seconds, of which each takes a random part (full jitter:
    whoever lost the same thing at the same time does not come back at the same time). ``jitter`` is from 0 to 1."""

    def __init__(self, shortest: float, longest: float, jitter: Callable[[], float]) -> None:
        self._shortest = self._next = shortest
        self._longest = longest
        self._jitter = jitter
        self._hurried = asyncio.Event()

    def begin_anew(self) -> None:
        """The next pause is a short one."""
        self._next = self._shortest

    def hurry(self) -> None:
        """The pause that is under way ends now; where none is, the next one is left out. Only one."""
        self._hurried.set()

    async def pause(self) -> None:
        """Each is twice as long as the one before."""
        seconds, self._next = self._next * self._jitter(), min(2 * self._next, self._longest)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried.wait()
        self._hurried.clear()
