"""One socket: whose it is, its limits, its bounded way out. Knows neither Redis nor WebSocket frames."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from chat.errors import Close


class Transport(Protocol):
    """What carries frames to the client."""

    def send(self, frame: bytes) -> None:
        """Sends one text frame; nothing happens once the socket is closed."""

    def waiting(self) -> int:
        """Bytes that were sent but that the client has not taken yet."""

    def close(self, code: int) -> None:
        """Begins the close handshake, and cuts the socket off if the client does not finish it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one socket may cost; shared by all sockets of a node."""

    commands_per_second: float
    """0 is no limit."""
    burst: int
    refused: int = 100
    """Commands over the limit in a row, after which the socket is closed."""
    waiting_bytes: int = 256 * 1024
    """Bytes that may wait for a client that does not read."""


class State(Enum):
    NEW = "no account yet"
    BINDING = "asked for an account"
    BOUND = "has an account"
    CLOSED = "closed"


class Connection:
    """A client's socket on this node.

    ``seq`` is the last push that was written to it, ``acked`` the last that the client is known to
    have. ``epoch`` numbers the sockets that an account has had: it proves that this one still holds it.
    ``heard`` is when anything came in; ``asked`` when it was asked for a sign of life; ``watched`` the
    push whose acknowledgement is looked for, 0 for none (see ``liveness``).
    """

    __slots__ = (
        "_limits", "_on_closed", "_over", "_refilled", "_tokens", "_transport",
        "account", "acked", "address", "asked", "epoch", "filling", "heard", "held", "nick", "pings", "seq",
        "since", "state", "watched",
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
        self.address = address
        self.state = State.NEW
        self.since = now
        self.heard = now
        self.asked = 0.0
        self.account = 0
        self.epoch = 0
        self.nick = ""
        self.seq = 0
        self.acked = 0
        self.filling = False
        self.watched = 0
        self.pings: tuple[int, ...] = ()
        self.held: list[bytes] = []

    def bind(self, account: int, epoch: int, acked: int) -> None:
        """From here on the socket is this account's."""
        self.state = State.BOUND
        self.account = account
        self.epoch = epoch
        self.seq = self.acked = acked

    def send(self, frame: bytes) -> None:
        """Sends one frame, or cuts off a client that has let too many bytes wait."""
        if self.has_room():
            self._transport.send(frame)

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
            self._transport.close(code)
            self.closed(code)

    def closed(self, code: int) -> None:
        """The socket is gone, from whichever side; the first to say so counts."""
        if self.state is not State.CLOSED:
            self.state = State.CLOSED
            self.held.clear()
            self._on_closed(self, code)
            del self._transport, self._on_closed  # what may still name this socket keeps little

    def allow(self, now: float) -> float:
        """Takes one command from the socket's share: 0, or the seconds until there is one again."""
        limits = self._limits
        if limits.commands_per_second == 0:
            return 0.0
        earned = (now - self._refilled) * limits.commands_per_second
        self._tokens = min(limits.burst, self._tokens + earned)
        self._refilled = now
        if self._tokens >= 1:
            self._tokens -= 1
            self._over = 0
            return 0.0
        self._over += 1
        return (1 - self._tokens) / limits.commands_per_second

    @property
    def incorrigible(self) -> bool:
        """It goes on long after it was told to wait."""
        return self._over > self._limits.refused

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
