"""What clients have acknowledged, on its way to the shared state: a moment's worth in one call."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from chat.connection import Connection
from chat.errors import Code

COLLECT_SECONDS = 0.1
"""A lively talk acknowledges many pushes a second; only the last number counts."""
POOL = 1000
"""The last three digits of an account's id are its pool."""


class Recorder(Protocol):
    """What this room needs of the shared state."""

    def ack(
        self,
        pool: int,
        acks: Iterable[tuple[int, int, int]],
        done: Callable[[int, Sequence[Any]], None],
    ) -> None: ...


class Acks:
    """Collects the sockets whose ``acked`` has grown. A closing socket hands its own over itself."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._grown: dict[Connection, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection) -> None:
        self._grown[connection] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(COLLECT_SECONDS, self.flush)

    def flush(self) -> None:
        """Hands over what has been collected; what Redis does not take is handed over again later."""
        self.close()
        pools: defaultdict[int, list[Connection]] = defaultdict(list)
        for connection in self._grown:
            pools[connection.account % POOL].append(connection)
        self._grown.clear()
        for pool, connections in pools.items():
            acks = [(c.account, c.epoch, c.acked) for c in connections]
            self._recorder.ack(pool, acks, lambda code, _, c=connections: self._taken(code, c))  # type: ignore[misc]

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _taken(self, code: int, connections: list[Connection]) -> None:
        if code == Code.INTERNAL:
            self._grown.update(dict.fromkeys(connections))
