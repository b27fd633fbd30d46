"""The account of a client: who it is, and what answers and pushes do to that."""

import asyncio
from collections.abc import AsyncIterator

from chat.client.events import (
    NO_DATA_FOUND,
    SUCCESS,
    AccountLost,
    Closed,
    Event,
    Missed,
    Reconnected,
    Refused,
    Session,
)
from chat.client.frames import Frame, Malformed, integer, text
from chat.client.inbox import Inbox, Receipt, Turn
from chat.client.link import Link, Surroundings
from chat.client.sessions import Sessions, announced, listed
from chat.client.socket import Socket, fail, log


class Account:
    """Owns the link: says who it is on each new connection, and takes what comes.

    ``found`` is what a search waits for: a session, or None where it has to ask again. ``queued``
    is whether the node has it in its queue.
    """

    __slots__ = ("_gap", "_inbox", "_token", "found", "id", "link", "name", "queued", "sessions")

    def __init__(self, name: str, outside: Surroundings) -> None:
        self.link = Link(self, outside)
        self.id = 0
        self.name = name
        self.sessions = Sessions(self._found_one)
        self.found: asyncio.Future[Session | None] | None = None
        self.queued = False
        self._inbox = Inbox(self._acknowledge)
        self._token = ""
        self._gap: int | None = None

    def events(self) -> AsyncIterator[Event]:
        return self._inbox.events()

    def _acknowledge(self, receipt: Receipt) -> None:
        self.link.send(receipt.command, seq=receipt.seq)

    # -- what the link asks of its owner

    async def identify(self, socket: Socket) -> None:
        """Bind a new socket to the account, or to a new account where that is gone."""
        if self._token:
            try:
                await socket.request("RECONNECT_REQ", **self.credentials())
                return
            except Refused as refused:
                if refused.code != NO_DATA_FOUND:
                    raise
        await socket.request("CRT_ACCOUNT_REQ", nickName=self.name)

    def credentials(self) -> Frame:
        """What takes the account over to a new socket."""
        arrived = self._inbox.arrived
        known = {} if arrived is None else {"seq": arrived}
        return {"accountId": self.id, "token": self._token, **known}

    def notice(self, event: Event) -> None:
        """What happened to the connection."""
        self._inbox.put(event)

    def ended(self, why: Closed, crash: Exception | None) -> None:
        """Nothing more will come."""
        self._inbox.close(crash)
        if self.found is not None:
            fail(self.found, why)

    def receive(self, socket: Socket, frame: Frame) -> None:
        """A push, or an answer before its request sees it."""
        command = frame["cmd"]
        code = frame.get("code", SUCCESS)
        if command == "PING_REQ":
            socket.send("PING_RESP", accountId=self.id)
        elif command.startswith("PUSH_") and command.endswith("_REQ"):
            self._pushed(socket, frame)
        elif code == SUCCESS:
            self._answered(socket, frame)
        elif command == "MATCH_RESP" and code == NO_DATA_FOUND:
            self.queued = True

    # -- answers

    def _answered(self, socket: Socket, frame: Frame) -> None:
        match frame["cmd"]:
            case "CRT_ACCOUNT_RESP":
                self._created(socket, frame)
            case "RECONNECT_RESP":
                self._resumed(socket, frame)
            case "MATCH_RESP":
                session = announced(frame)
                self._inbox.put(self.sessions.opened(session))
                # Also one that is known: a node answers with a session that has had no message yet.
                self._found_one(session)
            case "DIALOGUE_RESP":
                integer(frame, "msgId")

    def _created(self, socket: Socket, frame: Frame) -> None:
        gone = self.id if self._token else None
        created = integer(frame, "accountId"), text(frame, "token"), text(frame, "nickName")
        self.id, self._token, self.name = created
        sessions = self.sessions.clear()
        self._renumber(0)
        self.link.online(socket)
        if gone is not None:
            self._inbox.put(AccountLost(gone, sessions))
            self._lose_place()

    def _resumed(self, socket: Socket, frame: Frame) -> None:
        """A node that does not say ``recovered`` replays nothing, so something may be missing."""
        waiting, recovered = frame.get("waiting") is True, frame.get("recovered") is True
        sessions = listed(frame)
        if sessions is None:
            sessions = self.sessions.all()
        if not recovered:
            self._renumber(None)
        self.link.online(socket)
        self._inbox.put(Reconnected(recovered, waiting, sessions))
        self._reconcile(sessions, recovered)
        if waiting:
            self.queued = True
        elif not recovered:
            self._lose_place()  # otherwise a NewSession is on its way, and asking could open a second

    def _reconcile(self, sessions: tuple[Session, ...], recovered: bool) -> None:
        """A session may have begun with an answer that was lost, or ended with a push that was.

        Those that were known are no answer to a search: it goes on until there is a new one.
        """
        for session in sessions:
            self._inbox.put(self.sessions.opened(session))
        if not recovered:
            for session in set(self.sessions.all()) - set(sessions):
                self._inbox.put(self.sessions.ended(session.id))

    def _found_one(self, session: Session) -> None:
        self.queued = False
        if self.found is not None and not self.found.done():
            self.found.set_result(session)

    def _lose_place(self) -> None:
        """A match that waits has to ask again."""
        self.queued = False
        if self.found is not None and not self.found.done():
            self.found.set_result(None)

    def _renumber(self, last: int | None) -> None:
        self._gap = None
        self._inbox.renumber(last)

    # -- pushes

    def _pushed(self, socket: Socket, frame: Frame) -> None:
        if frame.get("seq") is None:  # never stored, or of a node that does not number
            self._inbox.put(self.sessions.event(frame))
            return
        receipt = Receipt(frame["cmd"][:-3] + "RESP", integer(frame, "seq"), frame)
        if self._inbox.given_anew(receipt):
            self._renumber(receipt.seq - 1)
        if not self._in_turn(socket, receipt):
            return
        try:
            event = self.sessions.event(frame)
        except Malformed as malformed:
            log.warning("push %d cannot be read: %s", receipt.seq, malformed)
            event = Missed(receipt.seq, receipt.seq)
        self._inbox.put(event, receipt)

    def _in_turn(self, socket: Socket, receipt: Receipt) -> bool:
        """Each number once. After a gap the node is asked for what is missing, by reconnecting, once."""
        turn, last = self._inbox.turn(receipt.seq), self._inbox.last
        if turn is Turn.KNOWN and receipt.seq <= self._inbox.taken:
            self._acknowledge(receipt)  # the first acknowledgement was lost
        if turn is Turn.GAP and last is not None:
            if self._gap != last:
                self._gap = last
                socket.drop("a push is missing")
                return False
            self._inbox.put(Missed(last + 1, receipt.seq - 1))
            self._inbox.last = receipt.seq
        return turn is not Turn.KNOWN
