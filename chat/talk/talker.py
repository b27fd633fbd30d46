"""A person in a terminal and one partner at a time: commands and lines in, events told in words."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime

from chat.client import Client
from chat.client.events import (
    AccountLost,
    Banned,
    ConnectionLost,
    Event,
    MatchCancelled,
    Matched,
    Message,
    Missed,
    PartnerAway,
    PartnerBack,
    PartnerLeft,
    Reconnected,
    Refused,
    Replaced,
    Session,
    Typing,
    Viewed,
)
from chat.talk.state import State
from chat.talk.text import Show, clean
from chat.talk.words import HELP, reason

UNSENT_LINES = 100
"""Lines that wait for the connection. More are not taken."""


class Talker:
    """Takes lines and tells events. ``patient``: a line waits while a partner is looked for."""

    def __init__(
        self,
        me: Client,
        show: Show,
        complain: Show,
        now: Callable[[], datetime],
        *,
        patient: bool = False,
    ) -> None:
        self.me = me
        self.show = show
        self.complain = complain
        self.changed: Callable[[], object] = lambda: None
        """Called when ``state`` may have changed."""
        self.state = State()
        self.complete = True
        """False once a line was not delivered."""
        self._now = now
        self._patient = patient
        self._wanted = asyncio.Event()
        self._decided = asyncio.Event()
        self._seen: Message | None = None
        self._unseen = asyncio.Event()
        self._lines: asyncio.Queue[str] = asyncio.Queue(UNSENT_LINES)
        self._unwanted: asyncio.Queue[Session] = asyncio.Queue()
        """To be left. No more than a node lets an account have."""

    # -- what runs beside the input

    def background(self) -> list[Coroutine[None, None, None]]:
        """All that has to run; the first, ``listen``, ends when the client has ended."""
        return [self._listen(), self._seek(), self._send(), self._view(), self._refuse()]

    async def _listen(self) -> None:
        async for event in self.me.events():
            if isinstance(event, Matched) and not self.state.looking:
                self._unwanted.put_nowait(event.session)  # found in the moment of giving up
            else:
                self._tell(event)
                self.changed()

    async def _seek(self) -> None:
        while True:
            await self._wanted.wait()
            await self._unwanted.join()  # a node would answer with that session again
            self._wanted.clear()
            if not self.state.looking:
                continue
            try:
                await self.me.match()
            except MatchCancelled:
                continue
            except Refused as refused:
                self._stop_looking()
                self.complain(f"! no stranger: {reason(refused)}")

    async def _send(self) -> None:
        while True:
            line = await self._lines.get()
            await self._do(line)
            self._lines.task_done()

    async def _refuse(self) -> None:
        """Leave those who were found too late; what happens meanwhile is told meanwhile."""
        while True:
            session = await self._unwanted.get()
            await self._leave_session(session)
            self._unwanted.task_done()

    async def _leave_session(self, session: Session) -> bool:
        try:
            await self.me.leave(session)
        except Refused as refused:
            self.complain(f"! not left: {reason(refused)}")
            return False
        return True

    async def _view(self) -> None:
        """Only the last of several messages is worth a word."""
        while True:
            await self._unseen.wait()
            self._unseen.clear()
            if self._seen is not None:
                with suppress(Refused):  # the session has ended meanwhile
                    await self.me.viewed(self._seen.session, self._seen.msg_id)

    # -- lines

    async def enter(self, line: str) -> None:
        """Take a line; waits while too many are waiting."""
        await self._lines.put(line)

    def try_to_enter(self, line: str) -> None:
        """Take a line, or say that too many are waiting. Help is at once, whatever waits."""
        if line.strip() == "/help":
            self.show(HELP)
            return
        try:
            self._lines.put_nowait(line)
        except asyncio.QueueFull:
            self.complain("! not sent: too many lines are waiting for the connection")

    async def done(self) -> None:
        """All lines taken are confirmed, or said to be not sent."""
        await self._lines.join()

    async def _do(self, line: str) -> None:
        if line.startswith("/") and not line.startswith("//"):
            await self._command(line.split(maxsplit=1)[0])
        elif line.strip():
            await self._say(line.removeprefix("/"))

    async def _say(self, content: str) -> None:
        if self._patient:
            await self._decided.wait()
        if self.state.session is None:
            why = "nobody is here yet" if self.state.looking else "nobody is here, try /next"
            self._not_sent(why)
            return
        try:
            await self.me.say(self.state.session, content)
        except Refused as refused:
            self._not_sent(reason(refused))

    def _not_sent(self, why: str) -> None:
        self.complete = False
        self.complain(f"! not sent: {why}")

    async def _command(self, command: str) -> None:
        match command:
            case "/next":
                await self._next()
            case "/leave":
                await self._leave()
            case "/help":
                self.show(HELP)
            case _:
                self.complain(f"! {clean(command)} is no command, /help lists them")

    async def _next(self) -> None:
        if self.state.looking:
            self.show("* still looking")
            return
        await self._leave()
        self.look()

    async def _leave(self) -> None:
        if self.state.looking:
            self._stop_looking()
            with suppress(Refused):  # whoever is found nevertheless is left
                await self.me.cancel()
            self.show("* you stopped looking")
        elif self.state.session is not None:
            session, partner = self.state.session, self.state.partner
            self._meet(None)
            if await self._leave_session(session):
                self.show(f"* you left {partner}")

    # -- who is here

    def look(self) -> None:
        """Start to look for a stranger."""
        self.state.looking = True
        self._decided.clear()
        self.show("* looking for a stranger…")
        self._wanted.set()
        self.changed()

    def _stop_looking(self) -> None:
        self.state.looking = False
        self._decided.set()
        self.changed()

    def _meet(self, session: Session | None) -> None:
        self.state.meet(session)
        self.changed()

    # -- what happened

    def _tell(self, event: Event) -> None:
        match event:
            case Matched(session):
                self._meet(session)
                self._stop_looking()
                self.show(f"* you are talking with {self.state.partner}")
            case ConnectionLost():
                self.state.online = self.state.typing = False  # that it ends may be what is lost
                self.show("* connection lost, coming back…")
            case Reconnected(recovered=recovered):
                self.state.online = True
                self.show("* connected again" + ("" if recovered else "; something was lost"))
            case AccountLost():
                self._start_anew()
            case Missed():
                self.show("* something could not be read")
            case Replaced():
                self.show("* this account is in use elsewhere: goodbye")
            case Banned():
                self.show("* the node does not want you here")
            case _ if event.session == self.state.session:
                self._tell_of_partner(event)

    def _start_anew(self) -> None:
        self.state.online = True
        self.show("* connected again, but you were away for too long: you are somebody new")
        self._meet(None)
        if not self.state.looking:
            self.show("* /next finds a stranger")

    def _tell_of_partner(
        self, event: Message | Viewed | Typing | PartnerAway | PartnerBack | PartnerLeft
    ) -> None:
        match event:
            case Message(content=content):
                self.state.typing = False
                self.show(f"[{self._now():%H:%M}] {self.state.partner}: {clean(content)}")
                self._seen = event
                self._unseen.set()
            case Typing(typing=typing):
                if typing and not self.state.typing:
                    self._show_typing()
                self.state.typing = typing
            case Viewed():
                self.show(f"✓ read by {self.state.partner}")
            case PartnerAway():
                self.state.typing, self.state.away = False, True
                self.show(f"* {self.state.partner} lost the connection and may come back")
            case PartnerBack():
                self.state.away = False
                self.show(f"* {self.state.partner} is back")
            case PartnerLeft():
                self.show(f"* {self.state.partner} has left, /next finds another stranger")
                self._meet(None)

    def _show_typing(self) -> None:
        """A terminal shows it below the prompt."""
        if self._patient:
            self.show(f"* {self.state.partner} is typing…")
