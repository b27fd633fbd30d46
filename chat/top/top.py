"""The command ``chat top``: one picture, one JSON object, or a picture that lives."""

import json
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TextIO

from chat.errors import ChatError
from chat.store.look import Look
from chat.talk.text import let_go, printer
from chat.top.drawing import as_text, draw
from chat.top.reading import read

ANSWER_SECONDS = 2.0
"""A person waits; and what looks on may not be in the way for long."""
WIDTH = 120
"""Of what is no terminal, unless COLUMNS says otherwise."""


async def top(
    url: str,
    *,
    every: float,
    once: bool = False,
    as_json: bool = False,
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
    now: Callable[[], datetime] | None = None,
) -> int:
    """Shows how the cluster stands; returns the exit code of the process. Raises ChatError, in one line,
    where there is nothing to show."""
    stdin, stdout = stdin or sys.stdin, stdout or sys.stdout
    now = now or partial(datetime.now, UTC)
    if stdout is None:  # as Python has it where a shell has closed it
        raise ChatError("cannot write here: standard output is closed")
    living = stdin is not None and stdin.isatty() and stdout.isatty() and not (once or as_json)
    try:
        with closing(Look(url, ANSWER_SECONDS)) as look:
            if living:
                await _live(look, every, now)
            else:
                await _print(look, as_json, now, printer(stdout))
    except BrokenPipeError:  # whoever reads has read enough
        pass
    except OSError as error:
        raise ChatError(f"cannot write here: {error.strerror or error}") from None
    finally:
        let_go(stdout)
    return 0


async def _print(
    look: Look, as_json: bool, now: Callable[[], datetime], show: Callable[[str], None]
) -> None:
    snapshot = await read(look, now)
    if as_json:
        show(json.dumps(snapshot.as_json(), indent=2))
    else:
        width = shutil.get_terminal_size((WIDTH, 0)).columns
        show(as_text(draw(snapshot, width, where=look.shown)))


async def _live(look: Look, every: float, now: Callable[[], datetime]) -> None:
    """The first look comes before the screen is taken: what is wrong then is told as anywhere else."""
    from chat.top.live import Live  # not loaded for a pipe

    live = Live(look, every, now)
    live.show(await read(look, now))
    await live.run()
