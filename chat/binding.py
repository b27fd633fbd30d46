"""How a socket gets an account, and how an account loses its socket."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from chat import protocol
from chat.commands import Create, Reconnect
from chat.connection import Connection, State
from chat.errors import Close, Code
from chat.hub import Hub
from chat.liveness import Liveness
from chat.store.store import Store

HELD_FRAMES = 100
"""Frames that may wait while the socket waits for its account."""


class Binding:
    """``received`` acts on a frame; it gets those that came in while the socket had to wait."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        liveness: Liveness,
        received: Callable[[Connection, bytes], None],
        *,
        new_token: Callable[[], str],
        new_nick: Callable[[], str],
    ) -> None:
        self._store = store
        self._hub = hub
        self._liveness = liveness
        self._received = received
        self._new_token = new_token
        self._new_nick = new_nick
        self._owed: list[tuple[int, int, int, bool]] = []

    # a socket gets an account

    def create(self, connection: Connection, command: Create) -> None:
        connection.state = State.BINDING
        nick, token = command.nick or self._new_nick(), self._new_token()
        done = partial(self._created, connection, command, nick, token)
        self._store.create(protocol.json_text(nick), token, connection.address, done)

    def reconnect(self, connection: Connection, command: Reconnect) -> None:
        connection.state = State.BINDING
        self._hub.expect(command.account)
        done = partial(self._attached, connection, command)
        self._store.attach(command.account, command.token, command.seq, done)

    def hold(self, connection: Connection, frame: bytes) -> None:
        """Keeps a frame that came in meanwhile: it may need the account that is on its way."""
        if len(connection.held) < HELD_FRAMES:
            connection.held.append(frame)
        else:
            connection.close(Close.POLICY)

    def _created(
        self, connection: Connection, command: Create, nick: str, token: str,
        code: int, values: Sequence[int],
    ) -> None:  # fmt: skip
        if code != Code.SUCCESS:
            self._not_bound(connection, command, code, values[0] if values else None)
            return
        account = values[0]
        if connection.state is State.CLOSED:  # it did not wait, and nobody knows the token
            self.detach(account, 1, 0, goodbye=True)
            return
        self._hub.expect(account)
        self._become(connection, account, epoch=1, acked=0)
        connection.send(protocol.create_resp(nick, account, token))
        self._resume(connection)

    def _attached(
        self, connection: Connection, command: Reconnect, code: int, values: Sequence[Any]
    ) -> None:
        if code != Code.SUCCESS:
            self._hub.unexpect(command.account)
            self._not_bound(connection, command, code)
            return
        epoch, nick, recovered, waiting, sessions, acked, pushes = values
        if connection.state is State.CLOSED:
            self._hub.unexpect(command.account)
            self.detach(command.account, epoch, acked)
            return
        self._become(connection, command.account, epoch, acked)
        connection.send(protocol.reconnect_resp(nick, recovered == 1, waiting == 1, sessions))
        self._hub.replay(connection, pushes, gaps_told=recovered == 0)
        self._resume(connection)

    def _become(self, connection: Connection, account: int, epoch: int, acked: int) -> None:
        connection.bind(account, epoch, acked)
        self._hub.bind(connection)
        self._liveness.bound(connection)

    def _not_bound(
        self, connection: Connection, command: Create | Reconnect, code: int,
        wait_ms: int | None = None,
    ) -> None:  # fmt: skip
        if connection.state is State.BINDING:
            connection.state = State.NEW
            connection.send(protocol.refused(command, code, wait_ms))
            self._resume(connection)

    def _resume(self, connection: Connection) -> None:
        held, connection.held = connection.held, []
        for frame in held:
            self._received(connection, frame)

    # an account loses its socket

    def closed(self, connection: Connection, code: int) -> None:
        """The socket is gone: its account is away, or ends where the client said goodbye."""
        if connection.account:
            self._hub.unbind(connection)
            if code != Close.REPLACED:
                goodbye = code == Close.GOODBYE
                self.detach(connection.account, connection.epoch, connection.acked, goodbye)

    def detach(self, account: int, epoch: int, acked: int, goodbye: bool = False) -> None:
        """Says that this node has no socket for the account. It is said again later if Redis is not
        there, which is harmless: an account that has a newer socket is left alone."""
        owed = (account, epoch, acked, goodbye)

        def done(code: int, values: Sequence[Any]) -> None:
            if code == Code.INTERNAL:
                self._owed.append(owed)

        self._store.detach(*owed, done)

    def settle(self) -> None:
        """Says again what Redis has not heard. Called from time to time."""
        owed, self._owed = self._owed, []
        for detach in owed:
            self.detach(*detach)
