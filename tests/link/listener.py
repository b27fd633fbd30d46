"""Something that listens and is no Redis: it answers what the test wants."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.process import HOST

Answer = Callable[[bytes], bytes | None]


class Answering(asyncio.Protocol):
    """One connection, in ``connected`` as long as it is open."""

    def __init__(self, answer: Answer, connected: set[asyncio.WriteTransport]) -> None:
        self._answer = answer
        self._connected = connected
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._connected.add(transport)

    def data_received(self, data: bytes) -> None:
        said = self._answer(data)
        if said is None:
            self._transport.abort()
        else:
            self._transport.write(said)

    def connection_lost(self, error: Exception | None) -> None:
        self._connected.discard(self._transport)


@contextmanager
def listener(answer: Answer) -> Iterator[str]:
    """The URL of something else that listens; it ends the connection where the answer is None."""
    # A process of its own would be more real, and slower.
    ready, done = threading.Event(), threading.Event()
    ports: list[int] = []

    async def run() -> None:
        connected: set[asyncio.WriteTransport] = set()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Answering(answer, connected), HOST, 0)
        ports.append(server.sockets[0].getsockname()[1])
        ready.set()
        await asyncio.to_thread(done.wait)
        server.close()
        for transport in connected:
            transport.abort()
        await asyncio.sleep(0)  # aborted transports say so in the next turn

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    ready.wait()
    try:
        yield f"redis://:secret@{HOST}:{ports[0]}"
    finally:
        done.set()
        thread.join()
