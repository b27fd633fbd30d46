"""One line that lives while the load runs, where a person looks: how it stands, and the last second."""

import asyncio
from typing import TextIO

from chat.load.crowd import Crowd
from chat.load.host import State

EVERY_SECONDS = 1.0
ERASE = "\r\x1b[2K"
"""To the beginning of the line, and the rest of it gone."""


class Progress:
    """``phase`` is what is done now, and ``seconds`` how long that was asked to take, 0 for as long as
    it takes."""

    def __init__(self, crowd: Crowd, stream: TextIO | None, every: float = EVERY_SECONDS) -> None:
        self._crowd = crowd
        self._every = every
        self._stream = stream if stream is not None and stream.isatty() else None
        self._confirmed = 0
        self._answer = crowd.tally.answer.copy()
        self._began = crowd.clock()
        self._phase = ""
        self._seconds = 0.0

    def enter(self, phase: str, seconds: float = 0.0) -> None:
        self._phase, self._seconds, self._began = phase, seconds, self._crowd.clock()

    async def run(self) -> None:
        """Until it is cancelled; where nobody looks, it does nothing."""
        if self._stream is None:
            return
        try:
            while True:
                await asyncio.sleep(self._every)
                self._write(ERASE + self.line())
        finally:
            self._write(ERASE)

    def _write(self, text: str) -> None:
        try:
            if self._stream is not None:
                self._stream.write(text)
                self._stream.flush()
        except (OSError, ValueError):  # nobody looks any more, which does not change the load
            self._stream = None

    def line(self) -> str:
        """How it stands. What is said of messages is about the time since the last line."""
        crowd, tally = self._crowd, self._crowd.tally
        here = sum(person.state is State.HERE for person in crowd.everybody)
        last = tally.answer.since(self._answer)
        said, self._answer = last.count, tally.answer.copy()
        passed = crowd.clock() - self._began
        when = f"{passed:.0f} of {self._seconds:.0f} s" if self._seconds else f"{passed:.0f} s"
        bad = crowd.book.wrong + tally.errors.total()
        return (
            f"{self._phase} {when} · {here} people here · {said / self._every:.0f} messages/s"
            f" · answer p50 {last.quantile(0.5) * 1e3:.1f} p99 {last.quantile(0.99) * 1e3:.1f} ms"
            f" · {crowd.book.under_way()} under way · {bad} errors"
        )
