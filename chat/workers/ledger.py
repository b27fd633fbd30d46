"""How many sockets each worker has, in memory that all workers of a port see.

It is advice, by which new sockets are spread (see ``acceptor``), and nothing else hangs on it: so there is no lock,
and what is read while it is written may be any number.
"""

import mmap
import os
import struct
import tempfile
from collections.abc import Callable
from typing import BinaryIO

ROW = struct.Struct("=dq")
FRESH_SECONDS = 0.5
"""Whoever has said nothing for longer is dead, frozen, leaving or not there yet: it takes no sockets."""


def new_ledger(rows: int) -> BinaryIO:
    """A file without a name for that many workers, to be handed to each; it goes with the last who has it."""
    file: BinaryIO = (
        os.fdopen(os.memfd_create("chat-workers"), "r+b")
        if hasattr(os, "memfd_create")  # also where no directory can be written to
        else tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    )
    file.truncate(ROW.size * rows)
    return file


class Ledger:
    """The ledger as the worker of that row sees it. ``clock`` is the machine's, in seconds."""

    def __init__(self, fileno: int, row: int, clock: Callable[[], float]) -> None:
        self._memory = mmap.mmap(fileno, 0)
        self._row = row
        self._clock = clock

    def say(self, sockets: int) -> None:
        """Has to be said again and again, or it does not count."""
        ROW.pack_into(self._memory, self._row * ROW.size, self._clock(), sockets)

    def leave(self) -> None:
        """The others count on this worker no more."""
        ROW.pack_into(self._memory, self._row * ROW.size, 0.0, 0)

    def least_of_the_others(self) -> int | None:
        """How many sockets the emptiest of the other workers has; None where there is no other."""
        since = self._clock() - FRESH_SECONDS
        rows = enumerate(ROW.iter_unpack(self._memory))
        others = (sockets for row, (said, sockets) in rows if row != self._row and said >= since)
        return min(others, default=None)

    def close(self) -> None:
        self._memory.close()
