"""What has arrived at a client: delivery numbers, and the events not yet taken."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from enum import Enum, auto
from typing import NamedTuple

from chat.client.events import Event, Typing
from chat.client.frames import Frame

EVENTS_LIMIT = 10_000
"""A node keeps about a thousand pushes for an account and refuses its partners beyond; so many events
are never waiting unless nobody takes them at all."""

LAG_LIMIT = 1000
"""With more events waiting, coming back acknowledges only what was taken."""


class Turn(Enum):
    """How the number of a push fits to those before it."""

    NEXT = auto()
    KNOWN = auto()
    GAP = auto()


class Receipt(NamedTuple):
    """What to acknowledge when the event is taken."""

    command: str
    seq: int
    frame: Frame | None = None
    """The push itself, to know it again."""


class Inbox:
    """Events in the order of arrival, each stored push exactly once.

    A push is acknowledged when its event is taken, not when it arrives. So the bound that a node sets
    to unacknowledged pushes holds for this queue too, and the partner of a program that does not keep
    up is told so (code 6). Coming back acknowledges more, but only up to ``LAG_LIMIT``. Beyond ``EVENTS_LIMIT`` typing notices are left out, anything else raises
    ``OverflowError``, which ends the client.
    """

    __slots__ = (
        "_acknowledge", "_crash", "_entries", "_news", "_numbering", "_open", "_waiting", "last",
        "taken",
    )  # fmt: skip

    def __init__(self, acknowledge: Callable[[Receipt], None]) -> None:
        self._acknowledge = acknowledge
        self._entries: deque[tuple[Event | None, Receipt | None, int]] = deque()
        self._waiting: dict[int, Receipt] = {}
        """By number, what has arrived and was not taken."""
        self._news = asyncio.Event()
        self._numbering = 0
        self._open = True
        self._crash: BaseException | None = None
        self.last: int | None = 0
        """The last number that arrived; None where the next push says it."""
        self.taken = 0
        """Everything up to here is acknowledged."""

    @property
    def arrived(self) -> int | None:
        """What to tell a node on coming back; None where nothing is known.

        Usually the last number that arrived, so that nothing is repeated. But that acknowledges what
        waits here, and a node would send as much again after each reconnect. So a reader that lags far
        behind tells what it has taken; what the node then repeats is known here, and dropped, unless it
        is ``given_anew``.
        """
        lagging = len(self._entries) > LAG_LIMIT
        return self.taken if lagging and self.last is not None else self.last

    def given_anew(self, receipt: Receipt) -> bool:
        """Whether another push has had this number: the node came back with an older data set, and
        could not know from what was taken how far it had been."""
        known = self._waiting.get(receipt.seq)
        return known is not None and known.frame != receipt.frame

    def renumber(self, last: int | None) -> None:
        """The node counts anew: for a new account from 1, for one that lost something from anywhere."""
        self.last = last
        self.taken = 0
        self._waiting.clear()
        self._numbering += 1  # a receipt of the old count must not be sent in the new one

    def turn(self, seq: int) -> Turn:
        """Whether to take this push. The one that is next counts as arrived from here on."""
        if self.last is not None and seq <= self.last:
            return Turn.KNOWN
        if self.last is not None and seq > self.last + 1:
            return Turn.GAP
        self.last = seq
        return Turn.NEXT

    def put(self, event: Event | None, receipt: Receipt | None = None) -> None:
        """Queue an event; for None the receipt is sent in its turn and nothing is shown."""
        if event is None and receipt is None:
            return
        if len(self._entries) >= EVENTS_LIMIT:
            if isinstance(event, Typing):
                return
            raise OverflowError(f"{EVENTS_LIMIT} events are waiting: nobody takes them")
        if receipt is not None:
            self._waiting[receipt.seq] = receipt
        self._entries.append((event, receipt, self._numbering))
        self._news.set()

    def close(self, crash: BaseException | None = None) -> None:
        """Nothing more will come: readers get what is there, then the end, or the crash."""
        self._open = False
        self._crash = crash
        self._news.set()

    async def events(self) -> AsyncIterator[Event]:
        """Take events as they come, until the client has ended."""
        while True:
            while self._entries:
                event = self._take()
                if event is not None:
                    yield event
            if self._crash is not None:
                raise self._crash
            if not self._open:
                return
            self._news.clear()
            await self._news.wait()

    def _take(self) -> Event | None:
        event, receipt, numbering = self._entries.popleft()
        if receipt is not None and numbering == self._numbering:
            self.taken = receipt.seq
            self._waiting.pop(receipt.seq, None)
            self._acknowledge(receipt)
        return event
