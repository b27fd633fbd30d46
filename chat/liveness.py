"""Which sockets are alive: one timer for all of them, in place of several for each.

A socket is looked at when something may be due: no account in time, quiet for long enough to be
pinged, silent past the limit, or a push not acknowledged (an old client tells by answering a ping).
A wheel holds each socket under the time of its next look.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil

from chat.config import Settings
from chat.connection import Connection, State
from chat.errors import Close

TICK_SECONDS = 1.0
"""How often a node looks at what may be due and is in no hurry."""
LOOK_SECONDS = 0.1
"""How often the wheels are turned. Those who came back in the same second fall quiet in the same second: a node
that pinged them all at once would stand still for everybody else."""
UNACKNOWLEDGED_SECONDS = 0.5
"""When to look whether a push was acknowledged. Rounded up to a second that is at the most 1.6 s later; the
protocol allows 3 s until the ping."""
OPEN_PINGS = 8
"""More are not written to a client that answers none: the limit for silence will tell."""


class Wheel:
    """Connections by when to look at them: in steps of so many seconds."""

    def __init__(self, now: float, step: float = 1.0) -> None:
        self._slots: defaultdict[int, list[Connection]] = defaultdict(list)
        self._step = step
        self._next = ceil(now / step)

    def add(self, connection: Connection, due: float) -> None:
        self._slots[max(ceil(due / self._step), self._next)].append(connection)

    def due(self, now: float) -> Iterator[Connection]:
        """Takes out those whose time has come; what is added meanwhile waits for a later step."""
        while self._next <= now / self._step:
            slot = self._slots.pop(self._next, ())
            self._next += 1
            yield from slot


@dataclass(frozen=True, slots=True)
class Patience:
    """The times, in seconds, that settings give."""

    handshake: float
    """without an account"""
    quiet: float
    """until a ping"""
    silent: float
    """until it is lost"""

    @classmethod
    def of(cls, settings: Settings) -> "Patience":
        return cls(
            settings.handshake_seconds,
            settings.ping_interval_seconds,
            settings.ping_timeout_seconds,
        )


class Liveness:
    """Looks after the sockets of one node. ``ping`` writes a PING_REQ to a socket."""

    def __init__(
        self, patience: Patience, clock: Callable[[], float], ping: Callable[[Connection], None]
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._ping = ping
        self._new = Wheel(clock())
        self._bound = Wheel(clock(), LOOK_SECONDS)
        self._pushes = Wheel(clock())

    def opened(self, connection: Connection) -> None:
        self._new.add(connection, connection.since + self._patience.handshake)

    def pushed(self, connection: Connection) -> None:
        """A push was written: look soon whether it was acknowledged."""
        if not connection.watched:
            connection.watched = connection.seq
            self._pushes.add(connection, self._clock() + UNACKNOWLEDGED_SECONDS)

    def bound(self, connection: Connection) -> None:
        self._bound.add(connection, self._clock() + self._patience.quiet)

    def tick(self) -> None:
        """Looks at every socket whose time has come."""
        now = self._clock()
        for connection in self._new.due(now):
            if connection.state is not State.BOUND:
                connection.close(Close.NO_ACCOUNT)
        for connection in self._bound.due(now):
            if connection.state is State.BOUND:
                self._look_for_life(connection, now)
        for connection in self._pushes.due(now):
            self._look_for_acknowledgement(connection)

    def _look_for_acknowledgement(self, connection: Connection) -> None:
        missing, connection.watched = connection.acked < connection.watched, 0
        if connection.state is not State.BOUND:
            return
        if missing or (connection.acked < connection.seq and not connection.numbers):
            self._write_ping(connection)  # what was pushed since may be as old as the watch
        elif connection.acked < connection.seq:
            self.pushed(connection)

    def _look_for_life(self, connection: Connection, now: float) -> None:
        """A look may come late, so a socket is not lost before it was asked and had time to answer."""
        silent = now - connection.heard
        asked = connection.asked > connection.heard
        if silent < self._patience.quiet:
            self._bound.add(connection, connection.heard + self._patience.quiet)
        elif asked and silent >= self._patience.silent:
            connection.close(Close.GOING_AWAY)
        else:
            if not asked:
                connection.asked = now
            self._write_ping(connection)
            end = connection.heard + self._patience.silent
            self._bound.add(
                connection, max(now + TICK_SECONDS, min(end, now + self._patience.quiet))
            )

    def _write_ping(self, connection: Connection) -> None:
        if len(connection.pings) < OPEN_PINGS:
            connection.pinged()
            self._ping(connection)
