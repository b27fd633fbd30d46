"""One simulated person: meets a partner, says numbered messages, and hears those of the other.

Everything is a callback of the socket: a person has no task, and a message no coroutine. When to come, to
match and to speak is said from outside; what happens is told to the ``Host``.
"""

from collections.abc import Iterator

from chat.load import frames
from chat.load.account import Account
from chat.load.book import Way
from chat.load.host import REPEAT_SECONDS, WINDOW, Host, State


class Person(Account):
    """In at most one session at a time. Times are on the host's clock, in seconds."""

    __slots__ = (
        "_form", "_former", "_into", "_number", "_out", "_undone", "due", "leads", "partner",
        "session", "wants_partner", "wants_to_leave",
    )  # fmt: skip

    def __init__(self, host: Host, place: int) -> None:
        super().__init__(host, place)
        self._number = 0
        self._out: Way | None = None
        self._into: Way | None = None
        self._form: frames.Form
        self._former: tuple[Way, frames.Form] | None = None
        self._undone: tuple[int, ...] = ()
        self.due = 0.0
        """When it should have asked for its partner."""
        self.session = 0
        """0 where there is none."""
        self.partner = 0
        self.leads = False
        """Of the two in its session, it is the one that has asked for the other."""
        self.wants_partner = False
        self.wants_to_leave = False

    # what it is told to do

    def say(self, due: float) -> bool:
        """Says the next message, which was due then; while there is no socket, it waits for one. Whether
        it could: not without a partner, nor with WINDOW messages that have no answer."""
        out, host = self._out, self._host
        if out is None or len(out.unanswered) >= WINDOW or self.wants_to_leave:
            host.tally.held_back += 1
            return False
        self._number = number = self._number + 1
        host.book.say(out, number, due)
        host.tally.said += 1
        if self.state is State.HERE:
            self.send(self._form.message(number))
        return True

    def match(self, due: float) -> None:
        """Looks for a partner, which was due then, and goes on looking until there is one."""
        self.wants_partner = True
        self.due = due
        self.ask("MATCH_REQ", frames.match(self.account))

    def leave(self) -> None:
        """Leaves its partner."""
        self.wants_to_leave = True
        self.ask("LEAVE_REQ", frames.leave(self.account, self.session))

    def again(self, request: str) -> None:
        if request in ("CRT_ACCOUNT_REQ", "RECONNECT_REQ"):
            if self.state is State.ARRIVING:
                self.identify()
        elif request == "MATCH_REQ" and self.wants_partner:
            self.ask(request, frames.match(self.account))
        elif request == "LEAVE_REQ" and self.wants_to_leave:
            self.leave()
        elif request == "DIALOGUE_REQ" and self.state is State.HERE:
            self._repeat_undone()

    @property
    def waits(self) -> bool:
        """In the queue, as far as it knows."""
        return self.wants_partner and not self._asked

    # what comes in

    def received(self, payload: bytes) -> None:
        if payload.startswith(frames.CONFIRMED):
            self._confirmed(frames.confirmed(payload))
        elif payload.startswith(frames.PUSHED):
            self._pushed(payload)
        else:
            self._other(frames.parse(payload))

    def _confirmed(self, number: int) -> None:
        due = self._out.confirm(number) if self._out is not None else None
        if due is None and self._former is not None:
            due = self._former[0].confirm(number)
        if due is None:
            self.malformed("an answer to a message that waits for none")
            return
        self.undone = None
        self._host.tally.confirmed += 1
        self._host.tally.answer.add(self._host.clock() - due)

    def _pushed(self, payload: bytes) -> None:
        session, sender, seq, number, text = frames.pushed(payload)
        host = self._host
        mine = session == self.session and sender == self.partner
        into = self._into if mine else host.book.way(session, sender)
        if into is not None and number and text == frames.TEXT:
            due = host.book.arrive(into, number)
            if due is not None:
                host.tally.arrived += 1
                host.tally.delivery.add(host.clock() - due)
        elif not mine or self.partner in host.people:
            host.book.strange += 1
        self.take(seq)
        if mine:
            host.heard(self)

    def _other(self, told: dict[str, object]) -> None:
        cmd = told.get("cmd")
        if cmd == "PING_REQ":
            self._host.tally.pings += 1
            self.send(frames.pong(self.account))
        elif isinstance(cmd, str) and cmd.endswith("_RESP"):
            self.answer(cmd, told)
        else:
            if isinstance(seq := told.get("seq"), int):
                self.take(seq)
            if cmd == "PUSH_SIGNAL_REQ":
                self._signal(told)

    def _signal(self, told: dict[str, object]) -> None:
        session = frames.integer(told, "sessionId")
        kind = told.get("signalType")
        if kind == "NewSession":
            self._meet(session, frames.integer(told, "senderId"), asked=False)
        elif kind == "PartnerExit" and session == self.session:
            self._part()

    def answered(self, request: str, code: int, told: dict[str, object]) -> None:
        if request == "DIALOGUE_REQ":
            self._not_confirmed(code, told)
        elif request == "MATCH_REQ" and code == 0:
            self._meet(
                frames.integer(told, "sessionId"), frames.integer(told, "partnerId"), asked=True
            )
        elif request == "LEAVE_REQ" and code in (0, 7):  # 7: the other was faster
            if self.wants_to_leave:
                self._part()
        elif (request, code) == ("MATCH_REQ", 4):
            self._host.waits(self)
        elif code != 0:
            self.refused(request, code, told)

    # a session

    def _meet(self, session: int, partner: int, *, asked: bool) -> None:
        """Of a session that is known already there is nothing new."""
        if session == self.session:
            return
        host = self._host
        if self.session:
            host.book.end(self.session)
        self.session, self.partner, self.wants_partner = session, partner, False
        if partner in host.people:
            self._out, self._into = host.book.open(session, self.account, partner)
        else:  # a stranger from elsewhere: nobody says what has arrived there
            self._out, self._into = Way(known=False), None
        self._form = frames.Form(self.account, session)
        other = host.people.get(partner)
        if other is not None and other.session == session and not other.leads:
            asked = True  # both have waited, each in a pool of its own, and one was moved
        self.leads = asked
        since = self.due if asked else host.people[partner].due if partner in host.people else 0.0
        if since:
            host.tally.match.add(host.clock() - since)
        host.met(self, asked=asked)

    def _part(self) -> None:
        if self._out is not None:
            self._host.book.end(self.session)
            if self._out.unanswered:
                self._former = self._out, self._form
        self._out = self._into = None
        self.session = self.partner = 0
        self.wants_to_leave = False
        self._host.left(self)

    def forgotten(self) -> None:
        self._host.people.pop(self.account, None)
        self._former = None
        if self.session:
            self._host.book.void(self.session)
            self._part()

    def returned(self, told: dict[str, object]) -> None:
        """Asks for what it wanted and has no answer to, as it may have been done or not."""
        known = frames.sessions(told)
        if self.wants_partner and known:
            self._meet(*known.popitem(), asked=True)
        elif self.wants_partner and told.get("waiting") is not True:
            self.again("MATCH_REQ")
        elif self.wants_to_leave and self.session in known:
            self.leave()
        elif self.wants_to_leave:
            self._part()
        self._repeat()

    # messages without an answer

    def oldest_unanswered(self) -> int:
        return next(iter(self._out.unanswered), 0) if self._out is not None else 0

    def _unfinished(self) -> Iterator[tuple[Way, frames.Form]]:
        if self._former is not None:
            yield self._former
        if self._out is not None:
            yield self._out, self._form

    def _repeat(self) -> None:
        """Says all that has no answer again: it was done or not."""
        self._undone = ()
        for way, form in self._unfinished():
            for number in way.unanswered:
                way.repeat(number)
                self._say_again(form, number)

    def _repeat_undone(self) -> None:
        undone, self._undone = self._undone, ()
        for way, form in self._unfinished():
            for number in undone:
                if number in way.unanswered:
                    self._say_again(form, number)

    def _say_again(self, form: frames.Form, number: int) -> None:
        self.send(form.repeated(number))
        self._host.tally.repeated += 1

    def _not_confirmed(self, code: int, told: dict[str, object]) -> None:
        text = told.get("requestId")
        number = int(text) if isinstance(text, str) and text.isdigit() else 0
        for way, _ in self._unfinished():
            if number in way.unanswered:
                if code == 2:  # done or not; later ones may come before it now
                    way.repeat(number, out_of_turn=True)
                else:
                    way.refuse(number)
        if code == 2:
            self._undone += (number,)
            self._host.later(REPEAT_SECONDS, self, "DIALOGUE_REQ")
        else:
            self._host.tally.refused += 1
        self._host.refused(self, "DIALOGUE_REQ", code)
