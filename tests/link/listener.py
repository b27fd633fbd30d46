"""Something that listens and is no Redis: it answers what the test wants."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.support.process import HOST


@contextmanager
def listener(answer: Callable[[bytes], bytes | None]) -> Iterator[str]:
    """The URL of something else that listens; it ends the connection where the answer is None."""
    # A process of its own would be more real, and slower.
    ready, done = threading.Event(), threading.Event()
    ports: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while (data := await reader.read(65_536)) and (said := answer(data)) is not None:
                    writer.write(said)
        finally:
            writer.transport.abort()

    async def run() -> None:
        server = await asyncio.start_server(serve, HOST, 0)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await asyncio.to_thread(done.wait)
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    ready.wait()
    try:
        yield f"redis://:secret@{HOST}:{ports[0]}"
    finally:
        done.set()
        thread.join()
