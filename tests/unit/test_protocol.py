"""``protocol.decode``: every field of every command, at, below and above its limits."""

import json
from typing import Any

import pytest

from chat import commands as c
from chat.protocol import decode

MOST = 2**53 - 1

VALID: dict[str, dict[str, Any]] = {
    "CRT_ACCOUNT_REQ": {"nickName": "Ann"},
    "RECONNECT_REQ": {"accountId": 1000, "token": "secret", "seq": 7},
    "MATCH_REQ": {"accountId": 1000},
    "MATCH_CANCEL_REQ": {"accountId": 1000},
    "DIALOGUE_REQ": {
        "requestId": "r1", "senderId": 1000, "sessionId": 2000, "content": "hello", "retry": True,
    },
    "VIEWED_ACK_REQ": {"accountId": 1000, "sessionId": 2000, "msgId": 3},
    "TYPING_REQ": {"accountId": 1000, "sessionId": 2000, "typing": True},
    "LEAVE_REQ": {"accountId": 1000, "sessionId": 2000},
    "PING_REQ": {"accountId": 1000},
    "PING_RESP": {"accountId": 1000},
    "PUSH_DIALOGUE_RESP": {"seq": 5},
    "PUSH_SIGNAL_RESP": {"seq": 5},
    "PUSH_VIEWED_ACK_RESP": {"seq": 5},
}  # fmt: skip
READ: dict[str, c.Command] = {
    "CRT_ACCOUNT_REQ": c.Create("Ann"),
    "RECONNECT_REQ": c.Reconnect(1000, "secret", 7),
    "MATCH_REQ": c.Match(1000),
    "MATCH_CANCEL_REQ": c.MatchCancel(1000),
    "DIALOGUE_REQ": c.Dialogue(1000, 2000, "r1", "hello", True),
    "VIEWED_ACK_REQ": c.Viewed(1000, 2000, 3),
    "TYPING_REQ": c.Typing(1000, 2000, True),
    "LEAVE_REQ": c.Leave(1000, 2000),
    "PING_REQ": c.Ping(1000),
    "PING_RESP": c.Pong(1000),
    "PUSH_DIALOGUE_RESP": c.PushAnswer(5),
    "PUSH_SIGNAL_RESP": c.SignalAnswer(5),
    "PUSH_VIEWED_ACK_RESP": c.ViewedAnswer(5),
}
TEXTS = {
    ("RECONNECT_REQ", "token"): 200,
    ("DIALOGUE_REQ", "requestId"): 100,
    ("DIALOGUE_REQ", "content"): 2000,
}
FLAGS = [("DIALOGUE_REQ", "retry"), ("TYPING_REQ", "typing")]
NUMBERS = [
    (cmd, name) for cmd, fields in VALID.items() for name, value in fields.items()
    if type(value) is int
]  # fmt: skip
OPTIONAL = {("CRT_ACCOUNT_REQ", "nickName"), ("RECONNECT_REQ", "seq"), ("DIALOGUE_REQ", "retry")}
FIELDS = [(cmd, name) for cmd, fields in VALID.items() for name in fields]
REQUIRED = [place for place in FIELDS if place not in OPTIONAL]


def frame(cmd: str, **changes: Any) -> bytes:
    return json.dumps({"cmd": cmd, **VALID[cmd], **changes}).encode()


def raw(cmd: str, name: str, value: bytes) -> bytes:
    """A valid command in which the field's value is this JSON text."""
    fields = {key: json.dumps(known).encode() for key, known in VALID[cmd].items()} | {name: value}
    members = [b'"%b":%b' % (key.encode(), text) for key, text in fields.items()]
    return b'{"cmd":"%b",%b}' % (cmd.encode(), b",".join(members))


def refused(cmd: str, data: bytes) -> bool:
    """Whether it is refused as this command: its own answer with code 1, or an answer ignored."""
    read = decode(data)
    if cmd.endswith("_RESP"):
        return read == c.Ignored()
    return isinstance(read, c.Malformed) and read.cmd == cmd.removesuffix("_REQ")


@pytest.mark.parametrize("cmd", VALID)
def test_a_valid_command(cmd: str) -> None:
    """Each command is read into its type, with each field in its place."""
    assert decode(frame(cmd)) == READ[cmd]


@pytest.mark.parametrize("cmd", VALID)
def test_unknown_fields_are_ignored(cmd: str) -> None:
    """Also fields that belong to other commands, and those with values of any kind."""
    more = {"unknown": {"deep": [1, None, "x"]}, "tags": ["a"], "": 1e300, "code": 0}
    assert decode(frame(cmd, **more)) == READ[cmd]


@pytest.mark.parametrize(("cmd", "name"), REQUIRED)
def test_a_missing_field(cmd: str, name: str) -> None:
    """A field that has to be there is not made up."""
    fields = {key: value for key, value in VALID[cmd].items() if key != name}
    assert refused(cmd, json.dumps({"cmd": cmd, **fields}).encode())


@pytest.mark.parametrize(("cmd", "name"), sorted(OPTIONAL))
def test_an_optional_field(cmd: str, name: str) -> None:
    """A field that may be missing has a value that says so."""
    fields = {key: value for key, value in VALID[cmd].items() if key != name}
    read = decode(json.dumps({"cmd": cmd, **fields}).encode())
    expected = {
        "nickName": c.Create(""),
        "seq": c.Reconnect(1000, "secret", None),
        "retry": c.Dialogue(1000, 2000, "r1", "hello", False),
    }
    assert read == expected[name]


@pytest.mark.parametrize(("cmd", "name"), FIELDS)
@pytest.mark.parametrize("value", [None, [], {}, ["x"], {"a": 1}, 1.5])
def test_a_wrong_type(cmd: str, name: str, value: object) -> None:
    """No field takes null, a list, an object or a fraction, not even an optional one."""
    assert refused(cmd, frame(cmd, **{name: value}))


@pytest.mark.parametrize(("cmd", "name"), NUMBERS)
@pytest.mark.parametrize(
    "value", ["1", "", True, False, 1.0, -1, 2**53, 2**53 + 1, 2**63, -(2**64)]
)
def test_what_is_no_id(cmd: str, name: str, value: object) -> None:
    """A number is a JSON integer from 1 below 2^53: no text, no bool, no float."""
    assert refused(cmd, frame(cmd, **{name: value}))


HUGE = {
    "1e400": b"1e400",
    "-1e400": b"-1e400",
    "1e308": b"1e308",
    "1e3": b"1e3",
    "20 digits": b"9" * 20,
    "400 digits": b"9" * 400,
}


@pytest.mark.parametrize(("cmd", "name"), NUMBERS)
@pytest.mark.parametrize("value", HUGE)
def test_a_huge_number(cmd: str, name: str, value: str) -> None:
    """A number of any size is valid JSON, so the request gets its own answer."""
    assert refused(cmd, raw(cmd, name, HUGE[value]))


@pytest.mark.parametrize("value", [b"9" * 5000, b"-" + b"9" * 5000])
def test_a_number_longer_than_python_reads(value: bytes) -> None:
    """5000 digits are as valid as 400, in a field that is read as in one that is not."""
    assert refused("MATCH_REQ", raw("MATCH_REQ", "accountId", value))
    assert decode(raw("MATCH_REQ", "unknown", value)) == c.Match(1000)


@pytest.mark.parametrize("value", HUGE)
def test_a_huge_number_in_an_unknown_field(value: str) -> None:
    """What is in a field that nobody reads is nobody's concern."""
    assert decode(raw("MATCH_REQ", "unknown", HUGE[value])) == c.Match(1000)


@pytest.mark.parametrize(("cmd", "name"), NUMBERS)
def test_the_range_of_a_number(cmd: str, name: str) -> None:
    """2^53-1 is the largest; 0 is no id, and only as ``seq`` of a reconnect a number."""
    assert not refused(cmd, frame(cmd, **{name: MOST}))
    assert not refused(cmd, frame(cmd, **{name: 1}))
    assert refused(cmd, frame(cmd, **{name: 0})) != ((cmd, name) == ("RECONNECT_REQ", "seq"))


@pytest.mark.parametrize(("cmd", "name"), FLAGS)
@pytest.mark.parametrize("value", [0, 1, "true", "", "false"])
def test_what_is_no_flag(cmd: str, name: str, value: object) -> None:
    """A flag is true or false."""
    assert refused(cmd, frame(cmd, **{name: value}))


@pytest.mark.parametrize(("cmd", "name"), [*TEXTS, ("CRT_ACCOUNT_REQ", "nickName")])
@pytest.mark.parametrize("value", [0, 1, True, False])
def test_what_is_no_text(cmd: str, name: str, value: object) -> None:
    """A number is no text."""
    assert refused(cmd, frame(cmd, **{name: value}))


@pytest.mark.parametrize(("place", "most"), TEXTS.items())
@pytest.mark.parametrize("letter", ["a", "é", "字", "😀", "\0", " ", "\u2028", '"'])
def test_the_length_of_a_text(place: tuple[str, str], most: int, letter: str) -> None:
    """Characters are code points: one is enough, the most pass, one more does not, none does not."""
    cmd, name = place
    for size, is_refused in ((0, True), (1, False), (most, False), (most + 1, True)):
        assert refused(cmd, frame(cmd, **{name: letter * size})) == is_refused


LONE = [rb'"\ud800"', rb'"\udfff"', rb'"a\udc00b"', rb'"\ude00\ud83d"', rb'"\ud83d\ud83d\ude00"']


@pytest.mark.parametrize("place", [*TEXTS, ("CRT_ACCOUNT_REQ", "nickName")])
@pytest.mark.parametrize("value", LONE)
def test_half_of_a_surrogate_pair(place: tuple[str, str], value: bytes) -> None:
    """It has no JSON text that every client could read: code 1 rather than a changed content."""
    assert refused(place[0], raw(*place, value))


@pytest.mark.parametrize("cmd", VALID)
@pytest.mark.parametrize("value", LONE)
def test_half_of_a_surrogate_pair_elsewhere(cmd: str, value: bytes) -> None:
    """In an unknown field, or as its name, it changes nothing."""
    assert decode(raw(cmd, "unknown", value)) == READ[cmd]
    lone_name = raw(cmd, "unknown", b"1").replace(b'"unknown"', value)
    assert decode(lone_name) == READ[cmd]


def test_a_whole_surrogate_pair_in_escapes() -> None:
    r"""😀 written as \ud83d\ude00 is one character."""
    read = decode(raw("DIALOGUE_REQ", "content", rb'"\ud83d\ude00"'))
    assert isinstance(read, c.Dialogue)
    assert read.content == "😀"


@pytest.mark.parametrize(
    ("given", "nick"),
    [
        ("", ""),
        ("   ", ""),
        ("\t\n \u3000\u00a0", ""),
        ("  Ann \n", "Ann"),
        ("Ann  Lee", "Ann  Lee"),
        ("a" * 29, "a" * 29),
        ("a" * 30, "a" * 30),
        ("a" * 31, "a" * 30),
        ("😀" * 31, "😀" * 30),
        (" " * 40 + "a" * 40, "a" * 30),
        ("x" * 10_000, "x" * 30),
        ("<b>&\"'\0", "<b>&\"'\0"),
    ],
)
def test_a_nickname(given: str, nick: str) -> None:
    """It is trimmed, cut to 30 code points, and otherwise left as it is."""
    assert decode(frame("CRT_ACCOUNT_REQ", nickName=given)) == c.Create(nick)


@pytest.mark.parametrize("name", ["msgId", "MsgId"])
def test_both_spellings_of_msg_id(name: str) -> None:
    """Older clients write ``MsgId``."""
    fields = {"cmd": "VIEWED_ACK_REQ", "accountId": 1000, "sessionId": 2000, name: 3}
    assert decode(json.dumps(fields).encode()) == c.Viewed(1000, 2000, 3)


def test_the_present_spelling_of_msg_id_wins() -> None:
    """With both, ``msgId`` counts; where it is wrong the other does not stand in."""
    assert decode(frame("VIEWED_ACK_REQ", MsgId=9)) == c.Viewed(1000, 2000, 3)
    assert refused("VIEWED_ACK_REQ", frame("VIEWED_ACK_REQ", msgId="3", MsgId=9))


def test_of_a_key_given_twice_the_last_counts() -> None:
    """For the command as for its fields, right or wrong."""
    assert decode(b'{"cmd":"PING_REQ","accountId":1,"accountId":2}') == c.Ping(2)
    assert decode(b'{"cmd":"PING_REQ","cmd":"MATCH_REQ","accountId":1}') == c.Match(1)
    assert refused("MATCH_REQ", b'{"cmd":"MATCH_REQ","accountId":1,"accountId":"x"}')
    assert decode(rb'{"x":"\ud800","cmd":"MATCH_REQ","accountId":1,"accountId":2}') == c.Match(2)
