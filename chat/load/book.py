"""The book: every message that was confirmed arrives once, and in the order in which it was said.

It keeps what is under way and nothing else. Whoever says something, and whoever hears it, tell the book;
both are in this process, so nothing has to be collected afterwards.
"""

from collections.abc import Iterator

MOST_UNDER_WAY = 1024
"""Messages of one person that have not arrived: beyond, the oldest is given up as missing."""
MOST_ENDED = 10_000
"""Sessions that have ended while something was under way: beyond, the oldest are settled."""


class Way:
    """What one says to the other in a session. Times are when a message was due, on the crowd's clock."""

    __slots__ = ("_again", "_known", "last", "said", "unanswered", "unarrived")

    def __init__(self, *, known: bool = True) -> None:
        """``known``: whether the partner is one of ours, who says what has arrived."""
        self._known = known
        self.unanswered: dict[int, float] = {}
        """In the order of saying."""
        self.unarrived: dict[int, float] = {}
        self.said = 0
        """The highest number that was said."""
        self.last = 0
        """The highest number that has arrived."""
        self._again: dict[int, bool] = {}

    def say(self, number: int, due: float) -> None:
        self.unanswered[number] = due
        self.said = number
        if self._known:
            self.unarrived[number] = due

    def confirm(self, number: int) -> float | None:
        """When it was due; None for one that is not waiting for an answer."""
        return self.unanswered.pop(number, None)

    def refuse(self, number: int) -> None:
        """It will not be done. What was repeated may have been done before, and may still arrive."""
        self.unanswered.pop(number, None)
        if number not in self._again:
            self.unarrived.pop(number, None)

    def repeat(self, number: int, out_of_turn: bool = False) -> None:
        """It is sent again, since nobody knows whether it was done. ``out_of_turn``: after later ones."""
        if number in self.unarrived:
            self._again[number] = out_of_turn or self._again.get(number, False)

    def arrive(self, number: int) -> tuple[float | None, bool]:
        """When it was due, or None for one that is not expected; and whether it keeps the order."""
        due = self.unarrived.pop(number, None)
        in_order = number > self.last
        if in_order:
            self.last = number
        if self._again:
            in_order = self._again.pop(number, False) or in_order
        return due, in_order

    def owed(self) -> Iterator[int]:
        """What was confirmed and has not arrived."""
        return (number for number in self.unarrived if self._is_owed(number))

    def _is_owed(self, number: int) -> bool:
        return number not in self.unanswered

    def give_up_oldest(self) -> bool:
        """Forgets the oldest message under way; whether it was owed."""
        number = next(iter(self.unarrived))
        del self.unarrived[number]
        return self._is_owed(number)

    @property
    def under_way(self) -> bool:
        return bool(self.unarrived or self.unanswered)

    def void(self) -> None:
        """Nothing is owed here any more: one of the two is gone."""
        self._known = False
        self.unanswered.clear()
        self.unarrived.clear()
        self._again.clear()


class Book:
    """Sessions by their id, each with its two ways by the account of the speaker."""

    def __init__(self) -> None:
        self._sessions: dict[int, dict[int, Way]] = {}
        self._ended: dict[int, None] = {}
        self.missing = 0
        """Confirmed, and not arrived; given up for good."""
        self.twice = 0
        self.disordered = 0
        self.strange = 0
        """Arrived, but nobody had said it, or not so, or not to this person."""

    @property
    def wrong(self) -> int:
        return self.missing + self.twice + self.disordered + self.strange

    def open(self, session: int, me: int, partner: int) -> tuple[Way, Way]:
        """What I say and what I hear; the other, who opens it too, gets the same two."""
        ways = self._sessions.setdefault(session, {me: Way(), partner: Way()})
        if me not in ways or partner not in ways:  # a session of three: the node mixes people up
            self.strange += 1
            return Way(), Way()
        return ways[me], ways[partner]

    def way(self, session: int, speaker: int) -> Way | None:
        """For what arrives from a session that is not the newest."""
        return self._sessions.get(session, {}).get(speaker)

    def say(self, way: Way, number: int, due: float) -> None:
        way.say(number, due)
        if len(way.unarrived) > MOST_UNDER_WAY:
            self.missing += way.give_up_oldest()

    def arrive(self, way: Way, number: int) -> float | None:
        """When it was due; None for what should not have arrived."""
        if number > way.said:
            self.strange += 1
            return None
        due, in_order = way.arrive(number)
        if due is None:
            self.twice += 1
        elif not in_order:
            self.disordered += 1
        return due

    def end(self, session: int) -> None:
        """Nothing more is said in it; what is under way may still arrive."""
        if session in self._sessions:
            self._ended[session] = None
            if len(self._ended) > MOST_ENDED:
                self._settle(next(iter(self._ended)))

    def void(self, session: int) -> None:
        """One of the two is gone for good: what was for them cannot arrive."""
        for way in self._sessions.pop(session, {}).values():
            way.void()
        self._ended.pop(session, None)

    def tidy(self) -> None:
        """Forgets the ended sessions in which nothing is under way. Called from time to time."""
        done = [s for s in self._ended if not any(w.under_way for w in self._sessions[s].values())]
        for session in done:
            self._settle(session)

    def under_way(self) -> int:
        """Messages that are not confirmed, or confirmed and have not arrived."""
        return sum(
            len(way.unanswered) + sum(1 for _ in way.owed())
            for ways in self._sessions.values()
            for way in ways.values()
        )

    def unanswered(self) -> int:
        ways = (way for ways in self._sessions.values() for way in ways.values())
        return sum(len(way.unanswered) for way in ways)

    def close(self) -> None:
        """The wait is over: what has not arrived is missing."""
        for session in list(self._sessions):
            self._settle(session)

    def _settle(self, session: int) -> None:
        self._ended.pop(session, None)
        for way in self._sessions.pop(session).values():
            self.missing += sum(1 for _ in way.owed())
            way.void()
