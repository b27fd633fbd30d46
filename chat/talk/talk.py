"""The chat in a terminal: ``chat talk``.

On a terminal there is a prompt with a line below that says how things are. With input from a pipe or a
file it reads lines, waits for a partner, and says goodbye when all its lines are confirmed.
"""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import TextIO

from chat.client import Client
from chat.client.events import ClientError, Timing
from chat.talk.pipe import on_pipe
from chat.talk.talker import Talker
from chat.talk.text import clean, printer

PATIENT = Timing(connect=5.0)
"""A person looks at an empty screen meanwhile."""


async def talk(
    url: str,
    name: str | None,
    *,
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    timing: Timing = PATIENT,
    now: Callable[[], datetime] = datetime.now,
) -> int:
    """Talk with strangers until the person has had enough; returns the exit code of the process.

    0 after a goodbye; 1 if no node could be reached, if the connection was ended for good, or if a
    line from a pipe was not delivered. Cancelling it, as Ctrl-C does to a program that reads a pipe,
    says goodbye too.
    """
    stdin, stdout, stderr = stdin or sys.stdin, stdout or sys.stdout, stderr or sys.stderr
    complain = printer(stderr)
    try:
        async with Client(url, name, timing=timing) as me:
            if stdin.isatty() and stdout.isatty():
                from chat.talk.terminal import on_terminal  # not loaded for a pipe

                return await on_terminal(Talker(me, print, print, now))
            talker = Talker(me, printer(stdout), complain, now, patient=True)
            return await on_pipe(talker, stdin)
    except ClientError as error:
        complain(f"chat: {clean(str(error))}")
    except BrokenPipeError:  # whoever read the output has gone: nobody to tell
        pass
    return 1
