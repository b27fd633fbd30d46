"""Connections that have opened and say nothing, or never finish what they say: they are not kept."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol


class Visitor(Protocol):
    """What uvicorn keeps of an HTTP connection; one that became a WebSocket is none any more."""

    transport: Any
    cycle: Any
    """The last request and its response; None before the first."""


class Doorstep:
    """Looks after the HTTP connections of a node, all with one call from time to time.

    A connection has ``patience`` seconds for a whole request, counted anew from each one; while its
    response is under way it has all the time it needs. uvicorn itself limits only how long a
    connection is idle after a response.
    """

    def __init__(self, patience: float, clock: Callable[[], float]) -> None:
        self._patience = patience
        self._clock = clock
        self._seen: dict[Visitor, tuple[Any, float]] = {}

    def look(self, visitors: Iterable[Visitor]) -> None:
        """Ends those whose time is up."""
        now, before = self._clock(), self._seen
        self._seen = {}
        for visitor in visitors:
            request, since = before.get(visitor, (visitor.cycle, now))
            if visitor.cycle is not request or _being_answered(visitor):
                since = now
            self._seen[visitor] = visitor.cycle, since
            if now - since > self._patience:
                visitor.transport.abort()


def _being_answered(visitor: Visitor) -> bool:
    return visitor.cycle is not None and not visitor.cycle.response_complete
