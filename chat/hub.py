"""The sockets of this node: pushes in, gaps filled, frames out. Knows no Redis.

A push that is the next in number goes out as it came, unparsed. Anything else is settled by the
inbox, which is the truth: a number missing, or a link that was interrupted, means that the
inbox is read from the last push that was written. It is read a part at a time, the next one when the
client has taken this one: who comes back to a full inbox over a slow line is not cut off for it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Protocol

from chat.connection import Connection, State
from chat.counts import Counts
from chat.errors import Close, Code, close_code
from chat.protocol import seq_of

RESUMED_AT_ONCE = 1000
"""Accounts of a pool asked after at the same time when its link is back: one that is away holds up no other."""
FILLS_AT_ONCE = 256
"""Inboxes read at the same time: a gap of everybody does not stand in the way of the rest."""
STALLED_TURNS = 15
"""Calls of ``fill`` from time to time after which a client that takes nothing of its inbox is cut off."""


class Inboxes(Protocol):
    """What the hub needs of the shared state."""

    def subscribe(self, pool: int, account: int) -> None: ...

    def unsubscribe(self, pool: int, account: int) -> None: ...

    def resume(
        self,
        sockets: Sequence[tuple[int, int, int, int]],
        done: Callable[[int, Sequence[tuple[int, int, int]]], None],
    ) -> None: ...

    def inbox(
        self, pool: int, account: int, epoch: int, after: int,
        done: Callable[[int, Sequence[Any]], None],
    ) -> None: ...  # fmt: skip

    def age(self, pool: int, server_us: int) -> float: ...


class Hub:
    """``believes`` says whether what is published in a pool with a mark may be believed: a node that was frozen finds
    pushes of accounts that others hold by now, and a server that was frozen publishes what is void. ``pushed`` is told of every push that was written to a socket."""

    def __init__(
        self,
        inboxes: Inboxes,
        believes: Callable[[int, bytes], bool],
        pushed: Callable[[Connection], None],
        counts: Counts,
    ) -> None:
        self._inboxes = inboxes
        self._believes = believes
        self._counts = counts
        self._written = pushed
        self._holders: dict[int, Connection] = {}
        self._expected: dict[tuple[int, int], int] = {}
        self._doubtful: defaultdict[int, dict[Connection, None]] = defaultdict(dict)
        self._resuming: defaultdict[int, dict[tuple[int, int], Connection]] = defaultdict(dict)
        self._gaps: dict[Connection, None] = {}
        self._stalled: dict[Connection, int] = {}
        self._filling = 0

    def __len__(self) -> int:
        """Accounts whose socket is here."""
        return len(self._holders)

    # who is here

    def holder(self, account: int) -> Connection | None:
        """The socket here that has the account."""
        return self._holders.get(account)

    def holders(self) -> Collection[Connection]:
        """All sockets here that have an account."""
        return self._holders.values()

    def epoch_of(self, pool: int, account: int) -> int | None:
        """That of the account's socket, 0 where none is here; None where one may be about to be."""
        if (pool, account) in self._expected:
            return None
        holder = self._holders.get(account)
        return holder.epoch if holder is not None and holder.pool == pool else 0

    def _wanted(self, pool: int, account: int) -> bool:
        """Whether its pushes are."""
        holder = self._holders.get(account)
        return (pool, account) in self._expected or (holder is not None and holder.pool == pool)

    def expect(self, pool: int, account: int) -> None:
        """The account may come, and live in that pool: its pushes are wanted from now on, until ``bind`` or
        ``unexpect``."""
        if not self._wanted(pool, account):
            self._inboxes.subscribe(pool, account)
        self._expected[pool, account] = self._expected.get((pool, account), 0) + 1

    def unexpect(self, pool: int, account: int) -> None:
        self._expected[pool, account] -= 1
        if not self._expected[pool, account]:
            del self._expected[pool, account]
            self._drop(pool, account)

    def _drop(self, pool: int, account: int) -> None:
        if not self._wanted(pool, account):
            self._inboxes.unsubscribe(pool, account)

    def bind(self, connection: Connection) -> None:
        """The socket has its (expected) account; an older socket of the account here is replaced."""
        older = self._holders.get(connection.account)
        self._holders[connection.account] = connection
        if older is not None:
            older.close(Close.REPLACED)
            if older.pool != connection.pool:
                self._drop(older.pool, older.account)
        self.unexpect(connection.pool, connection.account)

    def unbind(self, connection: Connection) -> None:
        """The socket is gone. What happens to its account is not the hub's affair."""
        if self._holders.get(connection.account) is connection:
            del self._holders[connection.account]
            self._drop(connection.pool, connection.account)
        for waiting in self._doubtful[connection.pool], self._gaps, self._stalled:
            waiting.pop(connection, None)

    # pushes

    def push(self, account: int, frame: bytes, mark: bytes) -> None:
        """What was published on an account's channel: a push, or a word about the account itself."""
        connection = self._holders.get(account)
        if connection is None:
            return
        if not self._believes(connection.pool, mark):
            self.recheck(connection)
            return
        if frame[0] != 0x7B:  # no JSON object
            self._word(connection, frame)
            return
        seq = seq_of(frame)
        if seq == 0:  # a hint of this moment: of no use later, and nothing before a NewSession
            if not connection.congested and not connection.filling:
                connection.send(frame)
        elif seq == connection.seq + 1 and not connection.filling:
            connection.seq = seq
            connection.send(frame)
            if not connection.watched:
                self._written(connection)
        elif seq > connection.seq:
            self._fill(connection)

    def _word(self, connection: Connection, word: bytes) -> None:
        """ "epoch <n>": a newer socket holds the account. "new": an account of this number was made, so
        this socket's own is one of a data set that is gone. "resume": somebody waits for this node to say
        how far the socket had come. "at <us>": when the push before it was published."""
        if word.startswith(b"at "):
            if not connection.filling:  # otherwise that push comes from the inbox, later
                self._counts.pushes.observe(self._inboxes.age(connection.pool, int(word[3:])))
        elif word == b"new":
            connection.close(Close.GOING_AWAY)
        elif word == b"resume":
            self._ask_after(connection)
            self._resume()
        elif int(word.rpartition(b" ")[2]) > connection.epoch:
            connection.close(Close.REPLACED)

    def replay(self, connection: Connection, last: int, frames: Sequence[bytes]) -> None:
        """Writes what is recorded and not yet written, in order: ``frames``, and what follows them up to the push numbered
        ``last``, as fast as the client takes it. A number that is missing there too is lost for good, and the client must
        hear of it: unless it was told, it is let go, and coming back is told ``recovered: false``."""
        for frame in frames:
            seq = seq_of(frame)
            if seq > connection.seq + 1 and seq > connection.hole + 1:
                connection.close(Close.GOING_AWAY)
            if connection.congested or connection.state is State.CLOSED:
                break
            if seq > connection.seq:
                self._counts.replayed += 1
                self._write(connection, seq, frame)
        if connection.seq < last and connection.state is not State.CLOSED:
            if frames:
                self._fill(connection)
            elif last > connection.hole:
                connection.close(Close.GOING_AWAY)

    def _write(self, connection: Connection, seq: int, frame: bytes) -> None:
        connection.seq = seq
        connection.send(frame)
        self._written(connection)

    # gaps
    def gap(self, pools: Collection[int]) -> None:
        """Pushes of everybody in them may have been missed, and whose account this still is may have changed:
        the shared state is told how far every socket had come, and says how far its account is."""
        for connection in self._holders.values():
            if connection.pool in pools:
                self._ask_after(connection)
        self._resume()

    def _ask_after(self, connection: Connection) -> None:
        connection.filling = True
        self._gaps.pop(connection, None)
        self._stalled.pop(connection, None)
        self._doubtful[connection.pool][connection] = None

    def _resume(self) -> None:
        """Asks after as many as may be under way."""
        for pool, doubtful in list(self._doubtful.items()):
            sockets, resuming = [], self._resuming[pool]
            while doubtful and len(resuming) < RESUMED_AT_ONCE:
                one = next(iter(doubtful))
                del doubtful[one]
                resuming[one.account, one.epoch] = one
                sockets.append((pool, one.account, one.epoch, one.seq))
            if sockets:
                self._inboxes.resume(sockets, partial(self._resumed, pool))

    def _resumed(self, pool: int, code: int, sockets: Sequence[tuple[int, int, int]]) -> None:
        """Of those who got nothing meanwhile nothing has to be read."""
        for account, epoch, last in sockets:
            connection = self._resuming[pool].pop((account, epoch), None)
            if connection is None or connection.state is not State.BOUND or connection.pool != pool:
                continue
            if code != Code.SUCCESS:
                self._doubtful[pool][connection] = None
            elif last < 0:
                connection.close(close_code(last))
            else:
                connection.filling = False
                if last > connection.seq:
                    self._fill(connection)
        if code == Code.SUCCESS:  # otherwise Redis does not answer: no use in asking on at once
            self._resume()

    def _fill(self, connection: Connection) -> None:
        """Reads the inbox in its turn. What is published before that read is in it, so it is dropped
        here; what comes after the read's answer is newer, because both come in one line."""
        if not connection.filling:
            connection.filling = True
            self._gaps[connection] = None
        self.fill()

    def recheck(self, connection: Connection) -> None:
        """Something came that is not to be believed, or may have been passed over."""
        if (connection.account, connection.epoch) not in self._resuming[connection.pool]:
            self._ask_after(connection)
            self._resume()

    def drained(self, connection: Connection) -> None:
        """The client has taken what was written: the rest of its inbox may follow."""
        if self._stalled.pop(connection, None) is not None:
            self._gaps[connection] = None
            self.fill()

    def tick(self) -> None:
        """Called from time to time: a read that failed stays in line, and a client that has taken
        nothing of its inbox for long is cut off."""
        for connection in list(self._stalled):
            self._stalled[connection] += 1
            if self._stalled[connection] > STALLED_TURNS:
                connection.close(Close.TOO_SLOW)
        self._resume()
        self.fill()

    def fill(self) -> None:
        """Starts as many reads as may be under way."""
        # Without a link a read fails at once and is back in line: each has one try in a turn.
        for _ in range(len(self._gaps)):
            if self._filling >= FILLS_AT_ONCE:
                break
            connection = next(iter(self._gaps))
            del self._gaps[connection]
            if connection.congested:
                self._stalled[connection] = 0
                continue
            self._filling += 1
            self._inboxes.inbox(
                connection.pool, connection.account, connection.epoch, connection.seq,
                partial(self._filled, connection),
            )  # fmt: skip

    def _filled(self, connection: Connection, code: int, values: Sequence[Any]) -> None:
        self._filling -= 1
        if connection.state is State.BOUND:
            if code == Code.SUCCESS:
                connection.filling = False
                self._counts.gaps_filled += 1
                self.replay(connection, *values)
            elif code < 0:
                connection.close(close_code(code))
            else:
                self._gaps[connection] = None
                return  # Redis does not answer: no use in reading on at once
        self.fill()
