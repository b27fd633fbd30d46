"""A wire that is connected to nothing, what it told, and what a server sends to it."""

import asyncio
from collections.abc import Callable
from typing import Any

from chat.store.sayings import bulk
from chat.store.wire import Wire
from tests.unit.fake_loop import FakeLoop, FakeTransport

TIMEOUT = 2.0
OK, PONG = b"+OK\r\n", b"+PONG\r\n"
MOVED = b"-MOVED 1 10.0.0.2:6379\r\n"


class Connected:
    """A wire, and what it told."""

    def __init__(self) -> None:
        self.presses: list[bool] = []
        self.replies: list[Any] = []
        self.transport, self.loop = FakeTransport(), FakeLoop()
        self.pushes: list[tuple[bytes, bytes]] = []
        self.astray: list[tuple[bytes, str]] = []
        self.wire = Wire(
            lambda *push: self.pushes.append(push), self.presses.append, TIMEOUT,
            lambda *astray: self.astray.append(astray),
        )  # fmt: skip
        self.wire._loop = self.loop  # type: ignore[assignment]  # as much of one as is needed
        self.wire.connection_made(self.transport)  # type: ignore[arg-type]

    def call(self, weight: int = 1) -> None:
        self.wire.call(("PING",), self.replies.append, weight)

    def answer(self, times: int = 1) -> None:
        self.wire.data_received(OK * times)

    def push(self, *parts: bytes) -> None:
        """A push that the server sends: a message of a channel, or that a subscription begins or ends."""
        self.wire.data_received(b">%d\r\n" % len(parts) + b"".join(map(bulk, parts)))

    @property
    def written(self) -> bytes:
        """What has left since this was asked before."""
        self.wire.flush()
        written = b"".join(self.transport.written)
        self.transport.written.clear()
        return written


def run(scenario: Callable[[Connected], None]) -> None:
    async def main() -> None:
        scenario(Connected())

    asyncio.run(main())
