"""Frames to typed commands: every limit of the protocol is checked here, and nowhere again."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from chat.commands import (
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


def _json_text(value: str, name: str) -> bytes:
    """Half of a surrogate pair has no JSON text that every client could read."""
    try:
        return orjson.dumps(value)
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
        return json.loads(frame.decode(), parse_constant=_no_constant, parse_int=_integer)
    except (ValueError, RecursionError):
        return None


def _integer(digits: str) -> float:
    """Python refuses to read integers of thousands of digits; none that long is within a limit."""
    return int(digits) if len(digits) < 20 else float(digits)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
