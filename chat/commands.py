"""What a client may say, as typed values: ``protocol.decode`` makes them, ``handlers`` act on them.

Every limit has been checked when one of these exists. ``account`` is who the client says it is;
whether that is true is the handlers' first question.
"""

from dataclasses import dataclass


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


@dataclass(slots=True)
class Dialogue:
    """DIALOGUE_REQ: ``content`` is the JSON text of the content, as the push will carry it."""

    account: int
    session: int
    request_id: str
    content: bytes
    retry: bool


@dataclass(slots=True)
class Viewed:
    account: int
    session: int
    msg: int


@dataclass(slots=True)
class Typing:
    account: int
    session: int
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


@dataclass(slots=True)
class PushAnswer:
    """An answer to a push: everything up to ``seq`` has arrived."""

    seq: int


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
