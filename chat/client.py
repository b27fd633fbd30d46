"""An asyncio client of the chat: for the terminal, for load and tests, and to build bots on.

    async with Client("ws://127.0.0.1:8000/ws", name="Ada") as me:
        session = await me.match()
        await me.say(session, "Hello")
        async for event in me.events():
            match event:
                case Message(session, msg_id, content):
                    await me.viewed(session, msg_id)
                    await me.say(session, f"You said {content}")
                case PartnerLeft():
                    break

It knows nothing but the protocol. A lost connection is not the caller's business: calls wait for the
next one and repeat what was not answered, without doing it twice; events say what happened.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from itertools import cycle
from random import Random
from ssl import SSLContext
from types import TracebackType
from typing import Self

from chat.client_events import (
    INTERNAL_ERR,
    NO_DATA_FOUND,
    SESSION_CLOSED,
    SUCCESS,
    AccountLost,
    Closed,
    Event,
    MatchCancelled,
    Missed,
    Reconnected,
    Refused,
    Session,
    Timing,
)
from chat.client_inbox import Inbox, Receipt, Turn
from chat.client_link import Link, Surroundings
from chat.client_sessions import Sessions, announced, listed
from chat.client_socket import Frame, Malformed, Socket, SocketLost, fail, integer, log, text


class Client:
    """One anonymous account and its connection. Used once, as ``async with Client(...) as me``.

    ``urls`` are further addresses of the same service, tried in turn. ``random`` is the source of
    jitter and request ids, ``sleep`` and ``clock`` of the pauses between attempts.

    What holds for every call: it waits while the connection is lost, and as long as a node asks it to
    (code 6) or has no Redis (code 2). It raises ``Refused`` for any other code, and ``Closed`` once
    the client has ended. Cancelling a call does not take back what has been sent.

    Take the ``events()``: a push is acknowledged when it is taken, and a node keeps only so many.
    """

    __slots__ = (
        "_found", "_gap", "_inbox", "_link", "_queued", "_random", "_sessions", "_token",
        "account_id", "name",
    )  # fmt: skip

    def __init__(
        self,
        url: str,
        name: str | None = None,
        *,
        urls: Sequence[str] = (),
        timing: Timing | None = None,
        random: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        ssl: SSLContext | None = None,
    ) -> None:
        self._random = random or Random()  # noqa: S311 - guards nothing
        addresses = cycle((url, *urls))
        self._link = Link(
            self, Surroundings(addresses, timing or Timing(), self._random, sleep, clock, ssl)
        )
        self._inbox = Inbox(self._acknowledge)
        self._token = ""
        self._sessions = Sessions(self._found_one)
        self._found: asyncio.Future[Session | None] | None = None
        self._queued = False
        self._gap: int | None = None
        self.account_id = 0
        """Changes when the account is lost."""
        self.name = name or ""
        """As the node has accepted or chosen it."""

    async def __aenter__(self) -> Self:
        """Connect and get an account, or raise ``ConnectionFailed`` after ``timing.connect`` seconds."""
        await self._link.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Say goodbye: the account ends at once and its partners are told. Raises the crash, if any."""
        await self._link.close()

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The open ones, oldest first."""
        return self._sessions.all()

    def events(self) -> AsyncIterator[Event]:
        """Everything that happens, in order; ends after ``Replaced``, ``Banned`` or a goodbye.

        One reader at a time. A reader that stops may be followed by another, which goes on from there.
        """
        return self._inbox.events()

    # -- calls

    async def match(self) -> Session:
        """Find a stranger; waits until there is one, over lost connections and even a lost account.

        Raises ``MatchCancelled`` when ``cancel`` is called meanwhile. When the call itself is cancelled
        the account stays in the queue, and who is found then arrives as ``Matched``.
        """
        if self._found is not None:
            raise RuntimeError("match() is already waiting")
        try:
            while True:
                found: asyncio.Future[Session | None] = asyncio.get_running_loop().create_future()
                self._found = found
                await self._link.persist(partial(self._ask, found))
                if (session := await found) is not None:
                    return session
        finally:
            self._found = None

    async def cancel(self) -> None:
        """Give up the place in the queue. Who was found at the same moment still arrives as ``Matched``."""
        await self._link.persist(partial(self._request, "MATCH_CANCEL_REQ"))
        self._queued = False
        if self._found is not None:
            fail(self._found, MatchCancelled("the search was cancelled"))

    async def say(self, session: Session, content: str) -> int:
        """Send a message; returns its msgId once it is recorded, which it is exactly once.

        Messages of one session go out one after the other, so that a repeated one is not overtaken.
        """
        fields: dict[str, object] = {
            "requestId": f"{self._random.getrandbits(64):016x}",
            "sessionId": session.id,
            "content": content,
        }
        async with self._sessions.turn(session):
            answer = await self._link.persist(partial(self._deliver, fields))
        return integer(answer, "msgId")

    async def viewed(self, session: Session, msg_id: int) -> None:
        """Tell the partner that everything up to ``msg_id`` was read."""
        request = partial(self._request, "VIEWED_ACK_REQ", sessionId=session.id, msgId=msg_id)
        await self._link.persist(request)

    async def typing(self, session: Session, typing: bool) -> None:
        """Tell the partner. A hint: it waits for nothing, and is lost while nobody is connected."""
        self._link.send(
            "TYPING_REQ", accountId=self.account_id, sessionId=session.id, typing=typing
        )

    async def leave(self, session: Session) -> None:
        """End the session. One that has ended already is no error."""
        try:
            await self._link.persist(partial(self._request, "LEAVE_REQ", sessionId=session.id))
        except Refused as refused:
            if refused.code not in {NO_DATA_FOUND, SESSION_CLOSED}:
                raise
        self._sessions.ended(session.id)

    # -- one attempt at a request

    async def _request(self, command: str, socket: Socket, **fields: object) -> Frame:
        return await socket.request(command, accountId=self.account_id, **fields)

    async def _ask(self, found: asyncio.Future[Session | None], socket: Socket) -> None:
        """Ask unless reconnecting has answered already: then asking could open a second session."""
        if found.done() or self._queued:
            return
        try:
            await socket.request("MATCH_REQ", accountId=self.account_id)
        except Refused as refused:
            if refused.code != NO_DATA_FOUND:
                raise

    async def _deliver(self, fields: dict[str, object], socket: Socket) -> Frame:
        try:
            return await socket.request("DIALOGUE_REQ", senderId=self.account_id, **fields)
        except SocketLost:
            fields["retry"] = True
            raise
        except Refused as refused:
            if refused.code == INTERNAL_ERR:  # done or not: nobody knows
                fields["retry"] = True
            raise

    def _acknowledge(self, receipt: Receipt) -> None:
        self._link.send(receipt.command, seq=receipt.seq)

    # -- what the link asks of its owner

    async def identify(self, socket: Socket) -> None:
        """Bind a new socket to the account, or to a new account where that is gone."""
        if self._token:
            known = {} if self._inbox.last is None else {"seq": self._inbox.last}
            try:
                await socket.request(
                    "RECONNECT_REQ", accountId=self.account_id, token=self._token, **known
                )
                return
            except Refused as refused:
                if refused.code != NO_DATA_FOUND:
                    raise
        await socket.request("CRT_ACCOUNT_REQ", nickName=self.name)

    def notice(self, event: Event) -> None:
        """What happened to the connection."""
        self._inbox.put(event)

    def ended(self, why: Closed, crash: Exception | None) -> None:
        """Nothing more will come."""
        self._inbox.close(crash)
        if self._found is not None:
            fail(self._found, why)

    def receive(self, socket: Socket, frame: Frame) -> None:
        """A push, or an answer before its request sees it."""
        command = frame["cmd"]
        code = frame.get("code", SUCCESS)
        if command == "PING_REQ":
            socket.send("PING_RESP", accountId=self.account_id)
        elif command.startswith("PUSH_") and command.endswith("_REQ"):
            self._pushed(socket, frame)
        elif code == SUCCESS:
            self._answered(socket, frame)
        elif command == "MATCH_RESP" and code == NO_DATA_FOUND:
            self._queued = True

    # -- answers

    def _answered(self, socket: Socket, frame: Frame) -> None:
        match frame["cmd"]:
            case "CRT_ACCOUNT_RESP":
                self._created(socket, frame)
            case "RECONNECT_RESP":
                self._resumed(socket, frame)
            case "MATCH_RESP":
                self._inbox.put(self._sessions.opened(announced(frame)))
            case "DIALOGUE_RESP":
                integer(frame, "msgId")

    def _created(self, socket: Socket, frame: Frame) -> None:
        gone = self.account_id if self._token else None
        created = integer(frame, "accountId"), text(frame, "token"), text(frame, "nickName")
        self.account_id, self._token, self.name = created
        sessions = self._sessions.clear()
        self._renumber(0)
        self._link.online(socket)
        if gone is not None:
            self._inbox.put(AccountLost(gone, sessions))
            self._lose_place()

    def _resumed(self, socket: Socket, frame: Frame) -> None:
        """A node that does not say ``recovered`` replays nothing, so something may be missing."""
        waiting, recovered = frame.get("waiting") is True, frame.get("recovered") is True
        sessions = listed(frame)
        if sessions is None:
            sessions = self.sessions
        if not recovered:
            self._renumber(None)
        self._link.online(socket)
        self._inbox.put(Reconnected(recovered, waiting, sessions))
        self._reconcile(sessions, recovered)
        if waiting:
            self._queued = True
        elif not recovered:
            self._lose_place()  # otherwise a NewSession is on its way, and asking could open a second

    def _reconcile(self, sessions: tuple[Session, ...], recovered: bool) -> None:
        """A session may have begun with an answer that was lost, or ended with a push that was."""
        for session in sessions:
            self._inbox.put(self._sessions.opened(session))
        if not recovered:
            for session in set(self.sessions) - set(sessions):
                self._inbox.put(self._sessions.ended(session.id))

    def _found_one(self, session: Session) -> None:
        self._queued = False
        if self._found is not None and not self._found.done():
            self._found.set_result(session)

    def _lose_place(self) -> None:
        """A match that waits has to ask again."""
        self._queued = False
        if self._found is not None and not self._found.done():
            self._found.set_result(None)

    def _renumber(self, last: int | None) -> None:
        self._gap = None
        self._inbox.renumber(last)

    # -- pushes

    def _pushed(self, socket: Socket, frame: Frame) -> None:
        if frame.get("seq") is None:  # never stored, or of a node that does not number
            self._inbox.put(self._sessions.event(frame))
            return
        receipt = Receipt(frame["cmd"][:-3] + "RESP", integer(frame, "seq"))
        if not self._in_turn(socket, receipt):
            return
        try:
            event = self._sessions.event(frame)
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
