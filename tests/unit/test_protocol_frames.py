"""``protocol``: what is no command at all, the replies, and the number of a push."""

import json
from typing import Any

import pytest

from chat import commands as c
from chat import protocol
from chat.errors import Code
from chat.protocol import decode

NO_OBJECT = {
    "nothing": b"",
    "a blank": b" \n",
    "a word": b"hello",
    "an object cut short": b'{"cmd":"MATCH_REQ"',
    "a comma too many": b'{"cmd":"MATCH_REQ","accountId":1,}',
    "single quotes": b"{'cmd':'MATCH_REQ','accountId':1}",
    "a comment": b'{"cmd":"MATCH_REQ","accountId":1}//',
    "two objects": b'{"cmd":"MATCH_REQ","accountId":1}{}',
    "a line break in a text": b'{"cmd":"MATCH_REQ","x":"\n","accountId":1}',
    "a leading zero": b'{"cmd":"MATCH_REQ","accountId":01}',
    "a plus sign": b'{"cmd":"MATCH_REQ","accountId":+1}',
    "hexadecimal": b'{"cmd":"MATCH_REQ","accountId":0x1}',
    "NaN": b'{"cmd":"MATCH_REQ","accountId":NaN}',
    "Infinity": b'{"cmd":"MATCH_REQ","accountId":1,"x":Infinity}',
    "minus Infinity": b'{"cmd":"MATCH_REQ","accountId":1,"x":-Infinity}',
    "a byte order mark": b'\xef\xbb\xbf{"cmd":"MATCH_REQ","accountId":1}',
    "UTF-16": '{"cmd":"MATCH_REQ","accountId":1}'.encode("utf-16-le"),
    "UTF-32": '{"cmd":"MATCH_REQ","accountId":1}'.encode("utf-32-be"),
    "null": b"null",
    "true": b"true",
    "a number": b"42",
    "a huge number": b"1e400",
    "a text": b'"MATCH_REQ"',
    "a lone surrogate": rb'"\ud800"',
    "an empty array": b"[]",
    "an array": b'[{"cmd":"MATCH_REQ","accountId":1}]',
    "deep arrays": b"[" * 5000 + b"]" * 5000,
    "deep arrays cut short": b"[" * 10_000,
    "deep objects": b'{"a":' * 1700 + b"1" + b"}" * 1700,
    "a deep unknown field": b'{"cmd":"MATCH_REQ","accountId":1,"x":%b%b}'
    % (b"[" * 4000, b"]" * 4000),
}


@pytest.mark.parametrize("kind", NO_OBJECT)
def test_what_is_no_json_object(kind: str) -> None:
    """It has no answer of its own, and no name to repeat."""
    read = decode(NO_OBJECT[kind])
    assert isinstance(read, c.Malformed)
    assert (read.cmd, read.ref, read.request_id) == (None, None, None)
    answer = json.loads(protocol.refused(read, Code.PARAM))
    assert answer == {"cmd": "ERROR_RESP", "code": 1, "msg": read.why}


def test_moderate_nesting_is_no_fault() -> None:
    """What any parser takes is not refused, however strange."""
    nested = b"[" * 100 + b"]" * 100
    assert decode(b'{"cmd":"MATCH_REQ","accountId":1,"x":%b}' % nested) == c.Match(1)
    odd = rb'{"cmd":"MATCH_REQ","accountId":1,"y":"\ud800","x":%b}' % nested
    assert decode(odd) == c.Match(1)


@pytest.mark.parametrize("cmd", [None, 1, True, 1.5, [], ["MATCH_REQ"], {}])
def test_a_cmd_that_is_no_text(cmd: object) -> None:
    """``ref`` repeats a text only."""
    read = decode(json.dumps({"cmd": cmd, "accountId": 1}).encode())
    assert isinstance(read, c.Malformed)
    assert set(json.loads(protocol.refused(read, 1))) == {"cmd", "code", "msg"}


@pytest.mark.parametrize(
    "cmd", ["", "X", "match_req", "MATCH_REQ ", "MATCH", "_REQ", "MATCH_RESP", "PUSH_DIALOGUE_REQ"]
)
def test_an_unknown_cmd(cmd: str) -> None:
    """The error repeats what the frame called itself."""
    read = decode(json.dumps({"cmd": cmd}).encode())
    assert isinstance(read, c.Malformed)
    answer = json.loads(protocol.refused(read, 1))
    assert (answer["cmd"], answer["code"], answer["ref"]) == ("ERROR_RESP", 1, cmd)


@pytest.mark.parametrize(("cmd", "ref"), [(r"\ud800", "\ud800"), ("x" * 9000, "x" * 9000)])
def test_an_unknown_cmd_that_is_strange(cmd: str, ref: str) -> None:
    """Half of a surrogate pair comes back as it came, and a long name whole."""
    read = decode(b'{"cmd":"%b"}' % cmd.encode())
    assert json.loads(protocol.refused(read, 1))["ref"] == ref


REQUESTS: dict[str, c.Command] = {
    "CRT_ACCOUNT": c.Create("x"),
    "RECONNECT": c.Reconnect(1, "t", None),
    "MATCH": c.Match(1),
    "MATCH_CANCEL": c.MatchCancel(1),
    "VIEWED_ACK": c.Viewed(1, 2, 3),
    "TYPING": c.Typing(1, 2, True),
    "LEAVE": c.Leave(1, 2),
}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 7])
def test_a_refusal_has_cmd_and_code_only(name: str, code: int) -> None:
    """Whether the request was read or not."""
    expected = {"cmd": f"{name}_RESP", "code": code}
    assert json.loads(protocol.refused(REQUESTS[name], code)) == expected
    assert json.loads(protocol.refused(c.Malformed(name, f"{name}_REQ"), code)) == expected


@pytest.mark.parametrize(
    "fields", [{}, {"senderId": "x"}, {"content": ""}, {"content": "x" * 3000}]
)
def test_a_refused_message_has_its_request_id(fields: dict[str, Any]) -> None:
    """So that the client knows which of its messages it was."""
    message = {"cmd": "DIALOGUE_REQ", "requestId": "r1", "senderId": 1, "sessionId": 2, **fields}
    read = decode(json.dumps(message).encode())
    expected = {"cmd": "DIALOGUE_RESP", "code": 1, "requestId": "r1"}
    assert json.loads(protocol.refused(read, 1)) == expected


@pytest.mark.parametrize("request_id", [r'""', '"%s"' % ("r" * 101), r'"\ud800"', r'"a\"b"'])
def test_a_request_id_comes_back_as_it_came(request_id: str) -> None:
    """Also one that is the very reason for the refusal."""
    read = decode(b'{"cmd":"DIALOGUE_REQ","requestId":%b}' % request_id.encode())
    assert json.loads(protocol.refused(read, 1))["requestId"] == json.loads(request_id)


@pytest.mark.parametrize("request_id", [1, None, True, ["r"], {}])
def test_a_request_id_that_is_no_text_is_not_repeated(request_id: object) -> None:
    """A client gets nothing back that is of another type than it must be."""
    read = decode(json.dumps({"cmd": "DIALOGUE_REQ", "requestId": request_id}).encode())
    assert json.loads(protocol.refused(read, 1)) == {"cmd": "DIALOGUE_RESP", "code": 1}


def test_only_a_message_has_a_request_id() -> None:
    """Another command's ``requestId`` is an unknown field."""
    read = decode(b'{"cmd":"MATCH_REQ","requestId":"r"}')
    assert json.loads(protocol.refused(read, 1)) == {"cmd": "MATCH_RESP", "code": 1}


def test_when_to_try_again() -> None:
    """``retryAfterMs`` stands in the request's own answer, or in the error."""
    dialogue = c.Dialogue(1, 2, "r", "x", False)
    assert json.loads(protocol.refused(dialogue, 6, 250)) == {
        "cmd": "DIALOGUE_RESP", "code": 6, "requestId": "r", "retryAfterMs": 250,
    }  # fmt: skip
    unknown = json.loads(protocol.refused(c.Malformed(None, "X", why="unknown cmd"), 6, 250))
    assert (unknown["cmd"], unknown["code"], unknown["retryAfterMs"]) == ("ERROR_RESP", 6, 250)


@pytest.mark.parametrize("ping", [c.Ping(1), c.Malformed("PING", "PING_REQ", why="no id")])
def test_a_refused_ping_gets_an_error(ping: c.Ping | c.Malformed) -> None:
    """``PING_RESP`` has no code."""
    answer = json.loads(protocol.refused(ping, 5))
    assert (answer["cmd"], answer["code"], answer["ref"]) == ("ERROR_RESP", 5, "PING_REQ")


def test_the_answers() -> None:
    """Each has the fields of the protocol and no others."""
    name = protocol.json_text('A"ñ😀')
    assert json.loads(protocol.done_resp("LEAVE")) == {"cmd": "LEAVE_RESP", "code": 0}
    assert json.loads(protocol.create_resp('A"', 1000, "t")) == {
        "cmd": "CRT_ACCOUNT_RESP", "code": 0, "nickName": 'A"', "accountId": 1000, "token": "t",
    }  # fmt: skip
    assert json.loads(protocol.match_resp(1000, name, 2000)) == {
        "cmd": "MATCH_RESP", "code": 0, "partnerId": 1000, "partnerName": 'A"ñ😀', "sessionId": 2000,
    }  # fmt: skip
    assert json.loads(protocol.dialogue_resp(protocol.json_text('r"\n'), 3)) == {
        "cmd": "DIALOGUE_RESP", "code": 0, "requestId": 'r"\n', "msgId": 3,
    }  # fmt: skip
    assert json.loads(protocol.ping_req(1000)) == {"cmd": "PING_REQ", "accountId": 1000}
    assert json.loads(protocol.ping_resp(1000)) == {"cmd": "PING_RESP", "accountId": 1000}
    assert json.loads(protocol.reconnect_resp(name, True, False, [1, 2, b'"B"', 3, 4, name])) == {
        "cmd": "RECONNECT_RESP", "code": 0, "nickName": 'A"ñ😀', "recovered": True, "waiting": False,
        "sessions": [
            {"sessionId": 1, "partnerId": 2, "partnerName": "B"},
            {"sessionId": 3, "partnerId": 4, "partnerName": 'A"ñ😀'},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("push", "seq"),
    [
        (b'{"cmd":"PUSH_DIALOGUE_REQ","content":"x","seq":1}', 1),
        (b'{"cmd":"PUSH_DIALOGUE_REQ","content":"}}","seq":9007199254740991}', 2**53 - 1),
        (b'{"cmd":"PUSH_DIALOGUE_REQ","content":",\\"seq\\":7}","seq":12}', 12),
        (b'{"cmd":"PUSH_SIGNAL_REQ","data":{"accountId":1},"seq":34}', 34),
        (b'{"cmd":"PUSH_SIGNAL_REQ","data":{"accountId":1,"typing":true}}', 0),
    ],
)
def test_the_number_of_a_push(push: bytes, seq: int) -> None:
    """It is found at the end of the frame, whatever the content looks like."""
    assert protocol.seq_of(push) == seq
