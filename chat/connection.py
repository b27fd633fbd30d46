"""One socket: whose it is, its limits, its bounded way out. Knows neither Redis nor WebSocket frames."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntFlag, auto
from typing import Protocol

from chat.errors import Close


class Transport(Protocol):
    """What carries frames to the client."""

    def send(self, frame: bytes) -> None:
        """Sends one text frame; nothing happens once the socket is closed."""

    def waiting(self) -> int:
        """Bytes that were sent but that the client has not taken yet."""

    def read(self, on: bool) -> None:
        """Whether to take what the client sends; what is not taken waits at the client's side."""

    def close(self, code: int) -> None:
        """Begins the close handshake, and cuts the socket off if the client does not finish it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one socket may cost; shared by all sockets of a node."""

    commands_per_second: float
    """0 is no limit."""
    burst: int
    refused: int = 100
    """Commands over the limit, less those within it, after which the socket is not read for a moment."""
    patience: float = 5.0
    """Seconds from the first code 6 on after which going on like that closes the socket."""
    waiting_bytes: int = 256 * 1024
    """Bytes that may wait for a client that does not read."""


class State(Enum):
    NEW = "no account yet"
    BINDING = "asked for an account"
    BOUND = "has an account"
    CLOSED = "closed"


BINDING, BOUND, CLOSED = State.BINDING, State.BOUND, State.CLOSED
"""For what every message passes: a member of an enum takes 50 ns to find."""


class Pause(IntFlag):
    """Why a socket is not read. Each who pauses has a reason of its own, and takes only that one back."""

    ACCOUNT = auto()
    """It waits for its account, and has sent enough meanwhile."""
    SHARE = auto()
    """It does not heed its share of commands."""
    REDIS = auto()
    """Redis does not keep up."""


class Connection:
    """A client's socket on this node.

    ``pool`` is where its account lives. ``seq`` is the last push that was written to it, ``acked`` the last that the client is known to
    have. ``epoch`` numbers the sockets that an account has had: it proves that this one still holds it.
    ``heard`` is when anything came in; ``asked`` when it was asked for a sign of life; ``watched`` the
    push whose acknowledgement is looked for, 0 for none (see ``liveness``). ``filling``: its pushes come
    from the inbox at the moment (see ``hub``); ``congested``: its client takes less than is sent;
    ``speaker`` is its account as the store wants it with each message; ``hole``: up to this number pushes may be missing, and the client was told so;
    ``numbers``: its client has said delivery numbers, so nothing else is taken for an acknowledgement.
    ``code`` is what it was closed with, ``cut`` whether this side did it.
    """

    __slots__ = (
        "_answers",
        "_limits",
        "_on_closed",
        "_over",
        "_paused",
        "_refilled",
        "_tokens",
        "_told",
        "_transport",
        "account",
        "acked",
        "address",
        "asked",
        "code",
        "congested",
        "cut",
        "epoch",
        "filling",
        "heard",
        "held", "hole",
        "numbers",
        "pings",
        "pool",
        "seq",
        "since", "speaker",
        "state",
        "watched",
    )  # fmt: skip

    def __init__(
        self,
        transport: Transport,
        address: str,
        limits: Limits,
        now: float,
        on_closed: "Callable[[Connection, int], None]",
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._on_closed = on_closed
        self._tokens = float(limits.burst)
        self._refilled = now
        self._over = 0
        self._told: float | None = None
        self._answers = 0
        self._paused = Pause(0)
        self.address = address
        self.state = State.NEW
        self.since = now
        self.heard = now
        self.asked = 0.0
        self.pool = 0
        self.account = 0
        self.epoch = 0
        self.seq = 0
        self.acked = 0
        self.filling = False
        self.congested = False
        self.hole = 0
        self.numbers = False
        self.speaker = b""
        self.code = 0
        self.cut = False
        self.watched = 0
        self.pings: tuple[int, ...] = ()
        self.held: list[bytes] = []

    def bind(
        self, pool: int, account: int, epoch: int, acked: int, hole: int = 0, speaker: bytes = b""
    ) -> None:
        """From here on the socket is this account's, and what is missing up to push ``hole`` is told."""
        self.hole = hole
        self.account = account
        self.seq = self.acked = self._answers = acked
        self.moved(pool, epoch, speaker)

    def moved(self, pool: int, epoch: int, speaker: bytes) -> None:
        """Its account lives in that pool now, where the socket has that epoch."""
        self.pool = pool
        self.epoch = epoch
        self.speaker = speaker
        self.state = State.BOUND

    @property
    def written(self) -> int:
        """The last push that what the client does may acknowledge; 0 where there is none, or where it
        says numbers itself."""
        return 0 if self.numbers or self.acked == self.seq else self.seq

    def send(self, frame: bytes) -> None:
        """Sends one frame, or cuts off a client that has let too many bytes wait."""
        if self.state is not CLOSED and (not self.congested or self.has_room()):
            self._transport.send(frame)

    def pause(self, reason: Pause) -> None:
        """Takes nothing more from the client until ``resume`` was called for every reason there is."""
        self._pause(self._paused | reason)

    def resume(self, reason: Pause) -> None:
        """This reason is none any more."""
        self._pause(self._paused & ~reason)

    def _pause(self, paused: Pause) -> None:
        if self.state is not State.CLOSED and bool(paused) != bool(self._paused):
            self._transport.read(not paused)
        self._paused = paused

    def has_room(self) -> bool:
        """Whether anything may be sent: the socket is open, and its client reads."""
        if self.state is State.CLOSED:
            return False
        if self._transport.waiting() > self._limits.waiting_bytes:
            self.close(Close.TOO_SLOW)
            return False
        return True

    def close(self, code: int) -> None:
        """Closes from this side. The socket is lost at once, whenever the client answers."""
        if self.state is not State.CLOSED:
            self.cut = True
            self._transport.close(code)
            self.closed(code)

    def closed(self, code: int) -> None:
        """The socket is gone, from whichever side; the first to say so counts."""
        if self.state is not State.CLOSED:
            self.state = State.CLOSED
            self.code = code
            self.held.clear()
            self._on_closed(self, code)
            del self._transport, self._on_closed  # what may still name this socket keeps little

    def allow(self, now: float) -> float:
        """Takes one command from the socket's share: 0, or the seconds until there is one again."""
        limits = self._limits
        rate = limits.commands_per_second
        if rate == 0:
            return 0.0
        tokens = self._tokens + (now - self._refilled) * rate
        self._refilled = now
        tokens = min(tokens, limits.burst)
        if tokens < 1:
            self._tokens = tokens
            self._over += 1
            return (1 - tokens) / rate
        self._tokens = tokens - 1
        if self._over:
            self._over -= 1
            if self._over == 0:
                self._told = None
        return 0.0

    def answers(self) -> bool:
        """Whether an answer that acknowledges nothing is for a push: as many as were written are free."""
        if self._answers < self.seq:
            self._answers += 1
            return True
        return False

    def told(self, now: float) -> None:
        """The client was told that it sends too much."""
        if self._told is None:
            self._told = now

    @property
    def overdone(self) -> bool:
        """It has sent so much over its share that it must not be read for a moment."""
        return self._over > self._limits.refused

    def incorrigible(self, now: float) -> bool:
        """It goes on long after it was told to wait."""
        return self.overdone and self._told is not None and now - self._told > self._limits.patience

    def acknowledge(self, seq: int) -> bool:
        """The client has every push up to ``seq``; False where that says nothing new or is not true."""
        if self.acked < seq <= self.seq:
            self.acked = seq
            return True
        return False

    def pinged(self) -> None:
        """A ping was written: its answer will acknowledge what was written before it."""
        self.pings = (*self.pings, self.seq)

    def ponged(self) -> int | None:
        """The oldest open ping was answered: the last push written before it; None without a ping."""
        if not self.pings:
            return None
        seq, *rest = self.pings
        self.pings = tuple(rest)
        return seq
