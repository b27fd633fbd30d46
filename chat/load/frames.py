"""Frames as cheap as they can be: written by ``%``, known by their first bytes, parsed where that pays.

``chat/client/frames.py`` is the readable way; here a message may cost some microseconds, all of it.
"""

from typing import Any

import orjson

TEXT = "What have you been up to, all these years? I have missed our long walks by the sea."
"""What everybody says, after a number."""

CONFIRMED = b'{"cmd":"DIALOGUE_RESP","code":0,"requestId":"'
PUSHED = b'{"cmd":"PUSH_DIALOGUE_REQ",'
_CONFIRMED_LENGTH = len(CONFIRMED)

CREATE = b'{"cmd":"CRT_ACCOUNT_REQ","nickName":"Load"}'


class Malformed(Exception):
    """A node sent what the protocol does not know."""


class Form:
    """The messages of one person in one session: all but the number is written once."""

    __slots__ = ("_again", "_once")

    def __init__(self, account: int, session: int, text: str = TEXT) -> None:
        """``text`` must not have characters that JSON escapes."""
        head = b'{"cmd":"DIALOGUE_REQ","senderId":%d,"sessionId":%d,' % (account, session)
        body = b'"requestId":"%%d","content":"%%d %b"' % text.encode().replace(b"%", b"%%")
        self._once = head + body + b"}"
        self._again = head + body + b',"retry":true}'

    def message(self, number: int) -> bytes:
        """The number is its requestId, and begins its content."""
        return self._once % (number, number)

    def repeated(self, number: int) -> bytes:
        return self._again % (number, number)


def confirmed(payload: bytes) -> int:
    """The number of the message that this answer, which begins with CONFIRMED, is about."""
    try:
        return int(payload[_CONFIRMED_LENGTH : payload.index(b'"', _CONFIRMED_LENGTH)])
    except ValueError as error:
        raise Malformed("a requestId that nobody sent") from error


def parse(payload: bytes) -> dict[str, object]:
    """A whole frame. Raises Malformed where it is no JSON object."""
    try:
        told = orjson.loads(payload)
    except ValueError as error:
        raise Malformed("it is not JSON") from error
    if not isinstance(told, dict):
        raise Malformed("it is no object")
    return told


def pushed(payload: bytes) -> tuple[int, int, int, int, str]:
    """Of a PUSH_DIALOGUE_REQ: session, sender, seq, the number of the message, and the rest of its text.
    The number is 0 for a text that does not begin with one."""
    try:
        told = orjson.loads(payload)
        number, _, text = told["content"].partition(" ")
        seq = told["seq"]
        return (
            told["sessionId"],
            told["senderId"],
            seq,
            int(number) if number.isdigit() else 0,
            text,
        )
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Malformed("a message without its fields") from error


def integer(told: dict[str, object], key: str) -> int:
    """A field that must be there. Raises Malformed."""
    value = told.get(key)
    if isinstance(value, int):
        return value
    raise Malformed(f"{key} is no integer")


def sessions(told: dict[str, Any]) -> dict[int, int]:
    """The partners of a RECONNECT_RESP by their sessions, in its order. Raises Malformed."""
    try:
        return {int(entry["sessionId"]): int(entry["partnerId"]) for entry in told["sessions"]}
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed("no list of sessions") from error


def reconnect(account: int, token: bytes, seq: int) -> bytes:
    """``token`` is JSON text, quotes and all."""
    return b'{"cmd":"RECONNECT_REQ","accountId":%d,"token":%b,"seq":%d}' % (account, token, seq)


def match(account: int) -> bytes:
    return b'{"cmd":"MATCH_REQ","accountId":%d}' % account


def leave(account: int, session: int) -> bytes:
    return b'{"cmd":"LEAVE_REQ","accountId":%d,"sessionId":%d}' % (account, session)


def acknowledge(seq: int) -> bytes:
    """Everything up to that push has arrived."""
    return b'{"cmd":"PUSH_DIALOGUE_RESP","seq":%d}' % seq


def pong(account: int) -> bytes:
    return b'{"cmd":"PING_RESP","accountId":%d}' % account
