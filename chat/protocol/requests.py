"""Frames to typed commands: every limit of the protocol is checked here, and nowhere again."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from msgspec import DecodeError
from msgspec.json import Decoder

from chat.commands import (
    MAX_CONTENT,
    MAX_ID,
    MAX_REQUEST_ID,
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
    SignalAnswer,
    Typing,
    Viewed,
    ViewedAnswer,
)

MAX_NICK = 30
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
    _has_json_text(nick, "nickName")
    return Create(nick)


def _reconnect(fields: Fields) -> Reconnect:
    token = _text(fields, "token", MAX_TOKEN)
    _has_json_text(token, "token")
    seq = _number(fields, "seq", least=0) if "seq" in fields else None
    return Reconnect(_number(fields, "accountId"), token, seq)


def _dialogue(fields: Fields) -> Dialogue:
    request_id = _text(fields, "requestId", MAX_REQUEST_ID)
    content = _text(fields, "content", MAX_CONTENT)
    _has_json_text(request_id, "requestId")
    _has_json_text(content, "content")
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


def _has_json_text(value: str, name: str) -> None:
    """Half of a surrogate pair has none that every client could read."""
    try:
        orjson.dumps(value)
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
    "PUSH_SIGNAL_RESP": lambda fields: SignalAnswer(_number(fields, "seq")),
    "PUSH_VIEWED_ACK_RESP": lambda fields: ViewedAnswer(_number(fields, "seq")),
}

_READ = _REQUESTS | _ANSWERS

_often = Decoder(Dialogue | Viewed | Typing | PushAnswer | SignalAnswer | ViewedAnswer).decode


def decode(frame: bytes) -> Command | Malformed:
    """Reads one text frame, already known to be valid UTF-8 and within the size limit.

    Never raises: what is no command comes back as ``Malformed`` (or ``Ignored``, for a malformed
    answer to a push). Unknown fields are ignored; of a key given twice the last counts.
    """
    try:
        command: Command = _often(frame)
        return command
    except (DecodeError, RecursionError, UnicodeDecodeError):
        return decode_any(frame)


def decode_any(frame: bytes) -> Command | Malformed:
    """Whatever it is: what is said seldom, and what is wrong."""
    fields = _parse(frame)
    if type(fields) is not dict:
        return Malformed(None, why="not a JSON object")
    cmd = fields.get("cmd")
    if type(cmd) is not str:
        return Malformed(None, why="cmd is missing or not a string")
    read = _READ.get(cmd)
    if read is None:
        return Malformed(None, cmd, why="unknown cmd")
    try:
        return read(fields)
    except _Bad as bad:
        return Ignored() if cmd in _ANSWERS else _malformed(cmd, fields, bad)


def _malformed(cmd: str, fields: Fields, bad: _Bad) -> Malformed:
    request_id = fields.get("requestId") if cmd == "DIALOGUE_REQ" else None
    if type(request_id) is not str:
        request_id = None
    return Malformed(cmd.removesuffix("_REQ"), cmd, request_id, f"{bad} cannot be used")


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
