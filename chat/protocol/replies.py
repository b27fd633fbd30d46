"""The answers of a node, as the frames that go out.

Pushes are not written here: they are numbered and recorded in one step, so the function library writes
them (``store/functions.lua``).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from chat.commands import CMD_OF, Command, Dialogue, Malformed
from chat.errors import Code

WHY: dict[int, str] = {
    Code.NOT_ALLOWED: "the socket is not that account",
    Code.RATE_LIMITED: "too many commands",
}
"""What an error says to people, where the frame itself is not to blame."""


json_text: Callable[[str], bytes] = orjson.dumps
"""The JSON text of a string, as a frame carries it."""


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
        if isinstance(command, Malformed):
            why, ref = WHY.get(code, command.why), command.ref
        else:
            why, ref = WHY.get(code, "refused"), "PING_REQ"
        fields = {"cmd": "ERROR_RESP", "code": code, "msg": why}
        if ref is not None:
            fields["ref"] = ref
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


def dialogue_resp(request_id: bytes, msg: int) -> bytes:
    """``request_id`` as JSON text."""
    return b'{"cmd":"DIALOGUE_RESP","code":0,"requestId":%b,"msgId":%d}' % (request_id, msg)


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
