"""What people of all three wires have in common: one socket, and callbacks. No task for anybody."""

import asyncio
import time
from collections.abc import Callable

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

STAMP = 20
"""Bytes at the head of a timed message: when it was due, in ns."""
TEXT = b"What have you been up to, all these years? I missed our walks by the sea."
"""With the stamp, and the frame around it, about as long as a line that people write."""
UNTIMED = b"%0*d %b" % (STAMP - 1, 0, TEXT)
ACK_AFTER = 16
POLL_SECONDS = 0.002


class Tally:
    """What all people of a system did, and how they behave at the moment."""

    def __init__(self) -> None:
        self.here: set[Person] = set()
        """who have an open socket"""
        self.said = 0
        self.confirmed = 0
        """messages that their sender got an answer to"""
        self.delivered = 0
        self.in_session = 0
        self.replying = False
        """whether who gets a message says one"""
        self.delays: list[int] | None = None
        """ns from when a message was due to its delivery, if somebody wants to know"""
        self.ack_after = ACK_AFTER
        """pushes that somebody acknowledges together, where the wire has acknowledgements"""
        self.owing: list[Person] = []
        """who may still have something to acknowledge"""

    async def until(self, condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
        """Returns when it holds; the callbacks should cost nothing more than counting."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds:g} s: {what} ({vars(self)})")
            await asyncio.sleep(POLL_SECONDS)


class Person(WSListener):
    """One socket, over and over again the same person."""

    PATH = ""
    """of the address to which they connect"""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.transport: WSTransport
        self._answer: asyncio.Future[None] | None = None
        self.turn = 0
        """how many messages this one has said"""

    async def come(self, url: str) -> None:
        """Connects, and returns when the node knows who this is."""
        self._answer = answer = asyncio.get_running_loop().create_future()
        await ws_connect(lambda: self, url + self.PATH, use_aiofastnet=False)
        await answer

    async def look(self) -> None:
        """Looks for a partner, and returns when there is an answer: a partner, or nobody yet."""
        self._answer = answer = asyncio.get_running_loop().create_future()
        self.match()
        await answer

    def answered(self) -> None:
        """What was asked for last was done."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    def cut(self) -> None:
        """The socket is gone, without a word."""
        self.transport.underlying_transport.abort()

    def leave(self) -> None:
        self.transport.disconnect()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.tally.here.add(self)
        self.introduce()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.tally.here.discard(self)

    def send(self, frame: bytes) -> None:
        self.transport.send(WSMsgType.TEXT, frame)

    def arrived(self, content: bytes) -> None:
        """A message of the partner, its JSON text."""
        tally = self.tally
        tally.delivered += 1
        if tally.replying:
            self.say()
        elif tally.delays is not None:
            tally.delays.append(time.monotonic_ns() - int(content[: STAMP - 1]))

    def say(self, content: bytes = UNTIMED) -> None:
        self.turn += 1
        self.tally.said += 1
        self.send(self.message(content))

    def met(self) -> None:
        """This one has a partner from now on."""
        self.tally.in_session += 1

    # what a dialect knows

    def introduce(self) -> None:
        """Says who this is."""
        raise NotImplementedError

    def match(self) -> None:
        """Looks for a partner."""
        raise NotImplementedError

    def message(self, content: bytes) -> bytes:
        """The frame that says it to the partner."""
        raise NotImplementedError

    def settle(self) -> None:
        """Acknowledges what has arrived, where the wire knows that."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        raise NotImplementedError
