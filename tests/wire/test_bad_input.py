"""Bad input over the wire: each kind has its outcome, and the log stays quiet."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.bare_wire import WireClosed
from tests.support.frames import BINARY, TEXT, encode_frame
from tests.support.nodes import NodeProcess
from tests.support.wire import Wire
from tests.wire.abuse import quiet_node

LIMIT = 10 * 1024


@pytest.fixture(scope="module")
def node() -> Iterator[NodeProcess]:
    with quiet_node() as quiet:
        yield quiet


NO_COMMAND: dict[str, bytes] = {
    "nothing": b"",
    "a blank": b" ",
    "no JSON": b"hello",
    "JSON cut short": b'{"cmd":"MATCH_REQ","accountId":',
    "NaN": b'{"cmd":"MATCH_REQ","accountId":NaN}',
    "Infinity": b'{"cmd":"MATCH_REQ","accountId":-Infinity}',
    "null": b"null",
    "a number": b"1e400",
    "a text": b'"MATCH_REQ"',
    "a lone surrogate": rb'"\ud800"',
    "an array": b'[{"cmd":"MATCH_REQ","accountId":1}]',
    "deep arrays": b"[" * 5000 + b"]" * 5000,
    "arrays without an end": b"[" * LIMIT,
    "deep objects": b'{"a":' * 1500 + b"1" + b"}" * 1500,
    "an empty object": b"{}",
    "a cmd of another type": b'{"cmd":["MATCH_REQ"]}',
    "NUL bytes": bytes(100),
    "the largest message": b"x" * LIMIT,
}
UNKNOWN: dict[str, tuple[bytes, str]] = {
    "an unknown cmd": (b'{"cmd":"DROP_REQ"}', "DROP_REQ"),
    "an empty cmd": (b'{"cmd":""}', ""),
    "an answer that is none": (b'{"cmd":"MATCH_RESP","code":0}', "MATCH_RESP"),
    "a push of one's own": (b'{"cmd":"PUSH_SIGNAL_REQ","seq":1}', "PUSH_SIGNAL_REQ"),
    "a cmd with half of a pair": (rb'{"cmd":"\udc00"}', "\udc00"),
    "a cmd that is too long": (b'{"cmd":"%b"}' % (b"x" * 9000), "x" * 9000),
    "the last of two": (b'{"cmd":"MATCH_REQ","cmd":"B"}', "B"),
}
MALFORMED: dict[str, tuple[bytes, str]] = {
    "a missing id": (b'{"cmd":"MATCH_REQ"}', "MATCH"),
    "an id as text": (b'{"cmd":"MATCH_REQ","accountId":"1"}', "MATCH"),
    "an id that is true": (b'{"cmd":"MATCH_CANCEL_REQ","accountId":true}', "MATCH_CANCEL"),
    "a fraction": (b'{"cmd":"LEAVE_REQ","accountId":1.5,"sessionId":1}', "LEAVE"),
    "a huge number": (b'{"cmd":"MATCH_REQ","accountId":1e400}', "MATCH"),
    "many digits": (b'{"cmd":"MATCH_REQ","accountId":%b}' % (b"9" * 4000), "MATCH"),
    "too many digits": (b'{"cmd":"MATCH_REQ","accountId":%b}' % (b"9" * 9000), "MATCH"),
    "an id below zero": (b'{"cmd":"VIEWED_ACK_REQ","accountId":-1}', "VIEWED_ACK"),
    "the last of two ids": (b'{"cmd":"MATCH_REQ","accountId":1,"accountId":null}', "MATCH"),
    "a flag that is 1": (b'{"cmd":"TYPING_REQ","accountId":1,"sessionId":1,"typing":1}', "TYPING"),
}


def fields_of_a_message(content: bytes, request_id: bytes = b'"r"') -> bytes:
    return (
        b'{"cmd":"DIALOGUE_REQ","requestId":%b,"senderId":1000,"sessionId":1000,"content":%b}'
        % (request_id, content)
    )


MESSAGES: dict[str, tuple[bytes, dict[str, object]]] = {
    "empty": (fields_of_a_message(b'""'), {"requestId": "r"}),
    "too long": (fields_of_a_message(b'"%b"' % (b"x" * 2001)), {"requestId": "r"}),
    "half of a pair": (fields_of_a_message(rb'"\ud800"'), {"requestId": "r"}),
    "no text": (fields_of_a_message(b"[]"), {"requestId": "r"}),
    "a requestId that is no text": (fields_of_a_message(b'"x"', b"7"), {}),
    "an empty requestId": (fields_of_a_message(b'"x"', b'""'), {"requestId": ""}),
}


@pytest.mark.parametrize("kind", NO_COMMAND)
@pytest.mark.parametrize("bound", [False, True])
def test_what_is_no_command(node: NodeProcess, kind: str, bound: bool) -> None:
    """ERROR_RESP with code 1 and nothing to repeat; the socket stays open, with an account or without."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            if bound:
                await wire.create()
            wire.send(NO_COMMAND[kind])
            answer = await wire.expect("ERROR_RESP", code=1)
            assert set(answer) == {"cmd", "code", "msg"}
            await wire.nothing()

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", UNKNOWN)
def test_an_unknown_command(node: NodeProcess, kind: str) -> None:
    """ERROR_RESP with code 1, and what it called itself."""
    frame, ref = UNKNOWN[kind]

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            wire.send(frame)
            answer = await wire.expect("ERROR_RESP", code=1, ref=ref)
            assert set(answer) == {"cmd", "code", "msg", "ref"}
            await wire.nothing()

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_request(node: NodeProcess, kind: str) -> None:
    """Its own answer: code 1 with an account, code 5 before, and nothing else in it."""
    frame, name = MALFORMED[kind]

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            wire.send(frame)
            assert await wire.receive() == {"cmd": f"{name}_RESP", "code": 5}
            await wire.create()
            wire.send(frame)
            assert await wire.receive() == {"cmd": f"{name}_RESP", "code": 1}
            await wire.nothing()

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_malformed_message(node: NodeProcess, kind: str) -> None:
    """Code 1, and the requestId where it was a text."""
    frame, request = MESSAGES[kind]

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            await wire.create()
            wire.send(frame)
            assert await wire.receive() == {"cmd": "DIALOGUE_RESP", "code": 1, **request}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "answer",
    [
        b'{"cmd":"PUSH_DIALOGUE_RESP"}',
        b'{"cmd":"PUSH_DIALOGUE_RESP","seq":"1"}',
        b'{"cmd":"PUSH_SIGNAL_RESP","seq":0}',
        b'{"cmd":"PUSH_SIGNAL_RESP","seq":9007199254740991}',
        b'{"cmd":"PUSH_VIEWED_ACK_RESP","seq":1e400}',
        b'{"cmd":"PING_RESP"}',
        b'{"cmd":"PING_RESP","accountId":-1}',
        b'{"cmd":"PING_RESP","accountId":9007199254740991}',
    ],
)
def test_an_answer_to_nothing(node: NodeProcess, answer: bytes) -> None:
    """It is ignored, malformed or not, also before there is an account."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            wire.send(answer)
            await wire.nothing()
            await wire.create()
            wire.send(answer)
            await wire.nothing()

    asyncio.run(scenario())


NICKS = ["", "   ", "\t\n\u3000", None]


@pytest.mark.parametrize("nick", NICKS)
def test_a_name_is_chosen(node: NodeProcess, nick: str | None) -> None:
    """For whoever gives none."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            fields = {} if nick is None else {"nickName": nick}
            wire.send({"cmd": "CRT_ACCOUNT_REQ", **fields})
            answer = await wire.expect("CRT_ACCOUNT_RESP", code=0)
            assert answer["nickName"].strip() == answer["nickName"] != ""

    asyncio.run(scenario())


def test_a_long_name_is_cut(node: NodeProcess) -> None:
    """To 30 code points, without the blanks around it."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            await wire.create("  " + "😀" * 1000)
            assert wire.name == "😀" * 30

    asyncio.run(scenario())


@pytest.mark.parametrize("nick", [b"7", b"null", b"[]", b"true", rb'"\ud83d"'])
def test_a_name_that_is_none(node: NodeProcess, nick: bytes) -> None:
    """Code 1; the same socket may try again."""

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            wire.send(b'{"cmd":"CRT_ACCOUNT_REQ","nickName":%b}' % nick)
            assert await wire.receive() == {"cmd": "CRT_ACCOUNT_RESP", "code": 1}
            await wire.create()

    asyncio.run(scenario())


CLOSES = {
    "binary": (encode_frame(BINARY, b"\0"), 1003),
    "10 KiB and one byte": (encode_frame(TEXT, b"x" * (LIMIT + 1)), 1009),
    "invalid UTF-8": (encode_frame(TEXT, b"\xff"), 1007),
    "garbage": (bytes(range(255, 0, -1)), 1002),
}


@pytest.mark.parametrize("kind", CLOSES)
def test_what_closes_the_socket(node: NodeProcess, kind: str) -> None:
    """The close code says why (all kinds of broken frames: test_rfc6455)."""
    data, code = CLOSES[kind]

    async def scenario() -> None:
        async with await Wire.open(node.url) as wire:
            wire.raw(data)
            with pytest.raises(WireClosed):
                await wire.receive()
            assert await wire.closed() == code

    asyncio.run(scenario())
