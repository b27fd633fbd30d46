"""The line that lives while a load runs: on a terminal, and nowhere else."""

import asyncio
import fcntl
import io
import os
import pty
import re
import struct
import termios

from chat.load.crowd import Crowd
from chat.load.progress import ERASE, Progress, fitting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO) -> str:
    """What is written in some moments of a crowd of nobody."""

    async def scenario() -> None:
        crowd = Crowd(["ws://127.0.0.1:1/ws"])
        progress = Progress(crowd, stream, every=0.01)
        progress.enter("talk", 30)
        crowd.tally.said = 1
        crowd.tally.answer.add(0.002)
        task = asyncio.create_task(progress.run())
        await crowd.until(lambda: stream.getvalue().count("talk") >= 2 or task.done(), 5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())
    return stream.getvalue()


def test_on_a_terminal_one_line_is_written_again_and_again() -> None:
    """In place, and it is gone at the end; each tells of the time since the one before."""
    first, second, *_ = shown(Terminal()).removeprefix(ERASE).split(ERASE)
    assert "talk 0/30 s · 0 here · 0 errors · " in first
    rate = re.search(r" (\d+) messages/s · p50 2.0 p99 2.0 ms", first)
    assert rate is not None
    assert 0 < int(rate[1]) <= 101, "of one in 0.01 s or more"
    assert "· 0 messages/s · 0 under way" in second, "there are no times of nothing"
    assert "\n" not in shown(Terminal())
    assert shown(Terminal()).endswith(ERASE)


def test_elsewhere_there_is_nothing() -> None:
    """A log is no place for a line that lives."""
    assert shown(io.StringIO()) == ""


def test_a_terminal_that_goes_away_changes_nothing() -> None:
    """The load goes on."""

    class Gone(Terminal):
        def write(self, text: str) -> int:
            raise OSError("gone")

    assert shown(Gone()) == ""


def test_before_anybody_talks_nothing_is_said_of_messages() -> None:
    """Where there is nothing to say."""
    progress = Progress(Crowd(["ws://127.0.0.1:1/ws"]), None)
    progress.enter("people come")
    assert list(progress.items()) == ["people come 0 s", "0 here", "0 errors"]


def test_it_fits_into_one_line() -> None:
    """Of one that the terminal wraps only the last part could be erased. What does not fit is left out."""
    items = [
        "talk 10/30 s",
        "2000 here",
        "0 errors",
        "17602 messages/s",
        "p50 23.6 p99 36.9 ms",
        "9 under way",
    ]
    assert fitting(items, 0) == " · ".join(items[:5]), (
        "80 columns, where a terminal does not say it"
    )
    assert fitting(items, 40) == "talk 10/30 s · 2000 here · 0 errors"
    assert fitting(items, 6) == "talk "


def test_it_asks_the_terminal_how_wide_it_is() -> None:
    """Every time: windows are made larger and smaller."""

    async def scenario(terminal: int, stream: io.TextIOWrapper) -> None:
        crowd = Crowd(["ws://127.0.0.1:1/ws"])
        progress = Progress(crowd, stream, every=0.01)
        progress.enter("a long word for something short")
        task = asyncio.create_task(progress.run())
        for columns, line in ((40, "short 0 s"), (20, "a long word for som"), (60, "0 errors")):
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            shown = b""
            while not shown.endswith(line.encode()):
                shown += await asyncio.to_thread(os.read, terminal, 1024)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    terminal, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        asyncio.run(scenario(terminal, stream))
    os.close(terminal)
