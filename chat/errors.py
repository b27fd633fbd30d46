"""What can go wrong, by who has to act on it.

    ChatError
    ├── SettingsError      the operator mends a setting; shown in one line
    └── StoreUnreachable   the operator mends Redis or its address; shown in one line
        └── StoreForbidden     the operator mends the rights of the user there

Two kinds of outcome are no exceptions, because they are ordinary answers to a client:

* a *reply code*: the command was refused and the socket stays open (``Code``);
* a *close code*: the socket ends, and the number says whether to come back (``Close``).
"""

from enum import IntEnum


class ChatError(Exception):
    """Base of the errors that end a command of ours with one clear line."""


class SettingsError(ChatError):
    """A setting is unknown, malformed or out of its range."""


class StoreUnreachable(ChatError):
    """Redis cannot be reached, refuses the login, or is too old."""


class StoreForbidden(StoreUnreachable):
    """The user of Redis may not do what a node has to: it would be in vain to wait."""


class Code(IntEnum):
    """Reply codes, as docs/protocol.md lists them; those below zero are never sent.

    They are results of the store which mean that the socket does not hold its account (any more),
    so that it is closed instead of answered; or, the first two, that another pool has to be asked.
    """

    MOVED = -5
    """The account lives in another pool."""
    FULL = -4
    """The pool has no room for a new account."""

    OLDER = -3
    """The node saw what the data set does not know: Redis came back with an older one."""
    LOST = -2
    """The account is away or gone: the node was taken for dead."""
    REPLACED = -1
    """A newer socket holds the account."""
    SUCCESS = 0
    PARAM = 1
    INTERNAL = 2
    UNKNOWN = 3
    NO_DATA = 4
    NOT_ALLOWED = 5
    RATE_LIMITED = 6
    SESSION_CLOSED = 7


class Close(IntEnum):
    """Close codes: RFC 6455's where it has one, ours from 4001 on."""

    GOODBYE = 1000
    """The client's own: the account is given up at once, without grace."""
    GOING_AWAY = 1001
    """The node lets go of the socket: come back at once, elsewhere."""
    PROTOCOL = 1002
    UNSUPPORTED = 1003
    INVALID_TEXT = 1007
    POLICY = 1008
    TOO_BIG = 1009
    REPLACED = 4001
    """A newer connection holds the account: do not come back."""
    TOO_SLOW = 4002
    """More bytes waited for the socket than it may hold: come back."""
    BANNED = 4003
    NO_ACCOUNT = 4004
    """No account within the handshake time."""


def close_code(code: int) -> Close:
    """What a socket is closed with that does not hold its account: whether it may come back."""
    return Close.REPLACED if code == Code.REPLACED else Close.GOING_AWAY
