"""The raw client that other tests use, against a few lines of server."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from tests.support.bare_wire import WireClosed
from tests.support.frames import BINARY, CLOSE, CONTINUATION, PING, TEXT
from tests.support.process import HOST
from tests.support.wire import Wire


class Echo(WSListener):
    """Says everything back, fragments put together; the first byte ``!`` asks for an end."""

    def __init__(self) -> None:
        self.parts = b""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif frame.msg_type == WSMsgType.BINARY:
            transport.disconnect(graceful=False)
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.CONTINUATION):
            self.parts += frame.get_payload_as_bytes()
            if frame.fin:
                self.say(transport)

    def say(self, transport: WSTransport) -> None:
        message, self.parts = self.parts, b""
        if message == b"!":
            transport.send(WSMsgType.CLOSE, (4001).to_bytes(2, "big") + b"replaced")
            transport.disconnect()
        else:
            transport.send(WSMsgType.TEXT, message)


def with_echo(scenario: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        server = await ws_create_server(lambda _: Echo(), HOST, 0)
        port = server.sockets[0].getsockname()[1]
        try:
            await scenario(f"ws://{HOST}:{port}/ws")
        finally:
            server.close()

    asyncio.run(run())


def test_a_wire_sends_and_expects() -> None:
    """Objects, text and bytes, of each of the three sizes that a frame's length can have."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.send({"cmd": "A", "text": "ü"})
        wire.send('{"cmd":"B"}')
        wire.send(b'{"cmd":"C","text":"%s"}' % (b"c" * 300))
        wire.send({"cmd": "D", "text": "d" * 70_000})
        await wire.expect("A", text="ü")
        assert await wire.receive() == {"cmd": "B"}
        await wire.expect("C", text="c" * 300)
        await wire.expect("D", text="d" * 70_000)

    with_echo(scenario)


@pytest.mark.parametrize(
    ("fields", "message"), [({"n": 2}, "n=2"), ({"m": 1}, "no m"), ({"cmd": "B"}, "expected B")]
)
def test_a_wire_refuses_what_was_not_expected(fields: dict[str, Any], message: str) -> None:
    """The failure shows the frame."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.send({"cmd": "A", "n": 1})
        with pytest.raises(AssertionError, match=message):
            await wire.expect(**{"cmd": "A", **fields})

    with_echo(scenario)


def test_a_wire_does_not_wait_for_ever() -> None:
    """Nothing is an answer too, and names what was missing."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        with pytest.raises(AssertionError, match=r"nothing arrived within 0.01 s, expected A"):
            await wire.expect("A", timeout=0.01)

    with_echo(scenario)


def test_a_wire_sends_fragments_and_pings() -> None:
    """Frames of any kind, in any order."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.frame(TEXT, b'{"cmd":', fin=False)
        wire.frame(PING, b"there?")
        wire.frame(CONTINUATION, b'"A"}')
        assert await wire.pong() == b"there?"
        await wire.expect("A")

    with_echo(scenario)


def test_a_wire_answers_pings_unless_told_not_to() -> None:
    """A PING_REQ is never in the way of what a test expects."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.send({"cmd": "PING_REQ", "accountId": 1})
        await wire.expect("PING_RESP", accountId=1)  # its own answer, echoed
        wire.answer_pings = False
        wire.send({"cmd": "PING_REQ", "accountId": 1})
        wire.send({"cmd": "A"})
        await wire.expect("A")
        wire.send({"cmd": "PING_REQ", "accountId": 1})
        await wire.expect("PING_REQ", accountId=1)

    with_echo(scenario)


def test_what_comes_before_an_answer_is_kept_in_order() -> None:
    """A request finds its answer behind pushes, which stay for later."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        for cmd in ("PUSH_1", "PUSH_2", "LEAVE_RESP"):
            wire.send({"cmd": cmd})
        assert await wire.request("LEAVE") == {"cmd": "LEAVE_RESP"}
        await wire.expect("PUSH_1")
        await wire.expect("PUSH_2")
        await wire.expect("LEAVE_REQ")

    with_echo(scenario)


def test_a_wire_tells_how_it_was_closed() -> None:
    """By the other side with a code; for whoever still waits for a frame, too."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.send("!")
        with pytest.raises(WireClosed, match="4001"):
            await wire.receive()
        assert await wire.closed() == 4001
        assert wire.close_reason == "replaced"

    with_echo(scenario)


def test_a_wire_notices_an_end_without_a_word() -> None:
    """1006, as browsers say."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.frame(BINARY)
        assert await wire.closed() == 1006

    with_echo(scenario)


@pytest.mark.parametrize("code", [1000, 1001, None])
def test_a_wire_closes(code: int | None) -> None:
    """And returns what the other side answered."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        assert await wire.close(code) == 1000

    with_echo(scenario)


def test_an_open_socket_is_not_taken_for_closed() -> None:
    """The failure says how far it got."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        with pytest.raises(AssertionError, match="no close frame came"):
            await wire.closed(timeout=0.01)

    with_echo(scenario)


def test_a_client_that_does_not_read() -> None:
    """With a small buffer, what is sent piles up at the other side; later it is all there."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url, receive_buffer=4096)
        wire.stop_reading()
        wire.send({"cmd": "A", "text": "a" * 3_000_000})
        with pytest.raises(AssertionError, match="nothing arrived"):
            await wire.receive(timeout=0.05)
        wire.start_reading()
        await wire.expect("A", text="a" * 3_000_000)

    with_echo(scenario)


def test_a_close_frame_can_be_sent_by_hand() -> None:
    """A wrong one, for instance; what comes back is looked at as ever."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.frame(CLOSE, b"\x03")
        assert await wire.closed() == 1002

    with_echo(scenario)
