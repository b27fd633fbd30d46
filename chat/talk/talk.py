"""The chat in a terminal: ``chat talk``.

On a terminal there is a prompt with a line below that says how things are. With input from a pipe or a
file it reads lines, waits for a partner, and says goodbye when all its lines are confirmed.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import TextIO

from chat.client import Client
from chat.client.events import ClientError, Session, Timing
from chat.talk.talker import Talker
from chat.talk.text import clean, lines, printer

PATIENT = Timing(connect=5.0)
"""A person looks at an empty screen meanwhile."""
PAUSE_SECONDS = 3.0
"""Who has not typed for so long is not typing."""


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
                return await _on_terminal(Talker(me, print, print, now))
            talker = Talker(me, printer(stdout), complain, now, patient=True)
            return await _on_pipe(talker, stdin)
    except ClientError as error:
        complain(f"chat: {clean(str(error))}")
    except BrokenPipeError:  # whoever read the output has gone: nobody to tell
        pass
    return 1


async def _on_terminal(talker: Talker) -> int:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.patch_stdout import patch_stdout

    prompt: PromptSession[str] = PromptSession("> ", bottom_toolbar=lambda: talker.status)
    typist = Typist(talker)
    prompt.default_buffer.on_text_changed += lambda buffer: typist.changed(buffer.text)
    talker.changed = prompt.app.invalidate

    async def read() -> None:
        with suppress(EOFError, KeyboardInterrupt):
            while (line := await prompt.prompt_async()).strip() != "/quit":
                typist.changed("")
                talker.try_to_enter(line)

    with patch_stdout():
        talker.look()
        quitted = await _until_first(read(), *talker.background(), typist.run())
    return 0 if quitted else 1


async def _on_pipe(talker: Talker, stdin: TextIO) -> int:
    async def read() -> None:
        async for line in lines(stdin):
            if line.strip() == "/quit":
                break
            await talker.enter(line)
        await talker.done()

    talker.look()
    quitted = await _until_first(read(), *talker.background())
    return 0 if quitted and talker.complete else 1


async def _until_first(
    main: Coroutine[None, None, None], *rest: Coroutine[None, None, None]
) -> bool:
    """Run all until one ends, and end the others; whether it was ``main``. Raises what one raised."""
    tasks = [asyncio.create_task(coroutine) for coroutine in (main, *rest)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return tasks[0] in done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Typist:
    """Tells the partner who is typing: once at the start, now and then, and at the end."""

    def __init__(self, talker: Talker, pause: float = PAUSE_SECONDS) -> None:
        self._talker = talker
        self._pause = pause
        self._composing = False
        self._keys = asyncio.Event()

    def changed(self, text: str) -> None:
        """The text at the prompt is now this."""
        self._composing = bool(text) and not text.startswith("/")
        self._keys.set()

    async def run(self) -> None:
        while True:
            await self._keys.wait()
            session = self._talker.session
            if self._composing and session is not None:
                await self._compose(session)
            else:
                self._keys.clear()

    async def _compose(self, session: Session) -> None:
        """While keys are hit one notice each pause is enough."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while await self._hit() and self._composing:
            if loop.time() >= due:
                due = loop.time() + self._pause
                await self._talker.me.typing(session, True)
        self._keys.clear()
        await self._talker.me.typing(session, False)

    async def _hit(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause):
                await self._keys.wait()
                self._keys.clear()
                return True
        return False
