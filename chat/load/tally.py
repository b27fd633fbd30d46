"""What a run counted: numbers, times, and what was refused."""

from collections import Counter

from chat.load.histogram import Histogram

CODES = {
    1: "ParamErr", 2: "InternalErr", 3: "UnknownErr", 4: "NoDataFound",
    5: "NotAllowed", 6: "RateLimited", 7: "SessionClosed",
}  # fmt: skip


class Tally:
    """One for a crowd. Times are in seconds."""

    __slots__ = (
        "accounts", "accounts_lost", "all_back", "answer", "arrived", "back", "behind", "came_back",
        "confirmed", "connect", "cut", "delivery", "errors", "held_back", "match", "meetings", "pings", "refused",
        "repeated", "said", "sockets_lost", "troubles", "unanswered", "unrecovered",
    )  # fmt: skip

    def __init__(self) -> None:
        self.accounts = 0
        """Made."""
        self.accounts_lost = 0
        """Whom no node knew any more when they came back."""
        self.sockets_lost = 0
        """Not those that were cut on purpose."""
        self.cut = 0
        """Sockets that were cut on purpose."""
        self.came_back = 0
        self.unrecovered = 0
        """Who were told that something could not be replayed."""
        self.meetings = 0
        """Sessions that began."""
        self.pings = 0
        """PING_REQ of nodes, all of them answered."""
        self.said = 0
        self.confirmed = 0
        """Answered with code 0."""
        self.arrived = 0
        self.refused = 0
        """Messages that were answered with a code which says that they will not be done."""
        self.repeated = 0
        """Messages that were sent again, because nobody knew whether they had been done."""
        self.unanswered = 0
        """Messages without an answer when the wait at the end was over."""
        self.held_back = 0
        """Messages that were due and not said: the person had too many without an answer, or nobody to
        talk to; or their time came too late."""
        self.errors: Counter[tuple[str, int]] = Counter()
        """Requests that were not answered with code 0, by request and code; 4 of a match is no error."""
        self.troubles: Counter[str] = Counter()
        """What happened to sockets, in words."""
        self.connect = Histogram()
        """From the first byte of a connection to the account."""
        self.match = Histogram()
        """From when the second of two asked, until each of them knows."""
        self.answer = Histogram()
        """From when a message was due to its confirmation."""
        self.delivery = Histogram()
        """From when a message was due to its arrival at the partner."""
        self.back = Histogram()
        """From the loss of a socket to having the account again."""
        self.all_back: float | None = None
        """How long it took until all were back whose sockets were cut at once; None: it was not done, or
        they are not all back."""
        self.behind = 0.0
        """By how much the generator itself was late at most."""

    def trouble(self, what: str, limit: int = 50) -> None:
        """Counts what happened to a socket; only so many kinds of it are told apart."""
        known = what in self.troubles or len(self.troubles) < limit
        self.troubles[what if known else "other troubles"] += 1

    def forget_times(self) -> None:
        """Times of messages are those from here on."""
        self.answer, self.delivery = Histogram(), Histogram()
