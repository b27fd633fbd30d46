"""``protocol.decode`` fed with what nobody thought of: it never raises, and lets nothing past its limits."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chat import commands as c
from chat import protocol
from chat.protocol import decode
from chat.protocol.requests import decode_any

MOST = 2**53 - 1
COMMANDS = [
    *("CRT_ACCOUNT_REQ", "RECONNECT_REQ", "MATCH_REQ", "MATCH_CANCEL_REQ", "DIALOGUE_REQ"),
    *("VIEWED_ACK_REQ", "TYPING_REQ", "LEAVE_REQ", "PING_REQ", "PING_RESP", "PUSH_DIALOGUE_RESP"),
    *("PUSH_SIGNAL_RESP", "PUSH_VIEWED_ACK_RESP"),
]
FIELDS = [
    *("nickName", "accountId", "token", "seq", "requestId", "senderId", "sessionId", "content"),
    *("retry", "msgId", "MsgId", "typing"),
]

numbers = st.integers() | st.sampled_from([0, 1, MOST, MOST + 1, 2**63, 2**64, 10**400])
texts = st.text(max_size=40) | st.text(st.characters(), max_size=5)  # with lone surrogates
long_texts = st.builds(
    lambda letter, size: letter * size,
    st.sampled_from(["a", "é", "😀", " "]),
    st.sampled_from([30, 31, 100, 101, 200, 201, 2000, 2001]),
)
scalars = st.none() | st.booleans() | numbers | st.floats() | texts | long_texts
anything = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20
)
good_ids = st.integers(1, MOST)
likely = {
    "nickName": texts | long_texts,
    "accountId": good_ids,
    "token": texts,
    "seq": st.integers(0, MOST),
    "requestId": texts,
    "senderId": good_ids,
    "sessionId": good_ids,
    "content": texts | long_texts,
    "retry": st.booleans(),
    "msgId": good_ids,
    "MsgId": good_ids,
    "typing": st.booleans(),
}


@st.composite
def commands(draw: st.DrawFn) -> dict[str, Any]:
    """A command with likely fields, of which some may be missing, replaced or unknown."""
    fields: dict[str, Any] = {"cmd": draw(st.sampled_from(COMMANDS))}
    missing = draw(st.sets(st.sampled_from(FIELDS), max_size=2))
    fields |= {name: draw(likely[name]) for name in FIELDS if name not in missing}
    return fields | draw(st.dictionaries(st.sampled_from(FIELDS) | texts, scalars, max_size=2))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The text of a command with some bytes changed, taken out or put in."""
    data = bytearray(encoded(draw(commands())))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        size = draw(st.integers(0, 3))
        data[at : at + size] = draw(st.binary(max_size=3))
    return bytes(data)


def encoded(value: object) -> bytes:
    """JSON text, with escapes for what is not ASCII; NaN and the like are no JSON, which is the point."""
    return json.dumps(value).encode()


def check(read: c.Command | c.Malformed) -> None:
    """What is read is a command within its limits, or has an answer."""
    assert isinstance(read, c.Command | c.Malformed)
    for name in ("account", "session", "msg"):
        assert 1 <= getattr(read, name, 1) <= MOST
        assert type(getattr(read, name, 1)) is int
    if isinstance(read, c.Malformed):
        answer = json.loads(protocol.refused(read, 1))
        assert answer["cmd"].endswith("_RESP")
    elif isinstance(read, c.Create):
        assert len(read.nick) <= 30
        protocol.json_text(read.nick)
    elif isinstance(read, c.Reconnect):
        assert 1 <= len(read.token.encode("utf-32-le")) // 4 <= 200
        assert read.seq is None or 0 <= read.seq <= MOST
    elif isinstance(read, c.Dialogue):
        assert 1 <= len(read.request_id.encode("utf-32-le")) // 4 <= 100
        assert 1 <= len(read.content.encode("utf-32-le")) // 4 <= 2000
        assert type(read.retry) is bool
    elif isinstance(read, c.PushAnswer):
        assert 1 <= read.seq <= MOST


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes(data: bytes) -> None:
    """Bytes of any kind, although only valid UTF-8 comes this far."""
    check(decode(data))


@given(anything)
@settings(max_examples=200, deadline=None)
def test_any_json(value: object) -> None:
    """JSON of any shape."""
    check(decode(encoded(value)))


@given(commands())
@settings(max_examples=200, deadline=None)
def test_any_fields(fields: dict[str, Any]) -> None:
    """A command with fields of any kind is read as that command, or refused as that command."""
    data = encoded(fields)
    read = decode(data)
    check(read)
    if isinstance(read, c.Malformed) and b"NaN" not in data and b"Infinity" not in data:
        assert read.ref == fields["cmd"]


@given(mutated() | anything.map(encoded) | commands().map(encoded))
@settings(max_examples=1000, deadline=None)
def test_both_ways_of_reading_agree(data: bytes) -> None:
    """What is said often is read another way, which must make no difference to anybody. (What is no UTF-8
    closes the socket before it comes this far.)"""
    data = data.decode(errors="replace").encode()
    assert decode(data) == decode_any(data)


@given(mutated())
@settings(max_examples=200, deadline=None)
def test_mutated_commands(data: bytes) -> None:
    """The text of a command with faults in it."""
    check(decode(data))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=2000), st.booleans())
@settings(max_examples=200, deadline=None)
def test_content_is_never_altered(content: str, escaped: bool) -> None:
    """What goes on to the partner says exactly what came, however the client wrote it."""
    message = {
        "cmd": "DIALOGUE_REQ", "requestId": "r", "senderId": 1, "sessionId": 2, "content": content,
    }  # fmt: skip
    read = decode(json.dumps(message, ensure_ascii=escaped).encode())
    assert isinstance(read, c.Dialogue)
    assert read.content == content


@given(st.text(st.characters(), min_size=1, max_size=50))
@settings(max_examples=200, deadline=None)
def test_content_with_surrogates_passes_or_is_refused(content: str) -> None:
    """Half of a surrogate pair gets code 1; a text is never altered."""
    message = {
        "cmd": "DIALOGUE_REQ", "requestId": "r", "senderId": 1, "sessionId": 2, "content": content,
    }  # fmt: skip
    data = encoded(message)
    read = decode(data)
    if isinstance(read, c.Dialogue):
        assert read.content == json.loads(data)["content"]
    else:
        assert isinstance(read, c.Malformed)
        assert (read.cmd, read.request_id) == ("DIALOGUE", "r")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(max_examples=200, deadline=None)
def test_a_nickname_is_the_beginning_of_what_was_given(nick: str) -> None:
    """Trimmed and cut, and nothing else."""
    read = decode(json.dumps({"cmd": "CRT_ACCOUNT_REQ", "nickName": nick}).encode())
    assert isinstance(read, c.Create)
    assert nick.strip().startswith(read.nick)
    assert len(read.nick) == min(30, len(nick.strip()))
