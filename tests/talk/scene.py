"""A running ``chat talk`` with its screen and its keys, and the node's end of its socket."""

import asyncio
import io
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TextIO

from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.plain_text import PlainTextOutput

from chat.client.events import Timing
from chat.talk.talk import talk
from tests.support.scripted_node import PATIENCE, Peer, ScriptedNode

SHORT = Timing(connect=0.05)
NOON = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


class Screen(io.StringIO):
    """What was written, and a way to wait for it. prompt_toolkit writes from a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        self._loop.call_soon_threadsafe(self._news.set)
        return count

    def isatty(self) -> bool:
        return False

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while text not in self.getvalue():
                self._news.clear()
                await self._news.wait()


class Terminal(Screen):
    """Says that a person sits there."""

    def isatty(self) -> bool:
        return True


class Pipe:
    """Standard input that a test writes to."""

    def __init__(self) -> None:
        read, self._write = os.pipe()
        self.end: TextIO = os.fdopen(read, encoding="utf-8")

    def write(self, text: str) -> None:
        os.write(self._write, text.encode())

    def eof(self) -> None:
        if self._write >= 0:
            os.close(self._write)
            self._write = -1


@contextmanager
def piped() -> Iterator[Pipe]:
    pipe = Pipe()
    try:
        yield pipe
    finally:
        pipe.eof()
        pipe.end.close()


class Scene:
    """A running ``talk`` with its screen, and the node's end of its socket."""

    def __init__(self, node: ScriptedNode, running: "asyncio.Task[int]", out: Screen) -> None:
        self.node, self.running, self.out = node, running, out
        self.errors = out
        self.peer = Peer()

    async def matched(self, name: str = "Bob") -> None:
        self.peer = await self.node.accept()
        await self.peer.welcome()
        await self.peer.pair(name=name)
        await self.out.shows("* you are talking with")

    async def code(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.running


@asynccontextmanager
async def through_pipe(stdin: TextIO) -> AsyncIterator[Scene]:
    async with ScriptedNode() as node:
        out, errors = Screen(), Screen()
        running = asyncio.create_task(
            talk(node.url, "Ada", stdin=stdin, stdout=out, stderr=errors, now=lambda: NOON)
        )
        scene = Scene(node, running, out)
        scene.errors = errors
        yield scene
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def at_prompt() -> AsyncIterator[tuple[Scene, PipeInput]]:
    async with ScriptedNode() as node:
        out = Terminal()
        with (
            create_pipe_input() as keys,
            create_app_session(input=keys, output=PlainTextOutput(out)),
        ):
            running = asyncio.create_task(
                talk(node.url, "Ada", stdin=out, stdout=out, stderr=out, now=lambda: NOON)
            )
            yield Scene(node, running, out), keys
            running.cancel()
            await asyncio.wait([running])
