"""What a client tells those who use it: sessions, events, errors, and how long it waits for what.

ClientError
├── ConnectionFailed    no node could be reached, or none wanted this client
├── Refused             a node answered a request with a code that is not 0
├── MatchCancelled      ``cancel`` was called while ``match`` waited
└── Closed              the client has ended: by goodbye, replaced, banned, or by a crash
"""

from dataclasses import dataclass

SUCCESS = 0
PARAM_ERR = 1
INTERNAL_ERR = 2
UNKNOWN_ERR = 3
NO_DATA_FOUND = 4
RATE_LIMITED = 6
SESSION_CLOSED = 7

NORMAL = 1000
GOING_AWAY = 1001
ABNORMAL = 1006
REPLACED = 4001
BANNED = 4003


class ClientError(Exception):
    """All that a client raises by intention."""


class ConnectionFailed(ClientError):
    """Nobody is connected: look at the address, or try again later."""


class Refused(ClientError):
    """A node said no. ``code`` says why, ``retry_after_ms`` when to ask again (only with code 6)."""

    def __init__(
        self, code: int, command: str, retry_after_ms: int | None = None, reason: str = ""
    ) -> None:
        super().__init__(reason or f"{command} was refused with code {code}")
        self.code = code
        self.command = command
        self.retry_after_ms = retry_after_ms

    @property
    def again(self) -> bool:
        """Whether a later attempt to connect may be welcome."""
        return self.code in {INTERNAL_ERR, UNKNOWN_ERR, RATE_LIMITED}


class MatchCancelled(ClientError):
    """The wait for a stranger was given up."""


class Closed(ClientError):
    """The client has ended and stays so: make a new one. ``__cause__`` is the crash, if it was one."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a client waits, in seconds.

    The n-th attempt to reconnect waits a random time up to ``backoff_base * 2**n``, at most
    ``backoff_cap``. A connection that lived for ``stable`` starts that count anew; without this, a node
    that accepts and hangs up at once would be asked without a pause.
    """

    connect: float = 10.0
    """For the first connection, all its attempts together."""
    request: float = 10.0
    """For one answer, and for one attempt to connect. Later, the connection counts as lost."""
    quiet: float = 30.0
    """A node that says nothing for so long is pinged, and lost if it does not answer in time."""
    backoff_base: float = 0.5
    backoff_cap: float = 10.0
    stable: float = 5.0


@dataclass(frozen=True, slots=True)
class Session:
    """A talk with one partner."""

    id: int
    partner_id: int
    partner_name: str


@dataclass(frozen=True, slots=True)
class Matched:
    """A stranger was found. Comes before anything else of the session."""

    session: Session


@dataclass(frozen=True, slots=True)
class Message:
    """The partner wrote. ``content`` is untrusted: neutralise it before it is shown."""

    session: Session
    msg_id: int
    content: str


@dataclass(frozen=True, slots=True)
class Viewed:
    """The partner has read everything up to ``msg_id``."""

    session: Session
    msg_id: int


@dataclass(frozen=True, slots=True)
class Typing:
    """The partner began or stopped typing. A hint: it may be lost."""

    session: Session
    typing: bool


@dataclass(frozen=True, slots=True)
class PartnerAway:
    """The partner lost its connection and may come back. What is said meanwhile will reach it then."""

    session: Session


@dataclass(frozen=True, slots=True)
class PartnerBack:
    """The partner is back."""

    session: Session


@dataclass(frozen=True, slots=True)
class PartnerLeft:
    """The session has ended."""

    session: Session


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The connection is gone and the client is coming back. Calls wait meanwhile."""

    code: int
    """The close code, 1006 where none was said."""
    reason: str


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The same account is connected again. What was missed comes next."""

    recovered: bool
    """False: something that was sent to this account cannot be replayed."""
    waiting: bool
    """Whether the account is in the queue again."""
    sessions: tuple[Session, ...]
    """The sessions that are open now."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Pushes ``first`` to ``last`` did not arrive readable, even after the client asked for them again."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class AccountLost:
    """The connection is back, but the account was gone: this client is somebody new.

    A ``match`` that was waiting asks again by itself.
    """

    account_id: int
    """The account that is gone."""
    sessions: tuple[Session, ...]
    """They have ended."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """The account is used by a newer connection. The last event."""


@dataclass(frozen=True, slots=True)
class Banned:
    """The node does not want this client. The last event."""


Event = (
    Matched
    | Message
    | Viewed
    | Typing
    | PartnerAway
    | PartnerBack
    | PartnerLeft
    | ConnectionLost
    | Reconnected
    | Missed
    | AccountLost
    | Replaced
    | Banned
)
