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
from chat.talk.address import socket_url
from chat.talk.pipe import on_pipe
from chat.talk.talker import Talker
from chat.talk.text import clean, complainer, let_go, printer

Streams = tuple[TextIO | None, TextIO | None, TextIO | None]

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

    0 after a goodbye; 1 if no node could be reached, if the connection was ended for good, if a line
    from a pipe was not delivered, or if one cannot read or write here. Cancelling it, as Ctrl-C does to a program that reads a pipe,
    says goodbye too.
    """
    streams = stdin or sys.stdin, stdout or sys.stdout, stderr or sys.stderr
    complain = complainer(streams[2])
    try:
        return await _talk(socket_url(url), name, streams, timing, now)
    except ClientError as error:
        complain(f"chat: {clean(str(error))}")
    except BrokenPipeError:  # whoever read the output has gone: nobody to tell
        pass
    except OSError as error:
        complain(f"chat: cannot read and write here: {error.strerror or error}")
    finally:
        let_go(streams[1])
        let_go(streams[2])
    return 1


async def _talk(
    url: str, name: str | None, streams: Streams, timing: Timing, now: Callable[[], datetime]
) -> int:
    stdin, stdout, stderr = streams
    if stdin is None or stdout is None:  # as Python has it where a shell has closed one
        raise OSError("standard input or output is closed")
    async with Client(url, name, timing=timing) as me:
        if stdin.isatty() and stdout.isatty():
            from chat.talk.terminal import on_terminal  # not loaded for a pipe

            return await on_terminal(Talker(me, print, print, now))
        talker = Talker(me, printer(stdout), complainer(stderr), now, patient=True)
        return await on_pipe(talker, stdin)
