"""A sentinel that tells whatever a test wants, in the event loop of the test."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import hiredis

from tests.support.process import HOST


class FalseSentinel:
    """Names ``port`` as the primary; ``listeners`` are the connections that hear its notices, ``asked`` and
    ``subscribed`` count the questions and subscriptions. With ``hang_up`` it ends connections once they have asked.
    An async context manager."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked = 0
        self.subscribed = 0
        self.hang_up = False
        self.listeners: set[asyncio.StreamWriter] = set()
        self._tasks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def place(self) -> str:
        return f"{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self._server.close()
        while self._tasks:  # one that is cancelled before it began does nothing at all
            for task, writer in self._tasks.items():
                task.cancel()
                writer.transport.abort()
            await asyncio.wait(self._tasks)
        await asyncio.sleep(0)  # aborted transports say so in the next turn

    def tell(self, notice: bytes) -> None:
        """To all who listen."""
        for writer in self.listeners:
            parts = (b"message", b"+switch-master", notice)
            writer.write(b">3\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(one), one) for one in parts))

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks[task] = writer
        task.add_done_callback(self._tasks.pop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = hiredis.Reader()
        with suppress(OSError):
            while data := await reader.read(4096):
                parser.feed(data)
                while (command := parser.gets()) is not False:
                    writer.write(self._answer(command, writer))
                    if self.hang_up and command[0] == b"SENTINEL":
                        writer.close()
        self.listeners.discard(writer)
        writer.close()

    def _answer(self, command: list[Any], writer: asyncio.StreamWriter) -> bytes:
        match command[0]:
            case b"HELLO":
                return b"%0\r\n"
            case b"SUBSCRIBE":
                self.listeners.add(writer)
                self.subscribed += 1
                return b">3\r\n$9\r\nsubscribe\r\n$%d\r\n%b\r\n:1\r\n" % (
                    len(command[1]),
                    command[1],
                )
            case b"SENTINEL":
                self.asked += 1
                port = b"%d" % self.port
                host = HOST.encode()
                return b"*2\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(host), host, len(port), port)
            case _:
                return b"+PONG\r\n"
