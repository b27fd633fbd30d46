"""The command ``chat load``: people come, do what the profile says, and the book is closed."""

import asyncio
import sys
import time
from collections.abc import Coroutine
from typing import TextIO

import orjson

from chat.errors import ChatError
from chat.load.crowd import Crowd
from chat.load.files import provide_files
from chat.load.host import State
from chat.load.options import Options
from chat.load.profiles import Profile, profile
from chat.load.progress import Progress
from chat.load.result import Result
from chat.load.tally import Tally
from chat.talk.text import let_go, printer

END_SECONDS = 10.0
"""How long it waits at the end while nothing arrives of what is under way."""


async def load(
    options: Options,
    *,
    as_json: bool = False,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    end_seconds: float = END_SECONDS,
) -> int:
    """Makes the load and prints the result; the exit code. Cancelling it, as Ctrl-C does, ends it early
    with what there is so far. Raises ChatError, in one line, where the load cannot be made."""
    stdout, stderr = stdout or sys.stdout, stderr or sys.stderr
    if stdout is None:  # as Python has it where a shell has closed it
        raise ChatError("cannot write here: standard output is closed")
    result = await run(options, stderr, end_seconds=end_seconds)
    show = printer(stdout)
    try:
        if as_json:
            show(orjson.dumps(result.as_json(), option=orjson.OPT_INDENT_2).decode())
        else:
            for line in result.as_lines():
                show(line)
    except BrokenPipeError:  # whoever reads has read enough
        pass
    except OSError as error:
        raise ChatError(f"cannot write here: {error.strerror or error}") from None
    finally:
        let_go(stdout)
    return 0 if result.ok else 1


async def run(
    options: Options, stderr: TextIO | None = None, *, end_seconds: float = END_SECONDS
) -> Result:
    """The load itself, for other programs too. Raises LoadFailed where it cannot be made."""
    provide_files(2 * options.pairs)
    crowd = Crowd(options.urls, ramp=options.ramp, ack_each=options.ack_each)
    progress = Progress(crowd, stderr)
    shown = asyncio.create_task(progress.run())
    try:
        async with crowd:
            measured = Measured(crowd.tally)
            work = _work(crowd, profile(crowd, options), options, progress, measured)
            interrupted = not await _uninterrupted(work)
            measured.end()
            behind = crowd.tally.behind
            progress.enter("waiting for what is under way")
            interrupted |= not await _uninterrupted(crowd.settle(end_seconds))
            here = sum(person.state is State.HERE for person in crowd.everybody)
            progress.enter("goodbye")
    finally:
        shown.cancel()
        await asyncio.gather(shown, return_exceptions=True)
    return Result(
        options, crowd.tally, crowd.book, 2 * options.pairs, here,
        measured.seconds, measured.confirmed, measured.cpu, behind, interrupted,
    )  # fmt: skip


async def _work(
    crowd: Crowd, plan: Profile, options: Options, progress: Progress, measured: "Measured"
) -> None:
    progress.enter("people come")
    await plan.prepare()
    crowd.tally.behind = 0.0
    progress.enter(options.profile, options.duration)
    measured.begin()
    await plan.run()


async def _uninterrupted(work: Coroutine[None, None, None]) -> bool:
    """Whether nobody cancelled this task meanwhile; what is left of the work is not done then, and the
    task goes on."""
    task = asyncio.current_task()
    try:
        await work
    except asyncio.CancelledError:
        if task is not None:
            task.uncancel()
        return False
    return True


class Measured:
    """How long the measured part took, how many messages were confirmed meanwhile, and how much CPU of this
    process it took; 0 where it never began."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._began: tuple[float, int, float] | None = None
        self.seconds = 0.0
        self.confirmed = 0
        self.cpu = 0.0

    def begin(self) -> None:
        self._began = self._now()

    def end(self) -> None:
        if self._began is not None:
            (seconds, confirmed, cpu), now = self._began, self._now()
            self.seconds, self.confirmed, self.cpu = (
                now[0] - seconds,
                now[1] - confirmed,
                now[2] - cpu,
            )

    def _now(self) -> tuple[float, int, float]:
        return time.monotonic(), self._tally.confirmed, time.process_time()
