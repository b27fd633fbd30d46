"""Who types at the prompt, and what the partner is told of it."""

import asyncio
from contextlib import suppress

from chat.client.events import Session
from chat.talk.talker import Talker

PAUSE_SECONDS = 3.0
"""Who has not typed for so long is not typing."""


class Typist:
    """Tells the partner who is typing: once at the start, now and then, and at the end."""

    def __init__(self, talker: Talker, pause: float = PAUSE_SECONDS) -> None:
        self._talker = talker
        self._pause = pause
        self._composing = False
        self._keys = asyncio.Event()

    def changed(self, text: str) -> None:
        """The text at the prompt is now this."""
        self._composing = bool(text) and not text.startswith("/")
        self._keys.set()

    async def run(self) -> None:
        while True:
            await self._keys.wait()
            session = self._talker.state.session
            if self._composing and session is not None:
                await self._compose(session)
            else:
                self._keys.clear()

    async def _compose(self, session: Session) -> None:
        """While keys are hit one notice each pause is enough. With another partner it begins anew."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while await self._hit() and self._composing:
            if self._talker.state.session != session:
                self._keys.set()
                return
            if loop.time() >= due:
                due = loop.time() + self._pause
                await self._talker.me.typing(session, True)
        self._keys.clear()
        if self._talker.state.session == session:
            await self._talker.me.typing(session, False)

    async def _hit(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause):
                await self._keys.wait()
                self._keys.clear()
                return True
        return False
