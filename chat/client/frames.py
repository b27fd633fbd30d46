"""Frames as JSON objects, and what has to be in them: the only place of the client that knows JSON."""

import json
from typing import Any

import orjson

from chat.client.events import PARAM_ERR, ClientError, Refused

Frame = dict[str, Any]

REQUEST_BYTES = 10_240
"""A node closes the connection on a longer one, and it would be repeated for ever."""


class Malformed(ClientError):
    """A node sent something that the protocol does not know. Names the field, never its content."""


def encode(command: str, fields: Frame) -> bytes:
    """What no node would take is refused here: there it would close the connection, each time."""
    try:
        data = orjson.dumps({"cmd": command, **fields})
    except orjson.JSONEncodeError as error:
        raise Refused(PARAM_ERR, command, reason=f"{command} is no JSON: {error}") from error
    if len(data) > REQUEST_BYTES:
        raise Refused(PARAM_ERR, command, reason=f"{command} is longer than a node takes")
    return data


def decode(data: bytes) -> Frame:
    try:
        frame = _parse(data)
    except (ValueError, RecursionError) as error:
        raise Malformed("it is not JSON") from error
    if not isinstance(frame, dict):
        raise Malformed("it is no object")
    return frame


def _parse(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        # orjson does not take the escape of half a surrogate pair, which a node may pass on.
        return json.loads(data)


def integer(frame: Frame, key: str) -> int:
    value = frame.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Malformed(f"{key} is no integer")


def text(frame: Frame, key: str) -> str:
    value = frame.get(key)
    if isinstance(value, str):
        return value
    raise Malformed(f"{key} is no string")


def members(frame: Frame, key: str) -> Frame:
    value = frame.get(key)
    if isinstance(value, dict):
        return value
    raise Malformed(f"{key} is no object")
