"""RFC 6455: how a socket is closed, and what a broken close means."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.frames import CLOSE, NO_CLOSE_FRAME, PING, TEXT, encode_frame
from tests.support.nodes import NodeProcess
from tests.support.wire import Wire, pair
from tests.wire.abuse import KEY, connect, quiet_node, upgrade

REQUEST = b'{"cmd":"NOTHING"}'


@pytest.fixture(scope="module")
def node() -> Iterator[NodeProcess]:
    with quiet_node() as quiet:
        yield quiet


def code_after(node: NodeProcess, data: bytes) -> int:
    async def scenario() -> int:
        async with await Wire.open(node.url) as wire:
            wire._listener.answer_close = False
            wire.raw(data)
            return await wire.closed()

    return asyncio.run(scenario())


VALID = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)


@pytest.mark.parametrize("code", VALID)
@pytest.mark.parametrize("reason", [b"", "bye ☺".encode(), b"x" * 123])
def test_a_close_is_answered_with_its_code(node: NodeProcess, code: int, reason: bytes) -> None:
    """The node repeats the code, whatever reason comes with it, and ends the connection."""
    assert code_after(node, encode_frame(CLOSE, code.to_bytes(2, "big") + reason)) == code


def test_a_close_without_a_code_is_answered(node: NodeProcess) -> None:
    """There is a close frame in answer."""
    assert code_after(node, encode_frame(CLOSE)) != NO_CLOSE_FRAME


@pytest.mark.parametrize(
    "code", [0, 1, 999, 1004, 1005, 1006, 1012 + 4, 1100, 2000, 2999, 5000, 65535]
)
def test_an_invalid_close_code_gets_1002(node: NodeProcess, code: int) -> None:
    """Codes that must not be sent, or that nobody has defined, are a protocol error."""
    assert code_after(node, encode_frame(CLOSE, code.to_bytes(2, "big"))) == 1002


def test_a_close_of_one_byte_gets_1002(node: NodeProcess) -> None:
    """Half a code is none."""
    assert code_after(node, encode_frame(CLOSE, b"\x03")) == 1002


@pytest.mark.parametrize("reason", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", "ü".encode()[:1]])
def test_a_close_reason_that_is_no_text_gets_1007(node: NodeProcess, reason: bytes) -> None:
    """A reason is UTF-8."""
    assert code_after(node, encode_frame(CLOSE, b"\x03\xe8" + reason)) in {1002, 1007}


def test_a_close_between_fragments(node: NodeProcess) -> None:
    """A close in the middle of a message is a close; the message is dropped."""
    data = encode_frame(TEXT, REQUEST[:3], fin=False) + encode_frame(CLOSE, b"\x03\xe9")
    assert code_after(node, data) == 1001


@pytest.mark.parametrize(
    "data", [encode_frame(TEXT, REQUEST), encode_frame(PING, b"x"), encode_frame(TEXT, b"\xff")]
)
def test_what_follows_a_close_is_ignored(node: NodeProcess, data: bytes) -> None:
    """Frames after the close frame get no answer, not even a well-formed request."""

    async def scenario() -> None:
        async with connect(node) as raw:
            raw.send(upgrade())
            assert await raw.status() == 101
            raw.send(encode_frame(CLOSE, b"\x03\xe8") + data * 3)
            assert await raw.frame() == (CLOSE, b"\x03\xe8")
            assert await raw.rest() == b""

    asyncio.run(scenario())


@pytest.mark.parametrize("more", [encode_frame(CLOSE, b"\x03\xe8"), encode_frame(0xF), b"\x00"])
def test_a_goodbye_counts_whatever_follows(node: NodeProcess, more: bytes) -> None:
    """A close with 1000 ends the sessions, also with a fault in the same packet; one answer is given."""

    async def scenario() -> None:
        alice, bob, _ = await pair(node.url, node.url)
        alice._listener.answer_close = False
        alice.raw(encode_frame(CLOSE, b"\x03\xe8") + more)
        assert await alice.closed() in {1000, 1002}
        await bob.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit")

    asyncio.run(scenario())


def test_people_meet_after_others_left(node: NodeProcess) -> None:
    """Who comes and goes leaves nothing in the way of other people's pushes."""

    async def scenario() -> None:
        for code in (1000, 1001):
            for _ in range(3):
                wire = await Wire.open(node.url)
                await wire.create()
                await wire.close(code)
            alice, bob, _ = await pair(node.url, node.url)
            await alice.close()
            await bob.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit")

    asyncio.run(scenario())


def test_nothing_is_done_after_a_broken_close(node: NodeProcess) -> None:
    """A request that follows a close with an invalid code does not reach the partner."""

    async def scenario() -> None:
        alice, bob, session = await pair(node.url, node.url)
        alice._listener.answer_close = False
        alice.frame(CLOSE, b"\x00\x01")
        await alice.close_frame()
        message = {"requestId": "r", "senderId": alice.account_id, "sessionId": session}
        alice.send({"cmd": "DIALOGUE_REQ", "content": "too late", **message})
        assert await alice.closed() == 1002
        await bob.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")

    asyncio.run(scenario())


def test_who_does_not_answer_a_close_is_cut_off(node: NodeProcess) -> None:
    """A client that ignores the node's close loses the connection a little later."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            wire._listener.answer_close = False
            wire.frame(0x2, b"binary")
            assert await wire.closed(timeout=8) == 1003

    asyncio.run(scenario())


@pytest.mark.parametrize("code", [1000, None, 1001, 3000, 1002])
def test_only_1000_is_a_goodbye(node: NodeProcess, code: int | None) -> None:
    """The client's 1000 ends its sessions at once; any other close keeps the grace time."""

    async def scenario() -> None:
        alice, bob, _ = await pair(node.url, node.url)
        await alice.close(code)
        signal = "PartnerExit" if code == 1000 else "PartnerAway"
        await bob.expect("PUSH_SIGNAL_REQ", signalType=signal, data={"accountId": alice.account_id})

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x81",
        encode_frame(TEXT, REQUEST)[:1],
        encode_frame(TEXT, REQUEST)[:9],
        encode_frame(TEXT, REQUEST, fin=False),
        encode_frame(TEXT, b"x" * 1000)[:500],
        encode_frame(CLOSE, b"\x03\xe8")[:7],
    ],
)
@pytest.mark.parametrize("how", ["cut", "end"])
def test_half_a_frame_and_gone(node: NodeProcess, data: bytes, how: str) -> None:
    """A client that disappears in the middle of a frame is away; nothing else comes of it."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as bob, connect(node) as raw:
            raw.send(upgrade(headers={"Sec-WebSocket-Key": KEY}))
            assert await raw.status() == 101
            raw.send(data)
            if how == "cut":
                raw.cut()
            else:
                raw.end()
                assert await raw.rest() == b""
            await bob.nothing()

    asyncio.run(scenario())
