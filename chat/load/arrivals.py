"""How people get their sockets: at the pace that was asked for, for the first time and ever again."""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from errno import ECONNRESET
from random import Random

from picows import WSError, ws_connect

from chat.load.hints import CLOSED_AT_ONCE, brief, explained
from chat.load.host import State
from chat.load.pacing import Clock, Pace
from chat.load.person import Person
from chat.load.tally import Tally

AT_ONCE = 64
"""Connections that are being made: more only wait in the nodes' line."""
CONNECT_SECONDS = 10.0
BACKOFF_SECONDS, LONGEST_BACKOFF = 0.25, 5.0
"""After the n-th attempt in vain, somebody waits a random time up to the first, doubled n times."""
READ_BUFFER = 2048
"""Bytes for each socket; it grows where that is not enough."""
MESSAGE_BYTES = 1 << 20

log = logging.getLogger("chat.load")
log.addHandler(logging.NullHandler())


class Arrivals:
    """The line of those who have no socket, and the tasks that serve it: few for all people."""

    def __init__(
        self, urls: Sequence[str], ramp: float, tally: Tally, clock: Clock, random: Random
    ) -> None:
        """``ramp``: people a second."""
        self._urls = urls
        self._tally = tally
        self._clock = clock
        self._random = random
        self._pace = Pace(ramp, clock)
        self._line: asyncio.Queue[Person] = asyncio.Queue()
        # One for all: to load the system's certificates takes longer than a handshake.
        secure = any(url.lower().startswith("wss:") for url in urls)
        self._ssl = ssl.create_default_context() if secure else None
        self._reached: set[str] = set()
        self.connecting = 0
        """Connections that are being made. To cancel one would leave its socket behind."""
        self.failure = ""
        """Why it is of no use: a URL at which nobody has ever got an account failed."""

    def enter(self, person: Person) -> None:
        """It is next, after those who wait; after a random pause if it has tried in vain before."""
        if person.attempts == 0:
            self._line.put_nowait(person)
            return
        longest = min(LONGEST_BACKOFF, BACKOFF_SECONDS * 2 ** min(person.attempts, 10))
        wait = self._random.uniform(0, longest)
        asyncio.get_running_loop().call_later(wait, self._line.put_nowait, person)

    def reached(self, url: str) -> None:
        """Somebody has got an account there."""
        self._reached.add(url)

    async def serve(self) -> None:
        """One of several tasks that run as long as there are people."""
        while True:
            person = await self._line.get()
            if person.state is not State.DONE:
                await self._pace.turn()
            if person.state is not State.DONE:
                self.connecting += 1
                try:
                    await self._connect(person)
                finally:
                    self.connecting -= 1

    async def _connect(self, person: Person) -> None:
        person.url = url = self._urls[person.place % len(self._urls)]
        person.began = self._clock()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, listener = await ws_connect(
                    lambda: person,
                    url,
                    ssl_context=self._ssl,
                    websocket_handshake_timeout=CONNECT_SECONDS,
                    logger_name=log,
                    max_frame_size=MESSAGE_BYTES,
                    read_buffer_init_size=READ_BUFFER,
                )
            if listener is None:  # so picows tells that the handshake was cut short
                raise ConnectionResetError(ECONNRESET, CLOSED_AT_ONCE)
        except (OSError, WSError, ValueError) as failure:
            if not person.connected:
                self._failed(person, failure)

    def _failed(self, person: Person, failure: Exception) -> None:
        self._tally.trouble(brief(failure))
        if person.url not in self._reached or "HTTP 429" in brief(failure):
            self.failure = self.failure or explained(person.url, failure)
        person.place += 1
        person.attempts += 1
        self.enter(person)
