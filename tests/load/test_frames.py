"""Frames that are put together by hand are the protocol's, and what is read by hand is what was written."""

import orjson
import pytest

from chat import commands, protocol
from chat.load import frames


@pytest.mark.parametrize(
    ("frame", "command"),
    [
        (frames.CREATE, commands.Create),
        (frames.reconnect(42007, b'"secret"', 3), commands.Reconnect),
        (frames.match(42007), commands.Match),
        (frames.leave(42007, 9007), commands.Leave),
        (frames.acknowledge(12), commands.PushAnswer),
        (frames.pong(42007), commands.Pong),
        (frames.Form(42007, 9007).message(1), commands.Dialogue),
        (frames.Form(42007, 9007, "100 % sure").repeated(2), commands.Dialogue),
    ],
)
def test_a_node_understands_every_frame(frame: bytes, command: type) -> None:
    """As the command that is meant."""
    assert type(protocol.decode(frame)) is command


def test_a_message_says_its_number_twice() -> None:
    """As its requestId, which its answer repeats, and in front of its content, which the partner gets."""
    told = orjson.loads(frames.Form(42007, 9007).message(17))
    assert told == {
        "cmd": "DIALOGUE_REQ", "senderId": 42007, "sessionId": 9007, "requestId": "17",
        "content": f"17 {frames.TEXT}",
    }  # fmt: skip


def test_a_repeat_differs_by_nothing_but_that() -> None:
    """Otherwise it would be another message."""
    form = frames.Form(42007, 9007)
    assert orjson.loads(form.repeated(3)) == {**orjson.loads(form.message(3)), "retry": True}


def test_a_confirmation_of_a_node_is_known_by_its_beginning() -> None:
    """And no refusal is."""
    confirmed = protocol.replies.dialogue_resp(b'"17"', 4)
    assert confirmed.startswith(frames.CONFIRMED)
    assert frames.confirmed(confirmed) == 17
    command = protocol.decode(frames.Form(42007, 9007).message(17))
    assert not protocol.refused(command, 6, 100).startswith(frames.CONFIRMED)


def test_a_push_is_read() -> None:
    """As the function library writes it."""
    push = b'{"cmd":"PUSH_DIALOGUE_REQ","msgId":5,"senderId":1,"sessionId":2,"content":"17 Hi","seq":9}'
    assert push.startswith(frames.PUSHED)
    assert frames.pushed(push) == (2, 1, 9, 17, "Hi")
    assert frames.pushed(push.replace(b"17 Hi", b"Hello"))[3] == 0


@pytest.mark.parametrize(
    "push",
    [
        b'{"cmd":"PUSH_DIALOGUE_REQ",',
        b'{"cmd":"PUSH_DIALOGUE_REQ","content":"1 Hi"}',
        b"[]",
        b"null",
    ],
)
def test_what_is_no_push_is_said(push: bytes) -> None:
    """One exception for all that can be wrong."""
    with pytest.raises(frames.Malformed):
        frames.pushed(push)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"7", b'"x"'])
def test_what_is_no_frame_is_said(payload: bytes) -> None:
    """The same."""
    with pytest.raises(frames.Malformed):
        frames.parse(payload)
    with pytest.raises(frames.Malformed):
        frames.confirmed(frames.CONFIRMED + payload)
