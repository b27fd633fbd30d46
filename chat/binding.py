"""How a socket gets an account, and how an account loses its socket."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from chat import protocol
from chat.commands import Create, Reconnect
from chat.connection import Connection, Pause, State
from chat.counts import Counts
from chat.errors import Close, Code
from chat.hub import Hub
from chat.liveness import Liveness
from chat.store.keys import pool_of
from chat.store.sayings import speaker
from chat.store.store import Store

HELD_FRAMES, HELD_BYTES = 100, 20 * 1024
"""With so many frames waiting, or so much in them, a socket that waits for its account is not read any
further. What was read together with the last of them is kept too."""
BINDINGS_AT_ONCE = 100
"""Accounts that are made or taken over at the same time. When a node has died everybody comes at once:
the others wait in line, and those who are talking are answered in between."""

HOPS = 8
"""How often an account may have moved on since it was last asked for."""
LEAVING_AT_ONCE = 100
"""Accounts that lose their socket in one turn of the event loop."""


class Binding:
    """``received`` acts on a frame; it gets those that came in while the socket had to wait.
    ``flush`` hands over what clients have acknowledged; ``clock`` is in seconds."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        liveness: Liveness,
        received: Callable[[Connection, bytes], None],
        flush: Callable[[], None],
        counts: Counts,
        *,
        clock: Callable[[], float],
        new_token: Callable[[], str],
        new_nick: Callable[[], str],
    ) -> None:
        self._store = store
        self._hub = hub
        self._liveness = liveness
        self._received = received
        self._flush = flush
        self._counts = counts
        self._clock = clock
        self._new_token = new_token
        self._new_nick = new_nick
        self._owed: list[tuple[int, int, int, int, bool]] = []
        self._line: deque[tuple[Connection, Create | Reconnect, float]] = deque()
        self._under_way = 0
        self._leaving: deque[tuple[Connection, int]] = deque()

    # a socket gets an account

    def bind(self, connection: Connection, command: Create | Reconnect) -> None:
        """Asks for the socket's account, when it is this socket's turn."""
        connection.state = State.BINDING
        self._line.append((connection, command, self._clock()))
        self._admit()

    def _admit(self) -> None:
        """Asks for those whose turn it is. Of one that did not wait nothing is asked."""
        while self._line and self._under_way < BINDINGS_AT_ONCE:
            connection, command, since = self._line.popleft()
            if connection.state is State.BINDING:
                self._under_way += 1
                if isinstance(command, Create):
                    self._create(connection, command, since)
                else:
                    self._reconnect(connection, command, since)

    def _create(self, connection: Connection, command: Create, since: float) -> None:
        nick, token = command.nick or self._new_nick(), self._new_token()
        done = partial(self._created, connection, command, since, nick, token)
        self._store.create(protocol.json_text(nick), token, connection.address, done)

    def _reconnect(self, connection: Connection, command: Reconnect, since: float) -> None:
        self._flush()  # an older socket of this node may have acknowledged in this very turn
        self._attach(pool_of(command.account), (), connection, command, since)

    def _attach(
        self, pool: int, asked: tuple[int, ...], connection: Connection, command: Reconnect,
        since: float,
    ) -> None:  # fmt: skip
        """``asked`` are the pools that have sent it on."""
        there = partial(self._attach_there, pool, asked, connection, command, since)
        self._store.upkeep.find(pool, there)

    def _attach_there(
        self, pool: int, asked: tuple[int, ...], connection: Connection, command: Reconnect,
        since: float, code: int,
    ) -> None:  # fmt: skip
        if code != Code.SUCCESS:
            self._answered(command, code, since)
            self._not_bound(connection, command, code)
            return
        self._hub.expect(pool, command.account)
        here = pool in asked
        done = partial(self._attached, pool, (*asked, pool), connection, command, since)
        self._store.attach(pool, command.account, command.token, command.seq, here, done)

    def _answered(self, command: Create | Reconnect, code: int, since: float) -> None:
        """One has its answer, or none will come: the next has its turn."""
        self._counts.answered(type(command), code, self._clock() - since)
        self._under_way -= 1
        if self._line:
            asyncio.get_running_loop().call_soon(self._admit)

    def hold(self, connection: Connection, frame: bytes) -> None:
        """Keeps a frame that came in meanwhile: it may need the account that is on its way."""
        connection.held.append(frame)
        if len(connection.held) >= HELD_FRAMES or sum(map(len, connection.held)) >= HELD_BYTES:
            connection.pause(Pause.ACCOUNT)

    def _created(
        self, connection: Connection, command: Create, since: float, nick: str, token: str,
        code: int, values: Sequence[int],
    ) -> None:  # fmt: skip
        self._answered(command, code, since)
        if code == Code.RATE_LIMITED:
            self._counts.limits["accounts_per_minute"] += 1
        if code != Code.SUCCESS:
            self._not_bound(connection, command, code, values[0] if values else None)
            return
        account, epoch = values
        if connection.state is State.CLOSED:  # it did not wait, and nobody knows the token
            self.detach(pool_of(account), account, epoch, 0, goodbye=True)
            return
        self._hub.expect(pool_of(account), account)
        self._become(connection, pool_of(account), account, epoch, acked=0)
        connection.send(protocol.create_resp(nick, account, token))
        self.resume(connection)

    def _attached(
        self, pool: int, asked: tuple[int, ...], connection: Connection, command: Reconnect, since: float,
        code: int, values: Sequence[Any],
    ) -> None:  # fmt: skip
        if code == Code.MOVED:
            self._hub.unexpect(pool, command.account)
            if len(asked) <= HOPS:  # it is asked where the account lives now
                self._attach(values[0], asked, connection, command, since)
                return
            code = Code.NO_DATA
        elif code != Code.SUCCESS:
            self._hub.unexpect(pool, command.account)
        self._answered(command, code, since)
        if code != Code.SUCCESS:
            self._not_bound(connection, command, code)
            return
        epoch, nick, recovered, waiting, sessions, acked, last, pushes, waited_ms = values
        self._counts.matched(waited_ms)
        if connection.state is State.CLOSED:
            self._hub.unexpect(pool, command.account)
            goodbye = connection.code == Close.GOODBYE
            self.detach(pool, command.account, epoch, acked, goodbye)
            return
        connection.numbers = command.seq is not None
        hole = 0 if recovered else last
        self._become(connection, pool, command.account, epoch, acked, hole)
        connection.send(protocol.reconnect_resp(nick, recovered == 1, waiting == 1, sessions))
        self._hub.replay(connection, last, pushes)
        self.resume(connection)

    def _become(
        self, connection: Connection, pool: int, account: int, epoch: int, acked: int,
        hole: int = 0,
    ) -> None:  # fmt: skip
        connection.bind(pool, account, epoch, acked, hole, speaker(account, epoch))
        self._hub.bind(connection)
        self._liveness.bound(connection)

    def _not_bound(
        self, connection: Connection, command: Create | Reconnect, code: int,
        wait_ms: int | None = None,
    ) -> None:  # fmt: skip
        if connection.state is State.BINDING:
            connection.state = State.NEW
            connection.send(protocol.refused(command, code, wait_ms))
            self.resume(connection)

    def resume(self, connection: Connection) -> None:
        """Acts on what came in while the socket had to wait."""
        held, connection.held = connection.held, []
        connection.resume(Pause.ACCOUNT)
        for frame in held:
            self._received(connection, frame)

    # an account loses its socket

    def closed(self, connection: Connection, code: int) -> None:
        """The socket is gone: its account is away, or ends where the client said goodbye. A few in each
        turn of the event loop: when the network breaks, all sockets of a node are gone in one."""
        if connection.account:
            if not self._leaving:
                asyncio.get_running_loop().call_soon(self._let_some_go)
            self._leaving.append((connection, code))

    def _let_some_go(self) -> None:
        self.let_go(LEAVING_AT_ONCE)
        if self._leaving:
            asyncio.get_running_loop().call_soon(self._let_some_go)

    def let_go(self, most: int | None = None) -> None:
        """Says of all those whose socket is gone, or of so many, that it is. A socket that its account has
        taken since is left alone, here (see ``Hub.unbind``) as in the shared state."""
        for _ in range(len(self._leaving) if most is None else min(most, len(self._leaving))):
            connection, code = self._leaving.popleft()
            self._hub.unbind(connection)
            if code != Close.REPLACED:
                goodbye = code == Close.GOODBYE
                pool, account = connection.pool, connection.account
                self.detach(pool, account, connection.epoch, connection.acked, goodbye)

    def detach(
        self, pool: int, account: int, epoch: int, acked: int, goodbye: bool = False
    ) -> None:
        """Says that this node has no socket for the account. It is said again later if Redis is not
        there, which is harmless: an account that has a newer socket is left alone."""
        owed = (pool, account, epoch, acked, goodbye)

        def done(code: int, values: Sequence[Any]) -> None:
            if code == Code.INTERNAL:
                self._owed.append(owed)

        self._store.detach(*owed, done)
        if goodbye and pool != pool_of(account):
            self._store.moving.forget(pool_of(account), account)

    def settle(self) -> None:
        """Says again what Redis has not heard. Called from time to time."""
        owed, self._owed = self._owed, []
        for detach in owed:
            self.detach(*detach)
