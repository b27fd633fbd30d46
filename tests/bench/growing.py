"""How the cost of a message grows: with nodes, with people who are only connected, with sessions that talk."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

from chat.cli import fast_loop
from tests.bench.crowd import Crowd
from tests.bench.meter import Cores, loopback_bytes
from tests.bench.phases import Figures, Span
from tests.bench.run import rounded
from tests.bench.systems import SYSTEMS, Place
from tests.support.servers import Server

Found = TypeVar("Found")
Row = dict[str, float]

ACK_EACH = 1
"""Every push is acknowledged at once, as the page does: otherwise those who get many acknowledge several together,
and what few people say would cost less than what many say, for no other reason."""
WINDOW, BUSY_PAIRS = 2, 500
"""At saturation: messages under way in a pair, and how many pairs."""
FIRST = 100
"""People whose memory is not counted: what the first ones cost is not theirs alone."""


@dataclass(frozen=True)
class Steps:
    """How much is measured. Times are in seconds, numbers of people divisible by four."""

    nodes: tuple[int, ...] = (1, 2, 4)
    connections: tuple[int, ...] = (100, 1000, 3000, 10_000)
    """people connected to one node, of whom the first ones talk"""
    sessions: tuple[int, ...] = (50, 500, 2500, 5000)
    """that talk, of as many as the last says"""
    pairs: int = 50
    """that talk while connections become more"""
    rate: int = 2000
    """messages a second, the same for all, but at saturation"""
    passes: int = 3
    """over each step, the median of which is kept: a noisy moment is not one figure's alone"""
    seconds: float = 4
    warm: float = 1
    silence: float = 30
    """longer than it takes until everybody was pinged"""


QUICK = Steps(
    (1, 2), (20, 60), (5, 20), pairs=5, rate=200, passes=1, seconds=0.5, warm=0.1, silence=0.5
)


class Growth:
    """Measures with one Redis; each part begins with new nodes and nothing in it."""

    def __init__(self, server: Server, cores: Cores, steps: Steps) -> None:
        self._server = server
        self._cores = cores
        self._steps = steps

    def nodes(self) -> list[Row]:
        """As much as fits, with more and more nodes."""
        return [
            {"nodes": number, **self._with_nodes(number, self._at_saturation)}
            for number in self._steps.nodes
        ]

    def connections(self) -> tuple[list[Row], Row]:
        """The same talk of the same people, among more and more who are silent; and what these cost alone."""
        return self._with_nodes(1, self._more_connections)

    def sessions(self) -> tuple[list[Row], Row]:
        """As many messages in more and more sessions; and what a person and a message are beside CPU."""
        return self._with_nodes(1, self._more_sessions)

    def _with_nodes(
        self, number: int, measured: Callable[[Place, Crowd], Coroutine[Any, Any, Found]]
    ) -> Found:
        async def work(place: Place) -> Found:
            async with Crowd(place) as crowd:
                crowd.tally.ack_after = ACK_EACH
                return await measured(place, crowd)

        with ExitStack() as stack:
            place = Place(stack, SYSTEMS["chat"], self._server, self._cores, number)
            with asyncio.Runner(loop_factory=fast_loop()) as runner:
                return runner.run(work(place))

    async def _at_saturation(self, place: Place, crowd: Crowd) -> Row:
        pairs = min(BUSY_PAIRS, max(self._steps.sessions))
        await crowd.match_neighbours(await crowd.come(2 * pairs))
        crowd.reply(pairs, WINDOW)
        await asyncio.sleep(self._steps.warm)
        spans = []
        for _ in range(self._steps.passes):
            span = Span(place, crowd)
            await asyncio.sleep(self._steps.seconds)
            spans.append(span.messages("at"))
        await crowd.settle()
        return _middle(spans)

    async def _more_connections(self, place: Place, crowd: Crowd) -> tuple[list[Row], Row]:
        rows = []
        for number in self._steps.connections:
            await crowd.come(number - len(crowd.people))
            if not crowd.talkers:
                await crowd.match_neighbours(crowd.people[: 2 * self._steps.pairs])
            await crowd.settle()
            spans = [await self._evenly(place, crowd) for _ in range(self._steps.passes)]
            rows.append({"connections": number, **_middle(spans)})
        return rows, await self._silent(place, crowd)

    async def _more_sessions(self, place: Place, crowd: Crowd) -> tuple[list[Row], Row]:
        figures = await self._person(place, crowd)
        everybody, spans = crowd.talkers, defaultdict[int, list[Figures]](list)
        for _ in range(self._steps.passes):
            for number in self._steps.sessions:
                crowd.talkers = everybody[: 2 * number]
                spans[number].append(await self._evenly(place, crowd))
        rows = [{"sessions": number, **_middle(found)} for number, found in spans.items()]
        return rows, figures | await self._traffic(place, crowd)

    async def _evenly(self, place: Place, crowd: Crowd) -> Figures:
        """CPU for a message at the rate that is the same for all."""
        await crowd.talk(self._steps.rate, self._steps.warm)
        span = Span(place, crowd)
        await crowd.talk(self._steps.rate, self._steps.seconds)
        return span.messages("at")

    async def _silent(self, place: Place, crowd: Crowd) -> Row:
        """What people cost who say nothing, each of them in a second."""
        await crowd.settle()
        number, seconds = len(crowd.people), self._steps.silence
        (node, redis), said = place.cpu(), loopback_bytes()
        await asyncio.sleep(seconds)
        each = number * seconds
        (node_now, redis_now), now = place.cpu(), loopback_bytes()
        figures = {
            "node": (node_now - node) / 1e3 / each, "redis": (redis_now - redis) / 1e3 / each,
        }  # fmt: skip
        return rounded(
            figures if said is None or now is None else {**figures, "bytes": (now - said) / each}
        )

    async def _person(self, place: Place, crowd: Crowd) -> Row:
        """Memory of a node and of Redis for somebody who is connected, and for one who is in a session."""
        number = 2 * max(self._steps.sessions)
        first = await crowd.come(min(FIRST, number // 2))
        await crowd.settle()
        rss, memory = place.rss(), memory_of(place.server)
        rest, span = number - len(first), Span(place, crowd)
        people = first + await crowd.come(rest)
        connect = span.done("connect", rest)
        await crowd.settle()
        account = {
            "account_node_kb": (place.rss() - rss) / rest / 1e3,
            "account_redis_kb": (memory_of(place.server) - memory) / rest / 1e3,
        }
        await crowd.match_neighbours(people)
        await crowd.settle()
        session = {
            "session_node_kb": (place.rss() - rss) / rest / 1e3,
            "session_redis_kb": (memory_of(place.server) - memory) / rest / 1e3,
        }
        return rounded({**connect, **account, **session})

    async def _traffic(self, place: Place, crowd: Crowd) -> Row:
        """Bytes that a message moves: to Redis and from it; between people and nodes, which is the rest of
        what this machine said to itself, so it has the headers of both."""
        (come, gone), said = traffic_of(place.server), loopback_bytes()
        delivered = crowd.tally.delivered
        await crowd.talk(self._steps.rate, self._steps.seconds)
        await crowd.settle()
        delivered = crowd.tally.delivered - delivered
        (come_now, gone_now), now = traffic_of(place.server), loopback_bytes()
        come, gone = come_now - come, gone_now - gone
        figures = {"redis_in_bytes": come / delivered, "redis_out_bytes": gone / delivered}
        if said is not None and now is not None:
            figures["people_bytes"] = (now - said - come - gone) / delivered
        return rounded(figures)


def memory_of(server: Server) -> int:
    """Bytes that Redis has allocated."""
    with server.client(decode_responses=True) as client:
        return int(client.info("memory")["used_memory"])


def traffic_of(server: Server) -> tuple[int, int]:
    """Bytes that Redis has read and written so far."""
    with server.client(decode_responses=True) as client:
        told = client.info("stats")
        return int(told["total_net_input_bytes"]), int(told["total_net_output_bytes"])


def _middle(spans: list[Figures]) -> Row:
    """The median of each figure, without the name of the span."""
    return rounded({key[3:]: median(span[key] for span in spans) for key in spans[0]})
