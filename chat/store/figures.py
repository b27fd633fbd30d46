"""A pool as a whole, as the function library says it (``figures`` in functions.lua)."""

from typing import NamedTuple


class Figures(NamedTuple):
    """``longest_ms`` is how long the first in the queue has waited."""

    accounts: int = 0
    away: int = 0
    sessions: int = 0
    waiting: int = 0
    longest_ms: int = 0
    nodes: int = 0
