"""RFC 6455 at a node's socket: how large a message may be, and what is text."""

import asyncio
import struct
from collections.abc import Iterator

import pytest

from tests.support.bare_wire import WireClosed
from tests.support.frames import CONTINUATION, TEXT, encode_frame
from tests.support.nodes import NodeProcess
from tests.support.wire import Wire, pair
from tests.wire.abuse import quiet_node

LIMIT = 10 * 1024
MASK = bytes(4)


@pytest.fixture(scope="module")
def node() -> Iterator[NodeProcess]:
    with quiet_node() as quiet:
        yield quiet


def padded(size: int) -> bytes:
    """A request of that many bytes."""
    frame = b'{"cmd":"NOTHING","x":"%b"}'
    return frame % (b"x" * (size - len(frame % b"")))


def code_after(node: NodeProcess, data: bytes) -> int:
    """The code that the node closes with after these bytes, having sent nothing else."""

    async def scenario() -> int:
        async with await Wire.open(node.url) as wire:
            wire.raw(data)
            with pytest.raises(WireClosed):
                await wire.receive()
            return await wire.closed()

    return asyncio.run(scenario())


# Sizes


@pytest.mark.parametrize("size", [125, 126, 127, 128, 1023, 1024, 1025, 4096, LIMIT - 1, LIMIT])
@pytest.mark.parametrize("pieces", [1, 3])
def test_up_to_the_limit_passes(node: NodeProcess, size: int, pieces: int) -> None:
    """10 240 bytes are read, in one frame as in several; so are those where the length changes form."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            step = -(-size // pieces)
            parts = [padded(size)[at : at + step] for at in range(0, size, step)]
            for number, part in enumerate(parts):
                opcode = CONTINUATION if number else TEXT
                wire.frame(opcode, part, fin=number == len(parts) - 1)
            await wire.expect("ERROR_RESP", code=1, ref="NOTHING")
            await wire.nothing()

    asyncio.run(scenario())


HALF = padded(LIMIT + 1)[: LIMIT // 2]
REST = padded(LIMIT + 1)[LIMIT // 2 :]
TOO_BIG = {
    "one frame": encode_frame(TEXT, padded(LIMIT + 1)),
    "only its head": encode_frame(TEXT, padded(LIMIT + 1))[:8],
    "a 64-bit length": encode_frame(TEXT, padded(70_000)),
    "a huge 64-bit length": struct.pack("!BBQ", 0x81, 0xFF, (1 << 63) - 1) + MASK,
    "two fragments": encode_frame(TEXT, HALF, fin=False) + encode_frame(CONTINUATION, REST),
    "fragments without an end": encode_frame(TEXT, HALF, fin=False)
    + encode_frame(CONTINUATION, REST, fin=False),
    "empty fragments without an end": encode_frame(TEXT, b"", fin=False)
    + encode_frame(CONTINUATION, b"", fin=False) * LIMIT,
}


@pytest.mark.parametrize("kind", TOO_BIG)
def test_above_the_limit_closes_with_1009(node: NodeProcess, kind: str) -> None:
    """One byte more than 10 240, fragments together, ends the connection."""
    assert code_after(node, TOO_BIG[kind]) == 1009


def test_what_is_too_big_is_never_acted_on(node: NodeProcess) -> None:
    """The rest of an oversized message, sent after the node has closed, does not bring it to life."""

    async def scenario() -> None:
        alice, bob, session = await pair(node.url, node.url)
        frame = encode_frame(
            TEXT,
            b'{"cmd":"DIALOGUE_REQ","requestId":"r","senderId":%d,"sessionId":%d,"content":"too big"'
            b',"x":"%b"}' % (alice.account_id, session, b"x" * LIMIT),
        )
        alice._listener.answer_close = False
        alice.raw(frame[:100])
        await alice.close_frame()
        alice.raw(frame[100:])
        assert await alice.closed() == 1009
        await bob.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")

    asyncio.run(scenario())


# Text

INVALID = {
    "a byte that never occurs": b"\xff",
    "a continuation byte alone": b"\x80",
    "a sequence cut short": b"\xc3",
    "an overlong slash": b"\xc0\xaf",
    "an overlong null": b"\xc0\x80",
    "an overlong three-byte form": b"\xe0\x80\xaf",
    "an overlong four-byte form": b"\xf0\x80\x80\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond the last code point": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
}


@pytest.mark.parametrize("kind", INVALID)
@pytest.mark.parametrize("cut", [False, True])
def test_invalid_utf8_closes_with_1007(node: NodeProcess, kind: str, cut: bool) -> None:
    """Text that is no UTF-8 ends the connection, also where the fault lies across fragments."""
    text = b'{"cmd":"' + INVALID[kind] + b'"}'
    data = encode_frame(TEXT, text)
    if cut:
        data = encode_frame(TEXT, text[:9], fin=False) + encode_frame(CONTINUATION, text[9:])
    assert code_after(node, data) == 1007


def test_characters_may_be_cut_by_fragments(node: NodeProcess) -> None:
    """A character whose bytes come in different fragments is whole again."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            text = '{"cmd":"κόσμε 😀\U0010ffff\ufffe"}'.encode()
            for number in range(len(text)):
                opcode = CONTINUATION if number else TEXT
                wire.frame(opcode, text[number : number + 1], fin=number == len(text) - 1)
            await wire.expect("ERROR_RESP", ref="κόσμε 😀\U0010ffff\ufffe")

    asyncio.run(scenario())
