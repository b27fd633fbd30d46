"""The sockets of this node: pushes in, gaps filled, frames out. Knows no Redis.

A push that is the next in number goes out as it came, unparsed. Anything else is settled by the
inbox, which is the truth: a number missing, or a link that was interrupted, means that the
inbox is read from the last push that was written.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from chat.connection import Connection, State
from chat.errors import Close, Code, close_code
from chat.protocol import seq_of

FILLS_AT_ONCE = 256
"""Inboxes read at the same time, so that a gap of everybody does not stand in the way of the rest."""


class Inboxes(Protocol):
    """What the hub needs of the shared state."""

    def subscribe(self, account: int) -> None: ...

    def unsubscribe(self, account: int) -> None: ...

    def inbox(
        self, account: int, epoch: int, after: int, done: Callable[[int, Sequence[Any]], None]
    ) -> None: ...


class Hub:
    """``pushed`` is told of every push that was written to a socket."""

    def __init__(self, inboxes: Inboxes, pushed: Callable[[Connection], None]) -> None:
        self._inboxes = inboxes
        self._written = pushed
        self._holders: dict[int, Connection] = {}
        self._expected: dict[int, int] = {}
        self._gaps: dict[Connection, None] = {}
        self._filling = 0

    def __len__(self) -> int:
        """How many accounts have their socket here."""
        return len(self._holders)

    # who is here

    def knows(self, account: int) -> bool:
        """Whether the account's socket is here, or is about to be."""
        return account in self._holders or account in self._expected

    def expect(self, account: int) -> None:
        """The account may come: its pushes are wanted from now on, until ``bind`` or ``unexpect``."""
        if account not in self._holders and account not in self._expected:
            self._inboxes.subscribe(account)
        self._expected[account] = self._expected.get(account, 0) + 1

    def unexpect(self, account: int) -> None:
        self._expected[account] -= 1
        if not self._expected[account]:
            del self._expected[account]
            if account not in self._holders:
                self._inboxes.unsubscribe(account)

    def bind(self, connection: Connection) -> None:
        """The socket has its (expected) account; an older socket of the account here is replaced."""
        older = self._holders.get(connection.account)
        self._holders[connection.account] = connection
        if older is not None:
            older.close(Close.REPLACED)
        self.unexpect(connection.account)

    def unbind(self, connection: Connection) -> None:
        """The socket is gone. What happens to its account is not the hub's affair."""
        if self._holders.get(connection.account) is connection:
            del self._holders[connection.account]
            if connection.account not in self._expected:
                self._inboxes.unsubscribe(connection.account)
        self._gaps.pop(connection, None)

    # pushes

    def push(self, account: int, frame: bytes) -> None:
        """What was published on an account's channel: a push, or the epoch of a newer socket."""
        connection = self._holders.get(account)
        if connection is None:
            return
        if frame[0] != 0x7B:  # no JSON object: "epoch <n>"
            if int(frame.rpartition(b" ")[2]) > connection.epoch:
                connection.close(Close.REPLACED)
            return
        seq = seq_of(frame)
        if seq == 0:
            connection.send(frame)
        elif seq == connection.seq + 1 and not connection.filling:
            self._write(connection, seq, frame)
        elif seq > connection.seq:
            self._fill(connection)

    def doubt(self, account: int) -> None:
        """Something was published for the account, but this node may not hold it any more."""
        connection = self._holders.get(account)
        if connection is not None:
            self._fill(connection)

    def replay(
        self, connection: Connection, frames: Sequence[bytes], *, gaps_told: bool = False
    ) -> None:
        """Writes what is recorded and not yet written, in order.

        A number that is missing there too is lost for good, and the client must hear of it: unless
        it was told, it is let go, and coming back is told ``recovered: false``.
        """
        for frame in frames:
            seq = seq_of(frame)
            if seq > connection.seq + 1 and not gaps_told:
                connection.close(Close.GOING_AWAY)
                return
            if seq > connection.seq:
                self._write(connection, seq, frame)

    def _write(self, connection: Connection, seq: int, frame: bytes) -> None:
        connection.seq = seq
        connection.send(frame)
        self._written(connection)

    # gaps

    def gap(self) -> None:
        """Pushes of everybody may have been missed."""
        for connection in self._holders.values():
            self._fill(connection)

    def _fill(self, connection: Connection) -> None:
        """Reads the inbox in its turn. What is published before that read is in it, so it is dropped
        here; what comes after the read's answer is newer, because both come in one line."""
        if not connection.filling:
            connection.filling = True
            self._gaps[connection] = None
        self.fill()

    def fill(self) -> None:
        """Starts as many reads as may be under way. Also called from time to time, because a read
        that failed stays in line."""
        # Without a link a read fails at once and is back in line: each has one try in a turn.
        for _ in range(min(len(self._gaps), FILLS_AT_ONCE - self._filling)):
            connection = next(iter(self._gaps))
            del self._gaps[connection]
            self._filling += 1
            self._inboxes.inbox(
                connection.account,
                connection.epoch,
                connection.seq,
                lambda code, values, c=connection: self._filled(c, code, values),  # type: ignore[misc]
            )

    def _filled(self, connection: Connection, code: int, values: Sequence[Any]) -> None:
        self._filling -= 1
        if connection.state is State.BOUND:
            if code == Code.SUCCESS:
                connection.filling = False
                self.replay(connection, values[0])
            elif code < 0:
                connection.close(close_code(code))
            else:
                self._gaps[connection] = None
                return  # Redis does not answer: no use in reading on at once
        self.fill()
