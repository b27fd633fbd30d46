"""What clients have acknowledged, on its way to the shared state: one call for a turn of the loop."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from chat.connection import Connection
from chat.errors import Code


class Recorder(Protocol):
    """What this room needs of the shared state."""

    def ack(
        self,
        acks: Sequence[tuple[int, int, int, int]],
        done: Callable[[int, Sequence[Any]], None],
    ) -> None: ...


class Acks:
    """Collects the sockets whose ``acked`` has grown, until the end of this turn of the event loop.

    Not longer: an account may be taken over by another node at any moment, and what was
    acknowledged here must not be repeated there. A closing socket hands its own over itself.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._grown: dict[Connection, None] = {}
        self._due = False

    def add(self, connection: Connection) -> None:
        self._grown[connection] = None
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Hands over what has been collected; what Redis does not take is handed over again later."""
        self._due = False
        if not self._grown:
            return
        grown, self._grown = self._grown, {}
        acks = [(c.pool, c.account, c.epoch, c.acked) for c in grown]
        self._recorder.ack(acks, lambda code, _: self._taken(code, grown))

    def _taken(self, code: int, connections: dict[Connection, None]) -> None:
        if code == Code.INTERNAL:
            self._grown.update(connections)
