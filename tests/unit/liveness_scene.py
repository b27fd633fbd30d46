"""A clock that the test turns, sockets, and which of them were pinged or closed when."""

from chat.connection import Connection, Limits
from chat.liveness import Liveness, Patience
from tests.unit.fake_socket import FakeTransport

PATIENCE = Patience(handshake=15, quiet=25, silent=60)


class World:
    """A clock that is turned by hand, a tick each second, and what became of every socket."""

    def __init__(self, patience: Patience = PATIENCE, now: float = 100.0) -> None:
        self.now = now
        self.pings: list[tuple[float, Connection]] = []
        self.ends: list[tuple[float, Connection, int]] = []
        self.liveness = Liveness(patience, lambda: self.now, self._ping)

    def _ping(self, connection: Connection) -> None:
        self.pings.append((self.now, connection))

    def open(self) -> Connection:
        connection = Connection(FakeTransport(), "", Limits(0, 1), self.now, self._closed)
        self.liveness.opened(connection)
        return connection

    def bind(self, account: int = 1000) -> Connection:
        """A socket that has had an account from the start."""
        connection = self.open()
        connection.bind(0, account, 1, 0)
        self.liveness.bound(connection)
        return connection

    def push(self, connection: Connection) -> None:
        connection.seq += 1
        self.liveness.pushed(connection)

    def until(self, now: float, *, hears: Connection | None = None) -> None:
        """Lets time pass; ``hears`` is heard of every second."""
        while self.now < now:
            self.now += 1
            if hears is not None:
                hears.heard = self.now
            self.liveness.tick()

    def pinged_at(self, connection: Connection) -> list[float]:
        return [at - 100 for at, pinged in self.pings if pinged is connection]

    def _closed(self, connection: Connection, code: int) -> None:
        self.ends.append((self.now - 100, connection, code))
