"""What our own code takes for a message on both its nodes, without sockets, kernel and Redis.

``python -m tests.bench.path`` hands frames to a node and replies to its link, and takes the best of many turns: so it
says the same on a busy machine, and shows a change of a tenth of a microsecond. ``--profile`` says where the time goes.
"""

import argparse
import asyncio
import cProfile
import gc
import pstats
import random
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, cast

from chat.config import Settings
from chat.connection import Connection
from chat.load.frames import Form
from chat.node import Node
from chat.outbox import Outbox, WayOut
from chat.store.library import UNMARKED
from chat.store.link import RedisLink
from chat.store.sayings import bulk, speaker
from chat.store.wire import Wire
from chat.websocket import Socket

EPOCH = 1_712_345_678_123
TEXT = "What have you been up to, all these years? I have missed our long walks by the sea."
PUSH = b'{"cmd":"PUSH_DIALOGUE_REQ","msgId":%d,"senderId":12000,"sessionId":5000,"content":"%b","seq":%d}'
ACK_EVERY = 16
"""Pushes that a client acknowledges with one answer."""
ROUNDS = 400


class NoTransport:
    """Takes what is written, as uvloop's and picows' transports do."""

    is_close_frame_sent = False

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.write = self.written.append
        self.underlying_transport = self

    def get_extra_info(self, name: str) -> None:
        """It has no socket."""


class Path:
    """A node with people, of whom so many say something in each turn."""

    def __init__(self, people: int) -> None:
        settings = replace(
            Settings(), redis_url="redis://nowhere", commands_per_second=1e6, commands_burst=10**6
        )
        self.node = Node(settings, name="path", clock=time.monotonic, rng=random.Random(1))
        self._transport = NoTransport()
        self._outbox = Outbox()
        self._wire = self._linked()
        self._sockets = [self._joined(1000 * number) for number in range(1, people + 1)]
        self._wire._out.clear()  # subscriptions, which nobody confirms here
        self._wire._open.clear()
        self._wire._weight = 0
        self._seq = 0
        self.best: dict[str, float] = {}
        """Seconds for a message, by the part of the way."""

    def _linked(self) -> Wire:
        link = cast(RedisLink, self.node._store._links)
        wire = Wire(link._on_push, link._on_pressure, 1e9)
        wire._transport = cast(Any, self._transport)
        link._wire = wire
        self.node._leases._of(0)._taken = 1e12
        return wire

    def _joined(self, account: int) -> tuple[Socket, bytes, bytes]:
        socket, transport = Socket(self.node, self._outbox, "127.0.0.1"), cast(Any, NoTransport())
        socket._transport = transport
        socket._way = WayOut(self._outbox, transport)
        socket.send = socket._way.send
        limits = self.node._limits
        connection = Connection(socket, "127.0.0.1", limits, time.monotonic(), lambda *_: None)
        socket._connection = connection
        connection.bind(0, account, EPOCH, 0, speaker=speaker(account, EPOCH))
        connection.numbers = True
        self.node._hub.expect(0, account)
        self.node._hub.bind(connection)
        return socket, Form(account, 5000).message(1), b"chat:{0}:push:%d" % account

    def turn(self) -> None:
        """Everybody says something, and gets something."""
        self._seq += 1
        number, seq = len(self._sockets), self._seq
        sayings = self.node._store._sayings
        self._timed("in", self._messages)
        self._timed("to Redis", sayings._end_of_turn)
        self._transport.written.clear()
        results = b":0\r\n:%d\r\n" % seq * number
        self._timed("answers", self._received, b"*%d\r\n:0\r\n%b" % (2 * number + 1, results))
        push = bulk(UNMARKED + PUSH % (seq, TEXT.encode(), seq))
        pushes = [b">3\r\n$8\r\nsmessage\r\n%b%b" % (bulk(to), push) for _, _, to in self._sockets]
        self._timed("pushes", self._received, b"".join(pushes))
        self._timed("out", self._outbox._flush)
        for socket, _, _ in self._sockets:
            written = cast(Any, socket._transport).written
            assert [data.count(b"_RESP") + data.count(b"PUSH_") for data in written] == [2]
            written.clear()
        if seq % ACK_EVERY == 0:
            self._acknowledge(b'{"cmd":"PUSH_DIALOGUE_RESP","seq":%d}' % seq)

    def _messages(self) -> None:
        for socket, frame, _ in self._sockets:
            socket._message(frame)

    def _acknowledge(self, frame: bytes) -> None:
        def acknowledge() -> None:
            for socket, _, _ in self._sockets:
                socket._message(frame)
            self.node._acks.flush()
            self._wire.flush()

        self._timed("acknowledging", acknowledge, share=ACK_EVERY)
        self._wire.data_received(b"*1\r\n:0\r\n")

    def _received(self, data: bytes) -> None:
        self._wire.data_received(data)

    def _timed(self, part: str, step: Callable[..., object], *args: bytes, share: int = 1) -> None:
        began = time.perf_counter()
        step(*args)
        took = (time.perf_counter() - began) / len(self._sockets) / share
        self.best[part] = min(self.best.get(part, 1.0), took)


async def measure(messages: int, rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds for a message, by the part of the way, where a turn has so many messages."""
    path = Path(messages)
    gc.disable()
    try:
        for _ in range(rounds):
            path.turn()
            await asyncio.sleep(0)
    finally:
        gc.enable()
    return path.best


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.path", description=__doc__)
    parser.add_argument("--turns", type=int, nargs="+", default=[1, 3, 10, 30], metavar="MESSAGES")
    parser.add_argument("--profile", action="store_true", help="of all of them together")
    options = parser.parse_args(arguments)
    with cProfile.Profile() if options.profile else nullcontext() as profile:
        for messages in options.turns:
            best = asyncio.run(measure(messages))
            parts = " · ".join(f"{part} {took * 1e6:.2f}" for part, took in best.items())
            print(f"{messages:3} in a turn: {sum(best.values()) * 1e6:5.2f} µs = {parts}")
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
