"""What happens to the people of a full node, one phase after the other."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from chat.load.crowd import all_here
from chat.load.pacing import evenly
from chat.load.profiles import talk
from tests.bench.lag import Lag
from tests.bench.stage import Stage, Watch
from tests.bench.throng import LONGEST_SECONDS, Throng

FIRST_SHARE = 0.02
"""Of the people, who come before the others: what the first ones cost is not the others' alone."""
ASKS_PER_SECOND = 2000
"""So many look for a partner."""
EACH_SAYS_SECONDS = 5
"""While all talk, each says something so often."""
REST_SECONDS = 1.5
"""After which nothing is under way any more: the node looks after its sockets once a second."""


@dataclass(frozen=True)
class Day:
    """How much is done. Times are in seconds."""

    people: int = 10_000
    at_once: int = 64
    """on their way to the node at the same time"""
    idle: float = 30
    talk: float = 15
    ping: float = 10
    """how long a socket is quiet until it is pinged"""
    drain: float = 20


@dataclass(frozen=True)
class Phase:
    """What came out of one: in words, in figures, and how late the node was."""

    name: str
    said: str
    lag: Lag
    figures: dict[str, float]

    def __str__(self) -> str:
        return f"{self.name:<10} {self.said} · {self.lag}"

    def as_json(self) -> dict[str, object]:
        """An upper bound that is infinite is null."""
        shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
        late = {name: self.lag.quantile_ms(share) for name, share in shares.items()}
        return {
            **{key: round(value, 3) for key, value in self.figures.items()},
            "lag_ms": {name: ms if math.isfinite(ms) else None for name, ms in late.items()},
            "looks": self.lag.looks,
        }


async def phases(stage: Stage, day: Day) -> AsyncIterator[Phase]:
    """One after the other, as they end."""
    async with Throng(stage.node.url, day.at_once) as throng:
        host = Hours(stage, day, throng)
        await throng.come(max(2, int(day.people * FIRST_SHARE)))
        await asyncio.sleep(REST_SECONDS)
        host.empty, host.first = stage.rss(), len(throng.everybody)
        for phase in (
            host.start_up,
            host.match,
            host.idle,
            host.talk,
            host.storm,
            host.kill,
            host.drain,
        ):
            yield await phase()


class Hours:
    """The phases, each a method."""

    def __init__(self, stage: Stage, day: Day, throng: Throng) -> None:
        self._stage, self._day, self._throng = stage, day, throng
        self.empty = self.first = 0
        """Bytes of the node, and how many people it has, before the others come."""

    async def _begin(self) -> Watch:
        self._throng.tally.behind = 0.0
        return await Watch.begin(self._stage)

    async def _phase(self, name: str, watch: Watch, said: str, **figures: float) -> Phase:
        """Ends it: what all of them have in common."""
        shares, lag, behind = watch.shares(), await watch.lag(), self._throng.tally.behind * 1e3
        said += (
            f" · node {shares['node_percent']:.0f}% of a core (waited for it {shares['node_waited_percent']:.0f}%)"
            f", driver {shares['driver_percent']:.0f}% (late by {behind:.0f} ms at most)"
        )
        figures |= {**shares, "driver_late_ms": behind, "here": self._throng.present}
        return Phase(name, said, lag, figures)

    def _each_kb(self) -> float:
        """Memory of the node for each of the people, in kB of 1000 bytes."""
        return (self._stage.rss() - self.empty) / (self._day.people - self.first) / 1e3

    async def start_up(self) -> Phase:
        """Everybody comes, and makes an account."""
        watch = await self._begin()
        await self._throng.come(self._day.people - self.first)
        took, number = watch.seconds, self._day.people - self.first
        phase = await self._phase(
            "start-up",
            watch,
            f"{number} came in {took:.1f} s, {number / took:.0f} a second",
            seconds=took,
            per_second=number / took,
        )
        await asyncio.sleep(REST_SECONDS)
        phase.figures["account_kb"] = self._each_kb()
        return phase

    async def match(self) -> Phase:
        """Everybody looks for a partner, and finds one."""
        throng, watch = self._throng, await self._begin()
        people = throng.everybody

        def ask(turn: int, due: float) -> None:
            people[turn].match(due)

        await evenly(ASKS_PER_SECOND, len(people) / ASKS_PER_SECOND, ask, clock=throng.clock)
        assert await throng.until(lambda: all(p.session for p in people), LONGEST_SECONDS), "alone"
        took = watch.seconds
        phase = await self._phase(
            "match", watch, f"{len(people) // 2} pairs in {took:.1f} s", seconds=took
        )
        await asyncio.sleep(REST_SECONDS)
        phase.figures["session_kb"] = self._each_kb()
        return phase

    async def idle(self) -> Phase:
        """Nobody says anything: what is left are pings."""
        tally, watch = self._throng.tally, await self._begin()
        pings = tally.pings
        await asyncio.sleep(self._day.idle)
        pings = tally.pings - pings
        each = watch.shares()["node_percent"] / self._day.people * 1000
        session_kb = self._each_kb()
        said = (
            f"{each:.2f}% of a core for 1000 silent people, {pings} pings, {session_kb:.1f} kB each"
        )
        return await self._phase(
            "idle", watch, said, pings=pings, percent_for_1000=each, session_kb=session_kb
        )

    async def talk(self) -> Phase:
        """Everybody says something from time to time, and so nobody is pinged."""
        throng, day = self._throng, self._day
        tally, rate = throng.tally, day.people / EACH_SAYS_SECONDS
        # Who was pinged a moment ago is not asked again; who has been quiet for long talks first.
        await talk(throng, rate, min(EACH_SAYS_SECONDS, day.talk))
        tally.forget_times()
        watch, pings, before = await self._begin(), tally.pings, tally.arrived
        await talk(throng, rate, day.talk)
        assert await throng.until(lambda: not throng.book.under_way(), 10), "not all has arrived"
        p50, p99 = (tally.delivery.quantile(share) * 1e3 for share in (0.5, 0.99))
        pings, arrived = tally.pings - pings, tally.arrived - before
        said = (
            f"{rate:.0f} messages a second arrive in p50 {p50:.1f}, p99 {p99:.1f} ms, {pings} pings"
        )
        return await self._phase(
            "talk", watch, said, rate=rate, arrived=arrived, wrong=throng.book.wrong, pings=pings,
            delivery_p50_ms=p50, delivery_p99_ms=p99,
        )  # fmt: skip

    async def storm(self) -> Phase:
        """All sockets are cut at once."""
        throng, watch = self._throng, await self._begin()
        cut = throng.tally.cut
        throng.cut()
        gone = len(throng.everybody)
        assert await throng.until(lambda: throng.tally.cut - cut == gone, 30), "not all are cut"
        return await self._phase("storm", watch, **await self._back(watch))

    async def kill(self) -> Phase:
        """The node dies, and is started again; the lag is that of the new one, from its beginning."""
        throng, began = self._throng, time.monotonic()
        throng.tally.behind = 0.0
        await self._stage.restart()
        restarted = time.monotonic() - began
        watch = Watch(self._stage, Lag())
        back = await self._back(watch)
        back["said"] = f"{restarted:.1f} s until the next node is ready, then {back['said']}"
        return await self._phase("kill -9", watch, **back, restart_seconds=restarted)

    async def _back(self, watch: Watch) -> dict[str, Any]:
        """All come back, with what a phase says of it."""
        throng, tally = self._throng, self._throng.tally
        assert await throng.until(lambda: all_here(throng.everybody), LONGEST_SECONDS), "missing"
        took, number = watch.seconds, len(throng.everybody)
        lost = tally.accounts_lost + tally.unrecovered
        said = (
            f"all {number} were back after {took:.1f} s, {number / took:.0f} a second, {lost} lost"
        )
        return {"said": said, "seconds": took, "per_second": number / took, "lost": lost}

    async def drain(self) -> Phase:
        """The node is told to stop, and lets everybody go."""
        throng, number = self._throng, self._throng.present
        before, began = await self._stage.lag(), time.monotonic()
        throng.leaving = True
        lag, seen, code = await self._stage.end()
        took = throng.last_closed - began
        going = throng.closed[1001]
        said = (
            f"{going} of {number} sockets closed with 1001 within {took:.1f} s, exit code {code}"
            f", looked at for {seen:.1f} s"
        )
        figures = {"seconds": took, "seen_seconds": seen, "here": number, "closed_1001": going,
                   "closed_otherwise": throng.closed.total() - going, "exit_code": code}  # fmt: skip
        return Phase("drain", said, lag.since(before), figures)
