"""Whether pushes arrive on a connection: it publishes to itself, on a channel of its own, all the time."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from chat.store.calls import Part

MISSED_PROBES = 2
"""So many probes that were published and did not arrive mean that no push does."""


class Proof:
    """The probes of one connection; ``channel`` is the one they are published on, empty at first."""

    def __init__(self) -> None:
        self.channel = b""
        self.channels: set[bytes] = set()
        """All that probes were published on: what comes late is none of a push."""
        self._published = 0
        self._arrived = 0

    def by(self, channel: bytes) -> None:
        """Probes are published there from here on."""
        self.channel = channel
        self.channels.add(channel)
        self._published = self._arrived = 0

    def next(self) -> tuple[Sequence[Part], Callable[[Any], None]]:
        """The command that publishes one, and what its reply is told to."""
        number = self._published + 1
        return ("SPUBLISH", self.channel, number), partial(self._probed, self.channel, number)

    def _probed(self, channel: bytes, number: int, reply: Any) -> None:
        """Published: it arrives together with this reply, or it was missed."""
        if channel == self.channel and not isinstance(reply, Exception):
            self._published = number

    def arrived(self, channel: bytes, number: bytes) -> None:
        if channel == self.channel:
            self._arrived = max(self._arrived, int(number))

    def missed(self) -> bool:
        return self._published - self._arrived >= MISSED_PROBES
