"""A TCP proxy on the loopback interface that misbehaves when told to.

``Proxy`` lives in the event loop of a test; ``ProxyThread`` has a loop of its own, for tests that
start processes behind it.
"""

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.support.process import HOST

T = TypeVar("T")

BLOCK = 64 * 1024


class Passage:
    """One connection through the proxy, both ways."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.sent: list[bytes] = []
        """What the client sent, as it was read: blocks that came one after the other may be one."""
        self.filter: Callable[[bytes], bytes] | None = None
        """What becomes of the server's answers."""
        self.reads: Callable[[bytes], bytes] | None = None
        """How the client is to read them, whatever becomes of them then."""

    def cut(self) -> None:
        """Ends both sides without a word."""
        self.client.transport.abort()
        self.server.transport.abort()


class Proxy:
    """Hands bytes on, both ways, except for what the switches say.

    ``silent``: nothing passes any more, in either direction; connections stay open and what comes
    waits. ``swallowing``: what the client sends passes, the answers do not, and are lost.
    ``refusing``: a new connection is ended at once. ``delay``: seconds that every block waits.

    It listens on any port, or ``at`` a host and a port of the caller's choice. ``translate`` makes what
    the answers of a connection pass through, always and before anything else.
    """

    def __init__(
        self,
        port: int,
        at: tuple[str, int] = (HOST, 0),
        translate: Callable[[], Callable[[bytes], bytes]] | None = None,
    ) -> None:
        self._target = port
        self._at = at
        self._translate = translate
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._may_pass = asyncio.Event()
        self._may_pass.set()
        self.port = 0
        self.swallowing = False
        self.refusing = False
        self.delay = 0.0
        self.accepted = 0
        self.passages: list[Passage] = []
        """The connections that are open."""
        self.filter_answers: Callable[[], Callable[[bytes], bytes]] | None = None
        """Makes the filter of a new connection."""
        self.on_sent: Callable[[Passage, bytes], None] = lambda passage, data: None
        """Sees what a client sends before it is handed on; may turn the switches."""

    @property
    def silent(self) -> bool:
        return not self._may_pass.is_set()

    @silent.setter
    def silent(self, silent: bool) -> None:
        if silent:
            self._may_pass.clear()
        else:
            self._may_pass.set()

    def cut(self) -> None:
        """Ends all connections that are open."""
        for passage in list(self.passages):
            passage.cut()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, *self._at)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.sleep(0)  # aborted transports say so in the next turn

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refusing:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # One that is cancelled before it began does nothing at all.
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, onward = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        passage = Passage(writer, onward)
        if self._translate is not None:
            passage.reads = self._translate()
        if self.filter_answers is not None:
            passage.filter = self.filter_answers()
        self.passages.append(passage)
        ways = [
            asyncio.create_task(self._upstream(passage, reader)),
            asyncio.create_task(self._downstream(passage, back)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self.passages.remove(passage)
            passage.cut()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _upstream(self, passage: Passage, reader: asyncio.StreamReader) -> None:
        while data := await self._read(reader):
            self.on_sent(passage, data)
            await self._may_pass.wait()
            passage.sent.append(data)
            passage.server.write(data)

    async def _downstream(self, passage: Passage, reader: asyncio.StreamReader) -> None:
        while data := await self._read(reader):
            if not self.swallowing:
                await self._may_pass.wait()
                if passage.reads is not None:
                    data = passage.reads(data)
                if passage.filter is not None:
                    data = passage.filter(data)
                passage.client.write(data)

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        try:
            data = await reader.read(BLOCK)
        except OSError:
            return b""
        if self.delay:
            await asyncio.sleep(self.delay)
        return data


class ProxyThread:
    """A proxy in a thread of its own; ``do`` is how a test turns its switches."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._proxy: Proxy

    @property
    def port(self) -> int:
        return self._proxy.port

    def do(self, work: Callable[[Proxy], T]) -> T:
        """Runs in the proxy's loop, and returns what comes of it."""

        async def there() -> T:
            return work(self._proxy)

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result(10)

    def set(self, **switches: Any) -> None:
        def turn(proxy: Proxy) -> None:
            for name, value in switches.items():
                setattr(proxy, name, value)

        self.do(turn)

    def cut(self) -> None:
        self.do(Proxy.cut)

    def __enter__(self) -> Self:
        self._thread.start()

        async def begin() -> Proxy:
            return await Proxy(self._target).__aenter__()

        self._proxy = asyncio.run_coroutine_threadsafe(begin(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        end = self._proxy.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(end, self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
