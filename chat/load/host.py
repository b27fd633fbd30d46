"""What all people of a crowd share, as one of them sees it."""

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from chat.load.book import Book
from chat.load.tally import Tally

if TYPE_CHECKING:
    from chat.load.person import Person

WINDOW = 64
"""Messages of one person without an answer; a node recognises no more of them when they are repeated."""
PUSHES_AT_ONCE = 16
"""So many pushes are acknowledged together, if that does not take longer than ACK_SECONDS."""
ACK_SECONDS = 0.2
REPEAT_SECONDS = 0.5
"""After code 2."""
FINAL = frozenset({4001, 4003})
"""Closed with one of these, a client does not come back."""


class State(Enum):
    """Of a person."""

    AWAY = 0
    ARRIVING = 1
    """A socket without its account."""
    HERE = 2
    DONE = 3
    """Said goodbye, or is not wanted."""


class Host(Protocol):
    """Whom a person tells what happens to it."""

    tally: Tally
    book: Book
    ack_each: bool
    """Every push is acknowledged at once, alone."""
    answer_seconds: float
    """A node that does not answer for so long is left, as clients do."""
    people: "dict[int, Person]"
    """By account."""

    def clock(self) -> float:
        """In seconds; only differences mean something."""

    def owes(self, person: "Person") -> None:
        """It has pushes to acknowledge: its ``acknowledge_in_time`` has to be called within ACK_SECONDS."""

    def later(self, seconds: float, person: "Person", request: str) -> None:
        """Its ``again(request)`` has to be called then."""

    def refused(self, person: "Person", request: str, code: int) -> None:
        """A request was answered with a code that is not 0."""

    def here(self, person: "Person") -> None:
        """It has a socket with its account, for the first time or again."""

    def lost(self, person: "Person", code: int) -> None:
        """It has no socket any more, which ended with this close code."""

    def waits(self, person: "Person") -> None:
        """It asked for a partner, and is in the queue."""

    def met(self, person: "Person", *, asked: bool) -> None:
        """It is in a session. ``asked``: it was the other who had waited."""

    def left(self, person: "Person") -> None:
        """Its session has ended."""

    def heard(self, person: "Person") -> None:
        """A message of its partner has arrived."""
