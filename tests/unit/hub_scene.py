"""A hub for its tests: inboxes that the test answers for, sockets that keep what was written."""

from chat.connection import Connection, Limits
from chat.counts import Counts
from chat.hub import Hub
from chat.store.library import UNMARKED
from tests.unit.fake_inboxes import FakeInboxes
from tests.unit.fake_socket import FakeTransport


class World:
    """A hub and what is around it."""

    def __init__(self) -> None:
        self.inboxes = FakeInboxes()
        self.written: list[tuple[int, int]] = []
        self.codes: dict[Connection, int] = {}
        self.counts = Counts()
        self.doubtful: set[int] = set()
        """Pools in which the lease has run out."""
        self.hub = Hub(
            self.inboxes, lambda pool, mark: mark == UNMARKED and pool not in self.doubtful,
            lambda c: self.written.append((c.account, c.seq)), self.counts,
        )  # fmt: skip
        self.transports: dict[Connection, FakeTransport] = {}

    def join(
        self, account: int = 1000, epoch: int = 1, acked: int = 0, pool: int = 0
    ) -> Connection:
        """A socket that gets the account, as an answer to its request would bring it."""
        transport = FakeTransport()
        connection = Connection(transport, "", Limits(0, 1), 0.0, self._closed)
        self.transports[connection] = transport
        self.hub.expect(pool, account)
        connection.bind(pool, account, epoch, acked)
        self.hub.bind(connection)
        return connection

    def frames(self, connection: Connection) -> list[bytes]:
        return self.transports[connection].frames

    def _closed(self, connection: Connection, code: int) -> None:
        self.codes[connection] = code
        self.hub.unbind(connection)
