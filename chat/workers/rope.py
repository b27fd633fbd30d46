"""What a parent and a worker say to each other, on a pair of sockets of which each has one end.

An end that is let go of says that its process is gone, however it went: no signal can be missed, none comes too early,
and no process id can be somebody else's by now. And orders are no signals, because those of a terminal or of systemd
may reach every process of a group: a worker would take its parent's word for the second one, which hurries it.
"""

from enum import Enum

READY = b"r"
"""The worker's word: its node has begun."""


class Order(Enum):
    """The parent's."""

    OPEN = b"o"
    """Take your part of what comes to the shared port."""
    STOP = b"s"
    """Drain, as all others do."""
    HURRY = b"h"
    """Let go of the rest at once."""
    GONE = b""
    """There is no parent any more."""
