"""An asyncio client of the chat: for the terminal, for load and tests, and to build bots on.

    async with Client("ws://127.0.0.1:8000/ws", name="Ada") as me:
        session = await me.match()
        async for event in me.events():
            match event:
                case Message(session, msg_id, content):
                    with suppress(Refused):  # the partner has left, which is the next event
                        await me.viewed(session, msg_id)
                        await me.say(session, f"You said {content}"[:2000])
                case PartnerLeft() | AccountLost():
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

from chat.client.account import Account
from chat.client.events import (
    INTERNAL_ERR,
    NO_DATA_FOUND,
    SESSION_CLOSED,
    Event,
    MatchCancelled,
    Refused,
    Session,
    Timing,
)
from chat.client.frames import Frame, integer
from chat.client.link import Surroundings
from chat.client.socket import Socket, SocketLost, fail


class Client:
    """One anonymous account and its connection. Used once, as ``async with Client(...) as me``.

    ``urls`` are further addresses of the same service, tried in turn. ``random`` is the source of
    jitter and request ids, ``sleep`` and ``clock`` of the pauses between attempts.

    What holds for every call: it waits while the connection is lost, and as long as a node asks it to
    (code 6) or has no Redis (code 2). It raises ``Refused`` for any other code: 7 where the partner has
    left, which may be so before ``PartnerLeft`` was taken, and 1 for a text that a node does not take.
    It raises ``Closed`` once the client has ended. Cancelling a call does not take back what has been sent.

    Take the ``events()``: a push is acknowledged when it is taken, and a node keeps only so many.
    """

    __slots__ = ("_account", "_random")

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
        outside = Surroundings(
            cycle((url, *urls)), timing or Timing(), self._random, sleep, clock, ssl
        )
        self._account = Account(name or "", outside)

    async def __aenter__(self) -> Self:
        """Connect and get an account, or raise ``ConnectionFailed`` after ``timing.connect`` seconds.

        At once where waiting is no use: an address that can never work, a node that wants nobody so soon.
        """
        await self._account.link.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Say goodbye: the account ends at once and its partners are told. Raises the crash, if any.

        While the connection is lost it comes back for that, for at most ``GOODBYE_SECONDS``; where no
        node can be reached in that time the account ends with its grace time.
        """
        await self._account.link.close()

    @property
    def account_id(self) -> int:
        """Changes when the account is lost."""
        return self._account.id

    @property
    def name(self) -> str:
        """As the node has accepted or chosen it."""
        return self._account.name

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The open ones, oldest first."""
        return self._account.sessions.all()

    def events(self) -> AsyncIterator[Event]:
        """Everything that happens, in order; ends after ``Replaced``, ``Banned`` or a goodbye.

        One reader at a time. A reader that stops may be followed by another, which goes on from there.
        """
        return self._account.events()

    # -- calls

    async def match(self) -> Session:
        """Find a stranger; waits until there is one, over lost connections and even a lost account.

        The session is a new one, or the newest where that has had no message yet: only ``leave`` makes
        a node look for somebody else then. Raises ``MatchCancelled`` when ``cancel`` is called meanwhile.
        When the call itself is cancelled the account stays in the queue, and who is found then arrives
        as ``Matched``.
        """
        if self._account.found is not None:
            raise RuntimeError("match() is already waiting")
        try:
            while True:
                found: asyncio.Future[Session | None] = asyncio.get_running_loop().create_future()
                self._account.found = found
                await self._account.link.persist(partial(self._ask, found))
                if (session := await found) is not None:
                    return session
        finally:
            self._account.found = None

    async def cancel(self) -> None:
        """Give up the place in the queue. Who was found at the same moment still arrives as ``Matched``."""
        if self._account.found is not None:
            # First, so that after a reconnect the search does not ask again behind the cancellation.
            fail(self._account.found, MatchCancelled("the search was cancelled"))
        await self._account.link.persist(partial(self._request, "MATCH_CANCEL_REQ"))
        self._account.queued = False

    async def say(self, session: Session, content: str) -> int:
        """Send a message; returns its msgId once it is recorded, which it is exactly once.

        Messages of one session go out one after the other, so that a repeated one is not overtaken.
        """
        fields: dict[str, object] = {
            "requestId": f"{self._random.getrandbits(64):016x}",
            "sessionId": session.id,
            "content": content,
        }
        async with self._account.sessions.turn(session):
            answer = await self._account.link.persist(partial(self._deliver, fields))
        return integer(answer, "msgId")

    async def viewed(self, session: Session, msg_id: int) -> None:
        """Tell the partner that everything up to ``msg_id`` was read."""
        request = partial(self._request, "VIEWED_ACK_REQ", sessionId=session.id, msgId=msg_id)
        await self._account.link.persist(request)

    async def typing(self, session: Session, typing: bool) -> None:
        """Tell the partner. A hint: it waits for nothing, and is lost while nobody is connected."""
        self._account.link.send(
            "TYPING_REQ", accountId=self._account.id, sessionId=session.id, typing=typing
        )

    async def leave(self, session: Session) -> None:
        """End the session. One that has ended already is no error."""
        try:
            await self._account.link.persist(
                partial(self._request, "LEAVE_REQ", sessionId=session.id)
            )
        except Refused as refused:
            if refused.code not in {NO_DATA_FOUND, SESSION_CLOSED}:
                raise
        self._account.sessions.ended(session.id)

    # -- one attempt at a request

    async def _request(self, command: str, socket: Socket, **fields: object) -> Frame:
        return await socket.request(command, accountId=self._account.id, **fields)

    async def _ask(self, found: asyncio.Future[Session | None], socket: Socket) -> None:
        """Ask unless reconnecting has answered already: then asking could open a second session."""
        if found.done() or self._account.queued:
            return
        try:
            await socket.request("MATCH_REQ", accountId=self._account.id)
        except Refused as refused:
            if refused.code != NO_DATA_FOUND:
                raise

    async def _deliver(self, fields: dict[str, object], socket: Socket) -> Frame:
        try:
            return await socket.request("DIALOGUE_REQ", senderId=self._account.id, **fields)
        except SocketLost:
            fields["retry"] = True
            raise
        except Refused as refused:
            if refused.code == INTERNAL_ERR:  # done or not: nobody knows
                fields["retry"] = True
            raise
