"""RFC 6455 at a node's socket: frames, fragments, control frames (text and sizes: test_rfc6455_messages).

The lists follow the sections of the Autobahn test suite. Every test leaves the log as it was.
"""

import asyncio
import itertools
import struct
from collections.abc import Iterator

import pytest

from tests.support.bare_wire import WireClosed
from tests.support.frames import BINARY, CONTINUATION, PING, PONG, TEXT, encode_frame
from tests.support.nodes import NodeProcess
from tests.support.wire import Wire
from tests.wire.abuse import quiet_node

REQUEST = b'{"cmd":"NOTHING"}'
MASK = b"\0\0\0\0"


@pytest.fixture(scope="module")
def node() -> Iterator[NodeProcess]:
    with quiet_node() as quiet:
        yield quiet


def code_after(node: NodeProcess, data: bytes) -> int:
    """The code that the node closes with after these bytes, having sent nothing else."""

    async def scenario() -> int:
        async with await Wire.open(node.url) as wire:
            wire.raw(data)
            with pytest.raises(WireClosed):
                await wire.receive()
            return await wire.closed()

    return asyncio.run(scenario())


# Messages in fragments


@pytest.mark.parametrize("cuts", [(5,), (0,), (17,), (3, 3, 9), tuple(range(1, 17))])
def test_fragments_make_one_message(node: NodeProcess, cuts: tuple[int, ...]) -> None:
    """However a message is cut, also into empty fragments, it is one request."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            edges = [0, *cuts, len(REQUEST)]
            parts = [REQUEST[a:b] for a, b in itertools.pairwise(edges)]
            for number, part in enumerate(parts):
                opcode = CONTINUATION if number else TEXT
                wire.frame(opcode, part, fin=number == len(parts) - 1)
            await wire.expect("ERROR_RESP", ref="NOTHING")
            await wire.nothing()

    asyncio.run(scenario())


def test_control_frames_between_fragments(node: NodeProcess) -> None:
    """A ping in the middle of a message is answered at once, a pong is ignored; the message goes on."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            wire.frame(TEXT, REQUEST[:4], fin=False)
            wire.frame(PING, b"between")
            assert await wire.pong() == b"between"
            wire.frame(PONG, b"nobody asked")
            wire.frame(CONTINUATION, REQUEST[4:8], fin=False)
            wire.frame(CONTINUATION, REQUEST[8:])
            await wire.expect("ERROR_RESP", ref="NOTHING")
            await wire.nothing()

    asyncio.run(scenario())


def test_one_byte_at_a_time(node: NodeProcess) -> None:
    """A frame that comes in single bytes is the same frame."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            for byte in encode_frame(TEXT, REQUEST):
                wire.raw(bytes([byte]))
                await asyncio.sleep(0)
            await wire.expect("ERROR_RESP", ref="NOTHING")

    asyncio.run(scenario())


def test_many_frames_in_one_packet(node: NodeProcess) -> None:
    """Frames that come together are answered in their order."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            wire.raw(b"".join(encode_frame(TEXT, b'{"cmd":"%d"}' % n) for n in range(200)))
            for number in range(200):
                await wire.expect("ERROR_RESP", ref=str(number))

    asyncio.run(scenario())


def test_a_mask_is_taken_off(node: NodeProcess) -> None:
    """A client's mask is undone, at any place of the message."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            mask = b"\x12\x34\x56\x78"
            hidden = bytes(byte ^ mask[n % 4] for n, byte in enumerate(REQUEST))
            wire.raw(bytes([0x81, 0x80 | len(REQUEST)]) + mask + hidden)
            await wire.expect("ERROR_RESP", ref="NOTHING")

    asyncio.run(scenario())


# Broken frames

UNFINISHED = encode_frame(TEXT, REQUEST[:4], fin=False)
BROKEN = {
    "a continuation of nothing": encode_frame(CONTINUATION, REQUEST),
    "a first continuation of nothing": encode_frame(CONTINUATION, REQUEST, fin=False),
    "a continuation after a whole message in fragments": UNFINISHED
    + encode_frame(CONTINUATION, b"x", fin=False)
    + encode_frame(TEXT, b"y", fin=False),
    "a text within a message": UNFINISHED + encode_frame(TEXT, REQUEST),
    "a first bit reserved": encode_frame(TEXT, REQUEST, reserved=4),
    "a second bit reserved": encode_frame(TEXT, REQUEST, reserved=2),
    "a third bit reserved": encode_frame(TEXT, REQUEST, reserved=1),
    "a ping with reserved bits": encode_frame(PING, b"", reserved=7),
    "a fragment with reserved bits": UNFINISHED + encode_frame(CONTINUATION, b"", reserved=1),
    "an unmasked text": b"\x81\x11" + REQUEST,
    "an unmasked ping": b"\x89\x00",
    "a ping in fragments": encode_frame(PING, b"x", fin=False),
    "a pong in fragments": encode_frame(PONG, b"x", fin=False),
    "a close in fragments": encode_frame(0x8, b"\x03\xe8", fin=False),
    "a ping of 126 bytes": encode_frame(PING, b"x" * 126),
    "a pong of 126 bytes": encode_frame(PONG, b"x" * 126),
    "a close of 126 bytes": encode_frame(0x8, b"\x03\xe8" + b"x" * 124),
    "a ping with a 64-bit length": struct.pack("!BBQ", 0x89, 0xFF, 70_000) + MASK,
    "a 16-bit length for 5 bytes": struct.pack("!BBH", 0x81, 0xFE, 5) + MASK + b"12345",
    "a 64-bit length for 5 bytes": struct.pack("!BBQ", 0x81, 0xFF, 5) + MASK + b"12345",
    "a 64-bit length below zero": struct.pack("!BBQ", 0x81, 0xFF, 1 << 63) + MASK,
    "HTTP": b"GET / HTTP/1.1\r\nHost: chat.test\r\n\r\n",
}
RESERVED = {f"opcode {n:#x}": encode_frame(n, REQUEST) for n in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)}


@pytest.mark.parametrize("kind", [*BROKEN, *RESERVED])
def test_a_broken_frame_closes_with_1002(node: NodeProcess, kind: str) -> None:
    """What RFC 6455 forbids ends the connection, and nothing that follows is acted on."""
    assert code_after(node, {**BROKEN, **RESERVED}[kind] + encode_frame(TEXT, REQUEST)) == 1002


def test_a_broken_frame_after_a_request(node: NodeProcess) -> None:
    """A request and, later, a broken frame: the request is answered, then the connection ends."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            wire.send(REQUEST)
            await wire.expect("ERROR_RESP", ref="NOTHING")
            wire.frame(0xF)
            assert await wire.closed() == 1002

    asyncio.run(scenario())


@pytest.mark.parametrize("fin", [True, False])
def test_binary_closes_with_1003(node: NodeProcess, fin: bool) -> None:
    """There is no binary message, whole or begun."""
    assert code_after(node, encode_frame(BINARY, REQUEST, fin=fin)) == 1003


# Pings


@pytest.mark.parametrize("payload", [b"", b"hello", bytes(range(125)), b"\xff" * 125])
def test_a_ping_is_answered(node: NodeProcess, payload: bytes) -> None:
    """The pong carries what the ping carried."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            wire.frame(PING, payload)
            assert await wire.pong() == payload
            await wire.nothing()

    asyncio.run(scenario())


def test_pings_are_answered_in_order(node: NodeProcess) -> None:
    """Ten pings in one packet get ten pongs."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            wire.raw(b"".join(encode_frame(PING, b"%d" % number) for number in range(10)))
            assert [await wire.pong() for _ in range(10)] == [b"%d" % n for n in range(10)]

    asyncio.run(scenario())


def test_an_unsolicited_pong_is_ignored(node: NodeProcess) -> None:
    """A pong that nobody asked for is no fault."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            wire.frame(PONG, b"hello")
            wire.frame(PONG)
            await wire.nothing()

    asyncio.run(scenario())
