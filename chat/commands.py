"""What a client may say, as typed values: ``protocol.decode`` makes them, ``handlers`` act on them.

Every limit has been checked when one of these exists. ``account`` is who the client says it is;
whether that is true is the handlers' first question.

What is said all the time is a ``Struct``: msgspec reads such a frame, checks the limits that stand at its fields, and
makes the object in one go, in a third of the time of orjson and checks of our own. It is strict where the protocol is,
and what it does not take is looked at again, slowly (``protocol.requests``).
"""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

MAX_ID = 2**53 - 1
"""Ids and numbers are JSON integers that a browser holds exactly."""
MAX_CONTENT = 2000
MAX_REQUEST_ID = 100

Number = Annotated[int, Meta(ge=1, le=MAX_ID)]


@dataclass(slots=True)
class Create:
    """CRT_ACCOUNT_REQ: ``nick`` is trimmed and cut, and empty where the node is to choose one."""

    nick: str


@dataclass(slots=True)
class Reconnect:
    """RECONNECT_REQ: ``seq`` is the last push the client has, None where it does not say."""

    account: int
    token: str
    seq: int | None


@dataclass(slots=True)
class Match:
    account: int


@dataclass(slots=True)
class MatchCancel:
    account: int


class Dialogue(
    Struct, gc=False, tag_field="cmd", tag="DIALOGUE_REQ",
    rename={"account": "senderId", "session": "sessionId", "request_id": "requestId"},
):  # fmt: skip
    """DIALOGUE_REQ. Both texts have a JSON text: no half of a surrogate pair."""

    account: Number
    session: Number
    request_id: Annotated[str, Meta(min_length=1, max_length=MAX_REQUEST_ID)]
    content: Annotated[str, Meta(min_length=1, max_length=MAX_CONTENT)]
    retry: bool = False


class Viewed(
    Struct, gc=False, tag_field="cmd", tag="VIEWED_ACK_REQ",
    rename={"account": "accountId", "session": "sessionId", "msg": "msgId"},
):  # fmt: skip
    account: Number
    session: Number
    msg: Number


class Typing(
    Struct, gc=False, tag_field="cmd", tag="TYPING_REQ",
    rename={"account": "accountId", "session": "sessionId"},
):  # fmt: skip
    account: Number
    session: Number
    typing: bool


@dataclass(slots=True)
class Leave:
    account: int
    session: int


@dataclass(slots=True)
class Ping:
    """A client's own PING_REQ."""

    account: int


@dataclass(slots=True)
class Pong:
    """PING_RESP: answers the node's oldest open ping."""

    account: int


class PushAnswer(Struct, gc=False, tag_field="cmd", tag="PUSH_DIALOGUE_RESP"):
    """An answer to a push: everything up to ``seq`` has arrived."""

    seq: Number


class SignalAnswer(PushAnswer, gc=False, tag="PUSH_SIGNAL_RESP"):
    """The same, by another name."""


class ViewedAnswer(PushAnswer, gc=False, tag="PUSH_VIEWED_ACK_RESP"):
    """The same, by another name."""


@dataclass(slots=True)
class Ignored:
    """An answer that answers nothing (malformed, or an old client's without ``seq``)."""


@dataclass(slots=True)
class Malformed:
    """A frame that is no command.

    ``cmd`` is the request's name where it is known, and None where it is not; then ``ref`` repeats
    what the frame called itself.
    """

    cmd: str | None
    ref: str | None = None
    request_id: str | None = None
    why: str = ""


Command = (
    Create | Reconnect | Match | MatchCancel | Dialogue | Viewed | Typing | Leave
    | Ping | Pong | PushAnswer | Ignored
)  # fmt: skip

CMD_OF: dict[type, str] = {
    Create: "CRT_ACCOUNT",
    Reconnect: "RECONNECT",
    Match: "MATCH",
    MatchCancel: "MATCH_CANCEL",
    Dialogue: "DIALOGUE",
    Viewed: "VIEWED_ACK",
    Typing: "TYPING",
    Leave: "LEAVE",
    Ping: "PING",
}
"""The name of a request without its ``_REQ``, so that its answer is that name and ``_RESP``."""
