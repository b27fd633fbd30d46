"""Where commands wait that cannot be served now: with their clients, not in this node's memory."""

import asyncio
from collections.abc import Callable

from chat.connection import BOUND, Connection, Pause, State

RESUMED_AT_ONCE = 200
"""Sockets that are read again in one turn of the event loop, so that they do not press again at once."""


class Backpressure:
    """While too much waits for a pool, a socket of it that has sent something is not read any further; nor is
    one, for a moment, whose client does not heed its limit. ``pressed`` says of a pool whether that is so: whoever is in
    another one talks on.

    So every client has at most what was read together with its last command under way, and TCP
    tells it to wait. Nothing is lost by that, and nobody is cut off for it.

    A socket without an account is read on. It may come to any pool, but all that it can make wait is its one request for
    an account (see ``Binding``): what it says before is refused at once, and what it says meanwhile pauses it.
    """

    def __init__(self, pressed: Callable[[int], bool]) -> None:
        self.on = False
        self._pressed = pressed
        self._waiting: dict[int, dict[Connection, None]] = {}
        self._resting: dict[Connection, None] = {}
        self._resuming = False

    def press(self, on: bool) -> None:
        """Pools are pressed, or are no more; ``on``: whether any is."""
        self.on = on
        if not self._resuming:
            self._resume()

    def hold(self, connection: Connection) -> None:
        """Stops reading a socket until its pool is not pressed any more."""
        pool = connection.pool
        if connection.state is BOUND and self._pressed(pool):
            waiting = self._waiting.setdefault(pool, {})
            if connection not in waiting:
                waiting[connection] = None
                connection.pause(Pause.REDIS)

    def release(self, connection: Connection) -> None:
        """Its account leaves the pool: it waits there no more, and from now on as others without an account do."""
        if self._forget(connection):
            connection.resume(Pause.REDIS)

    def rest(self, connection: Connection) -> None:
        """Stops reading a socket until the next tick."""
        if connection.state is not State.CLOSED and connection not in self._resting:
            self._resting[connection] = None
            connection.pause(Pause.SHARE)

    def tick(self) -> None:
        """Called once a second: who rested may go on."""
        resting, self._resting = self._resting, {}
        for connection in resting:
            connection.resume(Pause.SHARE)

    def leaves(self, connection: Connection) -> None:
        """The socket is gone."""
        self._forget(connection)
        self._resting.pop(connection, None)

    def _forget(self, connection: Connection) -> bool:
        """Whether it waited."""
        waiting = self._waiting.get(connection.pool, {})
        if connection not in waiting:
            return False
        del waiting[connection]
        if not waiting:
            del self._waiting[connection.pool]
        return True

    def _resume(self) -> None:
        """Lets the first in line go on, and the others in the next turns."""
        self._resuming = False
        for _ in range(RESUMED_AT_ONCE):
            if (connection := self._first()) is None:
                return
            self.release(connection)
        if self._first() is not None:
            self._resuming = True
            asyncio.get_running_loop().call_soon(self._resume)

    def _first(self) -> Connection | None:
        """Of those whose pool is not pressed any more."""
        for pool, waiting in self._waiting.items():
            if not self._pressed(pool):
                return next(iter(waiting))
        return None
