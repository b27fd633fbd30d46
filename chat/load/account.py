"""The account of one person: made, and taken along from one socket to the next; and what it has received."""

from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple, cast

import orjson

from chat.load import frames
from chat.load.hints import UNDONE, in_vain
from chat.load.host import FINAL, PUSHES_AT_ONCE, REPEAT_SECONDS, Host, State
from chat.load.socket import Socket

if TYPE_CHECKING:
    from chat.load.person import Person

AGAIN = frozenset({UNDONE, 3, 6})
"""Codes after which the same request may be answered otherwise."""


class Undone(NamedTuple):
    """Answers of a node with code 2, and none with another in between: to what, from when on, and the last."""

    request: str
    since: float
    last: float


class Account(Socket):
    """``place`` says which URL it tries; it starts with ``index``, and moves on with every loss."""

    __slots__ = (
        "_asked", "_host", "_owing", "_seq", "_stuck", "_token", "_unacknowledged",
        "account", "attempts", "began", "gone_since", "index", "place", "state", "undone", "url",
    )  # fmt: skip

    def __init__(self, host: Host, place: int) -> None:
        super().__init__()
        self._host = host
        self._token = b'""'
        self._seq = 0
        self._unacknowledged = 0
        self._owing = False
        self._asked = ""
        self._stuck: tuple[object, float] = (None, 0.0)
        self.account = 0
        self.state = State.AWAY
        self.index = self.place = place
        self.url = ""
        self.attempts = 0
        """To connect, in vain."""
        self.began = 0.0
        """When its connection was begun."""
        self.gone_since: float | None = None
        """When it lost its socket."""
        self.undone: Undone | None = None
        """What it gets in place of answers; None where it gets those, or none at all."""

    # what a person does

    @abstractmethod
    def returned(self, told: dict[str, object]) -> None:
        """It is here again, as this RECONNECT_RESP says."""

    @abstractmethod
    def forgotten(self) -> None:
        """No node knows the account any more."""

    @abstractmethod
    def answered(self, request: str, code: int, told: dict[str, object]) -> None:
        """Another request was answered."""

    @abstractmethod
    def again(self, request: str) -> None:
        """Asks once more for what a node could not do, or was not asked for, if it is still wanted."""

    @abstractmethod
    def oldest_unanswered(self) -> int:
        """The number of a message, 0 where all are answered."""

    # the socket

    def opened(self) -> bool:
        if self.state is State.DONE:  # it ended while the socket was on its way
            return False
        self.state = State.ARRIVING
        self.identify()
        return True

    def closed(self, code: int) -> None:
        self._asked = ""
        self.undone = None  # what the next node says is another matter
        if self.state is State.ARRIVING:
            self.attempts += 1
        if self.state is not State.DONE:
            self.state = State.DONE if code in FINAL else State.AWAY
            self._host.lost(self._myself, code)

    def malformed(self, why: str) -> None:
        self._host.tally.trouble(f"a malformed frame: {why}")

    @property
    def _myself(self) -> "Person":
        return cast("Person", self)

    def goodbye(self) -> None:
        """Closes with 1000: the account is not needed any more."""
        self.acknowledge()
        self.state = State.DONE
        self.close()

    def vanish(self) -> None:
        """Its socket is gone, without a word, and it does not come back."""
        self.state = State.DONE
        self.cut()

    def look(self, now: float) -> None:
        """Leaves a node that does not answer, or only that it was not done. Called every second or so."""
        waits_for = (self._asked, self.oldest_unanswered())
        if not self.connected or waits_for == ("", 0) or waits_for != self._stuck[0]:
            self._stuck = (waits_for, now)
        elif now - self._stuck[1] > self._host.answer_seconds and (why := self._why(now)):
            self._host.tally.trouble(why)
            self._stuck = (None, now)
            self.cut()

    def _why(self, now: float) -> str:
        """It has waited for so long that it leaves. Empty where there were answers, and then none, but neither for
        long enough."""
        limit, undone = self._host.answer_seconds, self.undone
        if undone is None or now - undone.last > limit:
            return f"no answer to {self._asked or 'DIALOGUE_REQ'} for {limit:g} s"
        return in_vain(undone.request, limit) if now - undone.since > limit else ""

    # who it is

    def identify(self) -> None:
        if self.account:
            self._asked = "RECONNECT_REQ"
            self.send(frames.reconnect(self.account, self._token, self._seq))
        else:
            self._asked = "CRT_ACCOUNT_REQ"
            self.send(frames.CREATE)

    def ask(self, request: str, frame: bytes) -> None:
        """While there is no socket nothing is asked: coming back, it asks for what it still wants."""
        if self.state is State.HERE:
            self._asked = request
            self.send(frame)

    def answer(self, cmd: str, told: dict[str, object]) -> None:
        """An X_RESP that is not a message's success."""
        code = frames.integer(told, "code")
        request = f"{cmd.removesuffix('_RESP')}_REQ"
        if cmd == "ERROR_RESP":
            request = str(told.get("ref"))
        if request == self._asked:
            self._asked = ""
        self._was_done(request, code)
        if request == "CRT_ACCOUNT_REQ" and code == 0:
            self._created(told)
        elif request == "RECONNECT_REQ" and code == 0:
            self._recovered(told)
        elif request == "RECONNECT_REQ" and code == 4:
            self._forgotten()
        elif request in ("CRT_ACCOUNT_REQ", "RECONNECT_REQ"):
            self.refused(request, code, told)
        else:
            self.answered(request, code, told)

    def _was_done(self, request: str, code: int) -> None:
        if code != UNDONE:
            self.undone = None
            return
        now = self._host.clock()
        self.undone = Undone(request, self.undone.since if self.undone else now, now)

    def refused(self, request: str, code: int, told: dict[str, object]) -> None:
        """Counts it, and asks again where that may help."""
        self._host.refused(self._myself, request, code)
        if code in AGAIN:
            wait = told.get("retryAfterMs")
            seconds = wait / 1000 if isinstance(wait, int) else 0.0
            self._host.later(max(seconds, REPEAT_SECONDS), self._myself, request)

    def _created(self, told: dict[str, object]) -> None:
        self.account = frames.integer(told, "accountId")
        self._token = orjson.dumps(told.get("token"))
        self._seq = 0
        self._host.tally.accounts += 1
        self._arrived()
        self.again("MATCH_REQ")  # what somebody wanted whom no node knew any more

    def _recovered(self, told: dict[str, object]) -> None:
        if told.get("recovered") is not True:
            self._host.tally.unrecovered += 1
        self._arrived()
        self.returned(told)

    def _arrived(self) -> None:
        self.state = State.HERE
        self.attempts = 0
        self._unacknowledged = 0
        self._host.here(self._myself)

    def _forgotten(self) -> None:
        self._host.tally.accounts_lost += 1
        self.forgotten()
        self.account = 0
        self.identify()

    # what has arrived

    def take(self, seq: int) -> None:
        """A push is here: it is acknowledged, alone or with others."""
        self._seq = seq
        self._unacknowledged += 1
        if self._unacknowledged >= PUSHES_AT_ONCE or self._host.ack_each:
            self.acknowledge()
        elif not self._owing:
            self._owing = True
            self._host.owes(self._myself)

    def acknowledge(self) -> None:
        """Says that all pushes have arrived that did."""
        if self._unacknowledged and self.state is State.HERE:
            self._unacknowledged = 0
            self.send(frames.acknowledge(self._seq))

    def acknowledge_in_time(self) -> None:
        """What the host calls when it has been owed for long enough."""
        self._owing = False
        self.acknowledge()
