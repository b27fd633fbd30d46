"""``websocket``: in which order frames leave, whichever way they go. What a socket says is in ``tests/wire``."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from picows import WSMsgType

from chat.connection import Connection, Limits
from chat.errors import Close
from chat.outbox import Outbox
from chat.websocket import Socket


class FakeTransport:
    """Writes down what leaves, in order; also that of the transport below it."""

    def __init__(self) -> None:
        self.left: list[object] = []
        self.is_close_frame_sent = False
        self.request: Any = None
        self.close_handshake: Any = SimpleNamespace(recv=None)
        self.stuck = 0

    @property
    def underlying_transport(self) -> "FakeTransport":
        return self

    def get_write_buffer_size(self) -> int:
        return self.stuck

    def write(self, data: bytes) -> None:
        self.left.append(data[2:])

    def send_pong(self, payload: bytes) -> None:
        self.left.append(("pong", payload))

    def send_close(self, code: int) -> None:
        self.left.append(("close", code))
        self.is_close_frame_sent = True

    def disconnect(self, graceful: bool = True) -> None:
        self.left.append("end")


class Opened:
    """A socket that has just been opened; its own door."""

    def __init__(self) -> None:
        self.transport = cast(Any, FakeTransport())
        self.ended: list[int] = []
        self.drains = 0
        self.socket = Socket(self, Outbox(), "198.51.100.1")  # type: ignore[arg-type]
        self.socket.on_ws_connected(self.transport)

    def opened(self, socket: Socket, request: object, peer: str) -> Connection:
        self.connection = Connection(
            socket, peer, Limits(0, 40, waiting_bytes=100), 0.0,
            lambda _, code: self.ended.append(code),
        )  # fmt: skip
        return self.connection

    def control(self, connection: Connection) -> None: ...

    def drained(self, connection: Connection) -> None:
        self.drains += 1

    def frame(self, kind: WSMsgType, payload: bytes = b"") -> None:
        frame: Any = SimpleNamespace(
            msg_type=kind, fin=True, rsv1=False, rsv2=False, rsv3=False,
            payload_size=len(payload), get_payload_as_bytes=lambda: payload,
        )  # fmt: skip
        self.socket.on_ws_frame(self.transport, frame)


def run(scenario: Callable[[Opened], None], *left: object) -> None:
    """What has left by the end of the turn."""

    async def main() -> None:
        opened = Opened()
        scenario(opened)
        await asyncio.sleep(0)
        assert opened.transport.left == list(left)

    asyncio.run(main())


def test_a_pong_does_not_overtake() -> None:
    """What was sent before the ping came leaves before its answer, what is sent after it after it."""

    def scenario(it: Opened) -> None:
        it.connection.send(b"before")
        it.frame(WSMsgType.PING, b"?")
        it.connection.send(b"after")

    run(scenario, b"before", ("pong", b"?"), b"after")


def test_a_close_of_ours_is_the_last() -> None:
    """What was sent before it leaves before it, and nothing after it."""

    def scenario(it: Opened) -> None:
        it.connection.send(b"before")
        it.connection.close(Close.REPLACED)
        it.connection.send(b"after")

    run(scenario, b"before", ("close", Close.REPLACED))


@pytest.mark.parametrize("code", [1000, 1001, 4001])
def test_the_answer_to_a_goodbye_is_the_last(code: int) -> None:
    """The same, where the client closes."""

    def scenario(it: Opened) -> None:
        it.connection.send(b"before")
        it.transport.close_handshake.recv = SimpleNamespace(code=code)
        it.frame(WSMsgType.CLOSE, code.to_bytes(2, "big"))
        it.connection.send(b"after")
        assert it.ended == [code]

    run(scenario, b"before", ("close", code), "end")


def test_a_socket_that_is_lost_gets_nothing_more() -> None:
    """What was still to leave is let go, and the way out is not touched again."""

    def scenario(it: Opened) -> None:
        it.connection.send(b"before")
        it.socket.on_ws_disconnected(it.transport)
        assert it.ended == [1006]

    run(scenario)


def test_a_client_that_does_not_keep_up() -> None:
    """As long as it does not, each frame looks at what waits for it; and it is told when it does again."""

    def scenario(it: Opened) -> None:
        it.transport.stuck = 1000
        it.connection.send(b"1")
        it.socket.pause_writing()
        it.transport.stuck = 100
        it.connection.send(b"2")
        it.socket.resume_writing()
        assert it.drains == 1
        it.transport.stuck = 1000
        it.connection.send(b"3")
        it.socket.pause_writing()
        it.connection.send(b"4")
        assert it.ended == [Close.TOO_SLOW]

    run(scenario, b"1\x81\x012\x81\x013", ("close", Close.TOO_SLOW))


def test_pings_of_a_client_that_does_not_read() -> None:
    """Their answers are bounded like everything else."""

    def scenario(it: Opened) -> None:
        it.transport.stuck = 101
        it.frame(WSMsgType.PING, b"?")
        assert it.ended == [Close.TOO_SLOW]

    run(scenario, ("close", Close.TOO_SLOW))
