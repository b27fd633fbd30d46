"""A client that obeys the protocol and forgives nothing: what it sees goes into the book as it is."""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from picows import WSError

from tests.faults.book import Book
from tests.support.bare_wire import WireClosed
from tests.support.frames import Frame
from tests.support.wire import Wire

PATIENCE_SECONDS = 2.0
"""Without an answer for so long a client gives its socket up: its node may be frozen."""
BACKOFF_SECONDS = (0.1, 2.0)
PASSED_OVER = 1_000_000
"""As many numbers are passed over, where a data set has lost some."""
NOT_CONNECTED = (OSError, WSError, TimeoutError, WireClosed)


class Over(Exception):
    """The session has ended, which no fault may cause."""


@dataclass(frozen=True)
class Manner:
    """How somebody talks: seconds between messages, and what is added to each."""

    pause: float = 0.15
    padding: str = ""


class Person:
    """``urls`` are the nodes. The first socket goes where it is told, so that a fault of any node hits
    somebody; each later one goes to any of them, as a load balancer would do it."""

    def __init__(self, name: str, urls: Sequence[str], book: Book, rng: random.Random) -> None:
        self.name = name
        self.manner = Manner()
        self.receive_buffer: int | None = None
        self.wire: Wire | None = None
        self._urls = urls
        self._book = book
        self._rng = rng
        self._partner = ""
        self._session = 0
        self._last: int | None = 0
        self._skips = False
        self._account = 0
        self._token = ""
        self.partner_away = asyncio.Event()
        self._connected = asyncio.Event()
        self._answers: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._talking = True
        self._reads = asyncio.Event()
        self._reads.set()
        self._said = 0

    # the socket

    async def come(self, url: str) -> Wire:
        """A new account on that node; returns its socket."""
        self.wire = wire = await self._open(url)
        await wire.create(self.name)
        self._account, self._token = wire.account_id, wire.token
        self._connected.set()
        return wire

    @property
    def pool(self) -> int:
        """The id says it."""
        return self._account % 1000

    def meets(self, partner: "Person", session: int) -> None:
        """From here on the two talk in this session."""
        self._partner, self._session = partner.name, session

    async def live(self) -> None:
        """Takes what comes, and comes back whenever the socket is lost, until it is cancelled."""
        attempt = 0
        while True:
            if self.wire is not None:
                await self._listen(self.wire)
                self._lose()
            try:
                await self._come_back()
                attempt = 0
            except NOT_CONNECTED:
                attempt += 1
                first, most = BACKOFF_SECONDS
                await asyncio.sleep(self._rng.uniform(0, min(most, first * 2**attempt)))

    async def _listen(self, wire: Wire) -> None:
        """Until the socket is closed."""
        try:
            while True:
                frame = await wire.receive(timeout=3600)
                await self._reads.wait()  # while not, it neither looks at what has come nor answers
                self._take(wire, frame)
        except WireClosed as closed:
            self._book.seen[f"closed {closed.code}"] += 1

    def _lose(self) -> None:
        if self.wire is not None:
            self.wire.abort()
        self.wire = None
        self._connected.clear()
        self._answers.put_nowait(None)

    async def _come_back(self) -> None:
        """RECONNECT_REQ with the last number that arrived."""
        wire = await self._open(self._rng.choice(self._urls))
        try:
            answer = await wire.reconnect(self._account, self._token, self._last)
        except AssertionError as error:  # no answer in time
            wire.abort()
            raise TimeoutError from error
        code = answer["code"]
        if code in (2, 6):
            wire.abort()
            raise TimeoutError
        self._book.seen["back"] += 1
        if code != 0 or self._session not in [known["sessionId"] for known in answer["sessions"]]:
            self._book.wrong["ended"] += 1
            raise Over(f"{self.name} came back to {answer}")
        if not answer["recovered"]:
            self._book.told.add(self.name)
            self._last, self._skips = None, True
        self.wire = wire
        while not self._answers.empty():
            self._answers.get_nowait()
        self._connected.set()

    async def _open(self, url: str) -> Wire:
        """A node that stands still is not waited for."""
        return await Wire.open(
            url,
            receive_buffer=self.receive_buffer,
            websocket_handshake_timeout=PATIENCE_SECONDS,
        )

    # what comes

    def _take(self, wire: Wire, frame: Frame) -> None:
        cmd = frame["cmd"]
        if cmd == "PING_REQ":
            wire.send({"cmd": "PING_RESP", "accountId": self._account})
        elif cmd == "DIALOGUE_RESP":
            self._answers.put_nowait(frame)
        elif cmd.startswith("PUSH_"):
            if frame.get("seq") is not None:
                self._number(frame["seq"])
                wire.acknowledge(frame)
            if cmd == "PUSH_DIALOGUE_REQ":
                self._message(wire, frame)
            elif cmd == "PUSH_SIGNAL_REQ":
                self._signal(frame)

    def _number(self, seq: int) -> None:
        """By one, always: what is at or below the last number was acknowledged, or is on this socket. Who was
        told that something is missing first gets what is still there, and then numbers that pass over it."""
        if self._last is not None and seq <= self._last:
            self._book.wrong["twice"] += 1
        elif self._last is not None and seq > self._last + 1:
            if not (self._skips and seq > self._last + PASSED_OVER):
                self._book.wrong["gap"] += 1
            self._skips = False
        self._last = seq

    def _message(self, wire: Wire, frame: Frame) -> None:
        name, number = frame["content"].split(":")[:2]
        direction = self._book.directions[name]
        direction.delivered.append((int(number), frame["msgId"], time.monotonic()))
        if frame["msgId"] % 10 == 0:
            wire.send({
                "cmd": "VIEWED_ACK_REQ", "sessionId": frame["sessionId"],
                "accountId": self._account, "msgId": frame["msgId"],
            })  # fmt: skip

    def _signal(self, frame: Frame) -> None:
        kind = frame["signalType"]
        self._book.seen[kind] += 1
        if kind == "PartnerAway":
            self.partner_away.set()
        elif kind == "PartnerBack":
            self.partner_away.clear()
        if kind == "PartnerExit" and frame["sessionId"] == self._session:
            self._book.wrong["ended"] += 1

    # what is said

    async def talk(self) -> None:
        """Says one message after the other, each until it is confirmed; returns after ``hush``."""
        while self._talking:
            self._said += 1
            await self._say(self._said)
            await asyncio.sleep(self.manner.pause * self._rng.uniform(0.7, 1.3))

    def hush(self) -> None:
        """The message under way is the last."""
        self._talking = False

    async def _say(self, number: int) -> None:
        retry = False
        while True:
            await self._connected.wait()
            answer = await self._ask(number, retry)
            code = None if answer is None else answer["code"]
            self._book.seen[f"code {code}"] += 1
            if answer is not None and code == 0:
                self._book.directions[self.name].confirmed[number] = answer["msgId"]
                return
            if code in (4, 5, 7):
                self._book.wrong["ended"] += 1
                raise Over(f"{self.name} was refused with {answer}")
            if code in (2, None):  # done or not
                retry = True
            if answer is not None:
                await asyncio.sleep(answer.get("retryAfterMs", self._rng.uniform(50, 250)) / 1000)

    async def _ask(self, number: int, retry: bool) -> Frame | None:
        """One attempt; None where there was no answer."""
        wire = self.wire
        if wire is None:
            return None
        request = f"{self.name}-{number}"
        wire.send({
            "cmd": "DIALOGUE_REQ", "requestId": request, "senderId": self._account,
            "sessionId": self._session, "retry": retry,
            "content": f"{self.name}:{number}:{self.manner.padding}",
        })  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE_SECONDS if self._reads.is_set() else None):
                while (answer := await self._answers.get()) is not None:
                    if answer.get("requestId") == request:
                        return answer
        except TimeoutError:
            if self.wire is wire and self._reads.is_set():
                wire.abort()  # ``live`` sees the end of it, and comes back
        return None

    # what a trial does to somebody

    def stop_reading(self) -> None:
        """Like a phone in a tunnel, or a page whose script hangs."""
        self._reads.clear()
        if self.wire is not None:
            self.wire.stop_reading()

    def start_reading(self) -> None:
        self._reads.set()
        if self.wire is not None and not self.wire.transport.is_disconnected:
            self.wire.start_reading()

    def cut(self) -> None:
        """The socket is gone, without a word."""
        if self.wire is not None:
            self.wire.abort()

    async def leave(self) -> None:
        """Goodbye."""
        if self.wire is not None:
            with contextlib.suppress(*NOT_CONNECTED, AssertionError):
                await self.wire.close(1000)
