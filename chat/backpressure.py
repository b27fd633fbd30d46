"""Where commands wait that cannot be served now: with their clients, not in this node's memory."""

import asyncio

from chat.connection import Connection, Pause, State

RESUMED_AT_ONCE = 200
"""Sockets that are read again in one turn of the event loop, so that they do not press again at once."""


class Backpressure:
    """While Redis does not keep up, a socket that has sent something is not read any further; nor is
    one, for a moment, whose client does not heed its limit.

    So every client has at most what was read together with its last command under way, and TCP
    tells it to wait. Nothing is lost by that, and nobody is cut off for it.
    """

    def __init__(self) -> None:
        self.on = False
        self._waiting: dict[Connection, None] = {}
        self._resting: dict[Connection, None] = {}

    def press(self, on: bool) -> None:
        """Redis does not keep up, or does again."""
        self.on = on
        if not on:
            self._resume()

    def hold(self, connection: Connection) -> None:
        """Stops reading a socket until there is no pressure any more."""
        if connection.state is not State.CLOSED and connection not in self._waiting:
            self._waiting[connection] = None
            connection.pause(Pause.REDIS)

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
        self._waiting.pop(connection, None)
        self._resting.pop(connection, None)

    def _resume(self) -> None:
        """Lets the first in line go on, and the others in the next turns."""
        for _ in range(min(len(self._waiting), RESUMED_AT_ONCE)):
            if self.on:
                return
            connection = next(iter(self._waiting))
            del self._waiting[connection]
            connection.resume(Pause.REDIS)
        if self._waiting and not self.on:
            asyncio.get_running_loop().call_soon(self._resume)
