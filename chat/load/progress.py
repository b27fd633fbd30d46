"""One line that lives while the load runs, where a person looks: how it stands, and the last second."""

import asyncio
import os
from collections.abc import Iterable, Iterator
from typing import TextIO

from chat.load.crowd import Crowd
from chat.load.host import State

EVERY_SECONDS = 1.0
BETWEEN = " · "
USUAL_WIDTH = 80
"""Of a terminal that does not say it."""
ERASE = "\r\x1b[2K"
"""To the beginning of the line, and the rest of it gone."""


class Progress:
    """``phase`` is what is done now, and ``seconds`` how long that was asked to take, 0 for as long as
    it takes."""

    def __init__(self, crowd: Crowd, stream: TextIO | None, every: float = EVERY_SECONDS) -> None:
        self._crowd = crowd
        self._every = every
        self._stream = stream if stream is not None and stream.isatty() else None
        self.enter("")

    def enter(self, phase: str, seconds: float = 0.0) -> None:
        self._phase, self._seconds, self._began = phase, seconds, self._crowd.clock()
        self._look()

    def _look(self) -> None:
        """What is counted from here on is of the next line."""
        self._looked = self._crowd.clock()
        self._answer = self._crowd.tally.answer.copy()

    async def run(self) -> None:
        """Until it is cancelled; where nobody looks, it does nothing."""
        if self._stream is None:
            return
        try:
            while True:
                await asyncio.sleep(self._every)
                self._write(ERASE + fitting(self.items(), self._width()))
        finally:
            self._write(ERASE)

    def _write(self, text: str) -> None:
        try:
            if self._stream is not None:
                self._stream.write(text)
                self._stream.flush()
        except (OSError, ValueError):  # nobody looks any more, which does not change the load
            self._stream = None

    def _width(self) -> int:
        """Of the terminal, as it is now."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns if self._stream else 0
        except (OSError, ValueError):
            return 0

    def items(self) -> Iterator[str]:
        """How it stands, what matters most first. What is said of messages is about the time since the last
        line."""
        crowd, tally = self._crowd, self._crowd.tally
        now, last = crowd.clock(), tally.answer.since(self._answer)
        passed, since = now - self._began, now - self._looked
        self._look()
        asked = f"/{self._seconds:g}" if self._seconds else ""
        yield f"{self._phase} {passed:.0f}{asked} s"
        yield f"{sum(person.state is State.HERE for person in crowd.everybody)} here"
        yield f"{crowd.book.wrong + tally.errors.total()} errors"
        if tally.said:
            yield f"{last.count / since if since else 0:.0f} messages/s"
        if last.count:
            yield f"p50 {last.quantile(0.5) * 1e3:.1f} p99 {last.quantile(0.99) * 1e3:.1f} ms"
        if tally.said:
            yield f"{crowd.book.under_way()} under way"


def fitting(items: Iterable[str], width: int) -> str:
    """As many as one line has place for: of one that is wrapped only the last part could be erased."""
    most = (width or USUAL_WIDTH) - 1  # in the last column some terminals begin the next line
    line, *others = items
    for item in others:
        if len(line) + len(BETWEEN) + len(item) > most:
            break
        line += BETWEEN + item
    return line[:most]
