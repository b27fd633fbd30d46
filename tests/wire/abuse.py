"""What the tests of bad clients share: a node that has to stay quiet, and bytes as they are sent."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping

from tests.support.bare_wire import WireClosed
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import HOST
from tests.support.wire import Wire, pair

KEY = base64.b64encode(bytes(16)).decode()
SERVES_SECONDS = 10


@contextlib.contextmanager
def quiet_node(
    env: Mapping[str, str] = NO_LIMITS, redis_url: str | None = None
) -> Iterator[NodeProcess]:
    """A node that must have nothing to log, and must still serve people in the end."""
    with NodeProcess(redis_url, env) as node:
        said = node.log()
        yield node
        asyncio.run(serves(node))
        assert node.log() == said, "the node logged what bad clients do"


async def serves(node: NodeProcess) -> None:
    """Two people meet and talk."""
    async with asyncio.timeout(SERVES_SECONDS):
        alice, bob, session = await pair(node.url, node.url)
        assert (await alice.say(session, "hello"))["code"] == 0
        await bob.expect("PUSH_DIALOGUE_REQ", content="hello")
        for wire in (alice, bob):
            await wire.close()


async def end_of(wire: Wire) -> int:
    """Takes whatever still comes; returns the code that the node closed with."""
    with contextlib.suppress(WireClosed):
        while True:
            await wire.receive()
    return await wire.closed()


class Raw:
    """A TCP connection without any idea of what is sent over it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    def end(self) -> None:
        """Says that nothing more will be sent."""
        with contextlib.suppress(OSError):  # the node may have ended it already
            self._writer.write_eof()

    def cut(self) -> None:
        """Ends it at once, with a reset where the node is still sending."""
        self._writer.transport.abort()

    async def head(self) -> str:
        """Status line and headers of an HTTP response."""
        async with asyncio.timeout(5):
            return (await self._reader.readuntil(b"\r\n\r\n")).decode()

    async def status(self) -> int:
        return int((await self.head()).split(" ")[1])

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame, which has to be short, whole and without a mask."""
        async with asyncio.timeout(5):
            first, size = await self._reader.readexactly(2)
            assert first & 0x80, "a fragment"
            if size == 126:
                size = int.from_bytes(await self._reader.readexactly(2), "big")
            return first & 0x0F, await self._reader.readexactly(size)

    async def rest(self) -> bytes:
        """What else comes until the node has ended the connection."""
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError):
                return await self._reader.read()
        return b""


@contextlib.asynccontextmanager
async def connect(node: NodeProcess) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection(HOST, node.port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def upgrade(
    path: str = "/ws", headers: Mapping[str, str | None] | None = None, method: str = "GET"
) -> bytes:
    """An upgrade request as a browser sends it, with these headers changed; None leaves one out."""
    fields: dict[str, str | None] = {
        "Host": "chat.test",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
        **(headers or {}),
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode("latin-1")
