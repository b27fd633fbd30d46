"""The open sessions of a client, and what a push says about them."""

import asyncio
from collections.abc import Callable

from chat.client.events import (
    Event,
    Matched,
    Message,
    PartnerAway,
    PartnerBack,
    PartnerLeft,
    Session,
    Typing,
    Viewed,
)
from chat.client.frames import Frame, Malformed, integer, members, text


class Sessions:
    """``found`` is told of every session that is new here."""

    __slots__ = ("_found", "_open", "_turns")

    def __init__(self, found: Callable[[Session], None]) -> None:
        self._found = found
        self._open: dict[int, Session] = {}
        self._turns: dict[int, asyncio.Lock] = {}

    def all(self) -> tuple[Session, ...]:
        """The open ones, oldest first."""
        return tuple(self._open.values())

    def turn(self, session: Session) -> asyncio.Lock:
        """Held by the one who is speaking; in a session that has ended nobody has to wait."""
        return self._turns.get(session.id) or asyncio.Lock()

    def opened(self, session: Session) -> Matched | None:
        """None for one that is known: an answer, a push and a reconnect may tell of the same."""
        if session.id in self._open:
            return None
        self._open[session.id] = session
        self._turns[session.id] = asyncio.Lock()
        self._found(session)
        return Matched(session)

    def ended(self, session_id: int) -> PartnerLeft | None:
        """None for one that had ended before."""
        self._turns.pop(session_id, None)
        session = self._open.pop(session_id, None)
        return None if session is None else PartnerLeft(session)

    def clear(self) -> tuple[Session, ...]:
        """All of them have ended."""
        sessions = self.all()
        self._open.clear()
        self._turns.clear()
        return sessions

    def event(self, push: Frame) -> Event | None:
        """None where there is nothing to tell: a session that was left, a signal of a later version."""
        session_id = integer(push, "sessionId")
        if push.get("signalType") == "NewSession":
            partner = members(push, "data")
            name = text(partner, "nickName")
            return self.opened(Session(session_id, integer(partner, "accountId"), name))
        session = self._open.get(session_id)
        if session is None:
            return None
        if push["cmd"] == "PUSH_DIALOGUE_REQ":
            return Message(session, integer(push, "msgId"), text(push, "content"))
        if push["cmd"] == "PUSH_VIEWED_ACK_REQ":
            return Viewed(session, integer(push, "msgId"))
        return self._signal(session, push)

    def _signal(self, session: Session, push: Frame) -> Event | None:
        match push.get("signalType"):
            case "Typing":
                return Typing(session, members(push, "data").get("typing") is True)
            case "PartnerAway":
                return PartnerAway(session)
            case "PartnerBack":
                return PartnerBack(session)
            case "PartnerExit":
                return self.ended(session.id)
        return None


def announced(fields: object) -> Session:
    """The session that an answer names."""
    if not isinstance(fields, dict):
        raise Malformed("a session is no object")
    partner_id, name = integer(fields, "partnerId"), text(fields, "partnerName")
    return Session(integer(fields, "sessionId"), partner_id, name)


def listed(answer: Frame) -> tuple[Session, ...] | None:
    """The open sessions that an answer lists; None where a node does not list them."""
    sessions = answer.get("sessions")
    if sessions is None:
        return None
    if not isinstance(sessions, list):
        raise Malformed("sessions is no list")
    return tuple(announced(session) for session in sessions)
