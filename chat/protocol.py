"""Frames to typed commands and back: the only place of the node that knows JSON.

``decode`` checks every limit of the protocol, so that what it returns needs no further look;
the ``*_resp`` functions write the answers. Pushes are not written here: they are numbered and
recorded in one step, so the function library writes them (``store/functions.lua``).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from chat.commands import (
    CMD_OF,
    Command,
    Create,
    Dialogue,
    Ignored,
    Leave,
    Malformed,
    Match,
    MatchCancel,
    Ping,
    Pong,
    PushAnswer,
    Reconnect,
    Typing,
    Viewed,
)

MAX_ID = 2**53 - 1
"""Ids and numbers are JSON integers that a browser holds exactly."""
MAX_NICK = 30
MAX_CONTENT = 2000
MAX_REQUEST_ID = 100
MAX_TOKEN = 200
MAX_REF = 100
"""Characters of an unknown ``cmd`` that an error repeats."""


class _Bad(Exception):
    """A field is missing, of the wrong type, empty or too long."""


Fields = Mapping[str, Any]


def _number(fields: Fields, name: str, least: int = 1) -> int:
    value = fields.get(name)
    if type(value) is not int or not least <= value <= MAX_ID:
        raise _Bad(name)
    return value


def _text(fields: Fields, name: str, most: int) -> str:
    value = fields.get(name)
    if type(value) is not str or not 0 < len(value) <= most:
        raise _Bad(name)
    return value


def _flag(fields: Fields, name: str) -> bool:
    value = fields.get(name)
    if type(value) is not bool:
        raise _Bad(name)
    return value


def _create(fields: Fields) -> Create:
    nick = fields.get("nickName", "")
    if type(nick) is not str:
        raise _Bad("nickName")
    nick = nick.strip()[:MAX_NICK]
    _json_text(nick, "nickName")
    return Create(nick)


def _reconnect(fields: Fields) -> Reconnect:
    token = _text(fields, "token", MAX_TOKEN)
    _json_text(token, "token")
    seq = _number(fields, "seq", least=0) if "seq" in fields else None
    return Reconnect(_number(fields, "accountId"), token, seq)


def _dialogue(fields: Fields) -> Dialogue:
    request_id = _text(fields, "requestId", MAX_REQUEST_ID)
    _json_text(request_id, "requestId")
    content = _json_text(_text(fields, "content", MAX_CONTENT), "content")
    retry = _flag(fields, "retry") if "retry" in fields else False
    return Dialogue(
        _number(fields, "senderId"), _number(fields, "sessionId"), request_id, content, retry
    )


def _viewed(fields: Fields) -> Viewed:
    name = "msgId" if "msgId" in fields else "MsgId"  # older clients spell it MsgId
    return Viewed(_number(fields, "accountId"), _number(fields, "sessionId"), _number(fields, name))


def _typing(fields: Fields) -> Typing:
    return Typing(
        _number(fields, "accountId"), _number(fields, "sessionId"), _flag(fields, "typing")
    )


def _leave(fields: Fields) -> Leave:
    return Leave(_number(fields, "accountId"), _number(fields, "sessionId"))


def json_text(value: str) -> bytes:
    """The JSON text of a string, as a frame carries it."""
    return orjson.dumps(value)


def _json_text(value: str, name: str) -> bytes:
    """Half of a surrogate pair has no JSON text that every client could read."""
    try:
        return json_text(value)
    except orjson.JSONEncodeError:
        raise _Bad(name) from None


_Read = Callable[[Fields], Command]

_REQUESTS: dict[str, _Read] = {
    "DIALOGUE_REQ": _dialogue,
    "VIEWED_ACK_REQ": _viewed,
    "TYPING_REQ": _typing,
    "MATCH_REQ": lambda fields: Match(_number(fields, "accountId")),
    "MATCH_CANCEL_REQ": lambda fields: MatchCancel(_number(fields, "accountId")),
    "LEAVE_REQ": _leave,
    "CRT_ACCOUNT_REQ": _create,
    "RECONNECT_REQ": _reconnect,
    "PING_REQ": lambda fields: Ping(_number(fields, "accountId")),
}

_ANSWERS: dict[str, _Read] = {
    "PING_RESP": lambda fields: Pong(_number(fields, "accountId")),
    "PUSH_DIALOGUE_RESP": lambda fields: PushAnswer(_number(fields, "seq")),
    "PUSH_SIGNAL_RESP": lambda fields: PushAnswer(_number(fields, "seq")),
    "PUSH_VIEWED_ACK_RESP": lambda fields: PushAnswer(_number(fields, "seq")),
}


def decode(frame: bytes) -> Command | Malformed:
    """Reads one text frame, already known to be valid UTF-8 and within the size limit.

    Never raises: what is no command comes back as ``Malformed`` (or ``Ignored``, for a malformed
    answer to a push). Unknown fields are ignored; of a key given twice the last counts.
    """
    fields = _parse(frame)
    if type(fields) is not dict:
        return Malformed(None, why="not a JSON object")
    cmd = fields.get("cmd")
    if type(cmd) is not str:
        return Malformed(None, why="cmd is missing or not a string")
    if (read := _REQUESTS.get(cmd)) is not None:
        return _request(cmd, read, fields)
    if (read := _ANSWERS.get(cmd)) is not None:
        return _answer(read, fields)
    return Malformed(None, cmd, why="unknown cmd")


def _request(cmd: str, read: _Read, fields: Fields) -> Command | Malformed:
    try:
        return read(fields)
    except _Bad as bad:
        request_id = fields.get("requestId") if cmd == "DIALOGUE_REQ" else None
        if type(request_id) is not str:
            request_id = None
        return Malformed(cmd.removesuffix("_REQ"), cmd, request_id, f"{bad} cannot be used")


def _answer(read: _Read, fields: Fields) -> Command:
    try:
        return read(fields)
    except _Bad:
        return Ignored()


def _parse(frame: bytes) -> Any:
    try:
        return orjson.loads(frame)
    except orjson.JSONDecodeError:
        return _parse_strange(frame)


def _parse_strange(frame: bytes) -> Any:
    """JSON that is well formed but beyond orjson: lone surrogate escapes, numbers like 1e400."""
    try:
        return json.loads(frame, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _dump(fields: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields)
    except orjson.JSONEncodeError:  # a lone surrogate that the client sent and gets back
        return json.dumps(fields, separators=(",", ":")).encode()


def refused(command: Command | Malformed, code: int, retry_after_ms: int | None = None) -> bytes:
    """The answer to what is not done: the request's own, or ERROR_RESP where it has none with a code.

    ``retry_after_ms`` goes with code 6 alone.
    """
    fields: dict[str, Any]
    name = command.cmd if isinstance(command, Malformed) else CMD_OF[type(command)]
    if name is None or name == "PING":
        why, ref = (
            (command.why, command.ref)
            if isinstance(command, Malformed)
            else ("refused", "PING_REQ")
        )
        fields = {"cmd": "ERROR_RESP", "code": code, "msg": why}
        if ref is not None:
            fields["ref"] = ref[:MAX_REF]
    else:
        fields = {"cmd": f"{name}_RESP", "code": code}
        if isinstance(command, Dialogue | Malformed) and command.request_id is not None:
            fields["requestId"] = command.request_id
    if retry_after_ms is not None:
        fields["retryAfterMs"] = retry_after_ms
    return _dump(fields)


def done_resp(cmd: str) -> bytes:
    """Success of a request whose answer carries nothing else."""
    return b'{"cmd":"%s_RESP","code":0}' % cmd.encode()


def create_resp(nick: str, account: int, token: str) -> bytes:
    return _dump(
        {
            "cmd": "CRT_ACCOUNT_RESP",
            "code": 0,
            "nickName": nick,
            "accountId": account,
            "token": token,
        }
    )


def reconnect_resp(nick: bytes, recovered: bool, waiting: bool, sessions: Sequence[Any]) -> bytes:
    """``nick`` and the partners' names are JSON texts; ``sessions`` is flat: id, partner, name, ..."""
    open_sessions = zip(sessions[::3], sessions[1::3], sessions[2::3], strict=True)
    return orjson.dumps(
        {
            "cmd": "RECONNECT_RESP",
            "code": 0,
            "nickName": orjson.Fragment(nick),
            "recovered": recovered,
            "waiting": waiting,
            "sessions": [
                {"sessionId": session, "partnerId": partner, "partnerName": orjson.Fragment(name)}
                for session, partner, name in open_sessions
            ],
        }
    )


def match_resp(partner: int, nick: bytes, session: int) -> bytes:
    """``nick`` is the partner's name as JSON text."""
    return b'{"cmd":"MATCH_RESP","code":0,"partnerId":%d,"partnerName":%b,"sessionId":%d}' % (
        partner,
        nick,
        session,
    )


def dialogue_resp(request_id: str, msg: int) -> bytes:
    return b'{"cmd":"DIALOGUE_RESP","code":0,"requestId":%b,"msgId":%d}' % (
        orjson.dumps(request_id),
        msg,
    )


def ping_req(account: int) -> bytes:
    return b'{"cmd":"PING_REQ","accountId":%d}' % account


def ping_resp(account: int) -> bytes:
    return b'{"cmd":"PING_RESP","accountId":%d}' % account


def seq_of(push: bytes) -> int:
    """The delivery number of a push, 0 where it has none (typing is never stored).

    The library writes ``seq`` last, so this looks at the end of the frame and parses nothing.
    """
    if push[-2] == 0x7D:  # two closing braces: the frame ends with its data, not with a number
        return 0
    return int(push[push.rindex(b":") + 1 : -1])
