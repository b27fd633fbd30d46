"""The line that lives while a load runs: on a terminal, and nowhere else."""

import asyncio
import io

from chat.load.crowd import Crowd
from chat.load.progress import ERASE, Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO) -> str:
    """What is written in some moments of a crowd of nobody."""

    async def scenario() -> None:
        crowd = Crowd(["ws://127.0.0.1:1/ws"])
        progress = Progress(crowd, stream, every=0.01)
        progress.enter("talk", 30)
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
    assert "talk 0 of 30 s · 0 people here · 100 messages/s" in first
    assert "p50 2.0" in first
    assert "· 0 messages/s" in second
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
