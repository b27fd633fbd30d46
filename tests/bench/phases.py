"""What is measured of a system in a round, one phase after the other."""

import asyncio
import time
from dataclasses import replace

from tests.bench.crowd import Crowd
from tests.bench.dialects.person import ACK_AFTER, Person
from tests.bench.meter import all_cpu_ns
from tests.bench.systems import Place
from tests.bench.work import Work

Figures = dict[str, float]
"""By the keys of table.py. Times in µs, or in ms where they end so; memory in kB of 1000 bytes."""


class Span:
    """What was used and done between two moments."""

    def __init__(self, place: Place, crowd: Crowd) -> None:
        self._place, self._tally = place, crowd.tally
        self._began, self._cpu = time.perf_counter(), place.cpu()
        self._own, self._delivered = time.process_time(), crowd.tally.delivered
        self._all = all_cpu_ns()

    def messages(self, name: str) -> Figures:
        """CPU for a delivered message, and how many there were in a second."""
        delivered = self._tally.delivered - self._delivered
        return {
            f"{name}_rate": delivered / (time.perf_counter() - self._began),
            f"{name}_driver": (time.process_time() - self._own) / delivered * 1e6,
            **self._each(name, delivered),
            **self._others(name),
        }

    def done(self, name: str, number: int) -> Figures:
        """CPU for each of so many things, and how many there were in a second."""
        rate = number / (time.perf_counter() - self._began)
        return {f"{name}_rate": rate, **self._each(name, number)}

    def _others(self, name: str) -> Figures:
        """What others used of this machine meanwhile, in % of a core."""
        now = all_cpu_ns()
        if now is None or self._all is None:
            return {}
        own = sum(self._place.cpu()) - sum(self._cpu) + (time.process_time() - self._own) * 1e9
        took = (time.perf_counter() - self._began) * 1e9
        return {f"{name}_others": max(0.0, (now - self._all - own) / took * 100)}

    def _each(self, name: str, number: int) -> Figures:
        nodes, redis = (now - then for now, then in zip(self._place.cpu(), self._cpu, strict=True))
        return {f"{name}_node": nodes / number / 1e3, f"{name}_redis": redis / number / 1e3}


async def measure(place: Place, work: Work) -> Figures:
    """One round of one system."""
    async with Crowd(place) as crowd:
        figures = await _meet(place, crowd, work)
        if "busy" in work.phases:
            figures |= await _busy(place, crowd, work, "busy")
            figures["core_rate"] = 1e6 / figures["busy_node"]
            figures["core_share"] = figures["busy_rate"] / figures["core_rate"] * 100
        if "thin" in work.phases:
            figures |= await _busy(place, crowd, replace(work, window=work.thin_window), "thin")
        if "half" in work.phases and "busy_rate" in figures:
            figures |= await _talk(place, crowd, work, figures["busy_rate"] / 2, "half")
        if "same" in work.phases:
            figures |= await _talk(place, crowd, work, work.same_rate, "same")
        if "eager" in work.phases and place.system.acknowledges:
            crowd.tally.ack_after = 1
            figures |= await _busy(place, crowd, work, "eager")
            crowd.tally.ack_after = ACK_AFTER
        if "back" in work.phases:
            figures |= await _back(place, crowd)
    return figures | {"said": crowd.tally.said, "delivered": crowd.tally.delivered}


async def _meet(place: Place, crowd: Crowd, work: Work) -> Figures:
    """People come and meet; what they cost, and what they occupy."""
    await _warm(crowd, work)
    empty, span = place.rss(), Span(place, crowd)
    people = await crowd.come(work.people)
    figures = span.done("connect", len(people))
    figures["idle_kb"] = await _grown(place, crowd, empty, people)
    figures |= await _match(place, crowd, people)
    figures["session_kb"] = await _grown(place, crowd, empty, people)
    return figures


async def _warm(crowd: Crowd, work: Work) -> None:
    people = await crowd.come(work.warm_people)
    half = len(people) // 2
    await crowd.match_at_once(people[:half])
    await crowd.match_neighbours(people[half:])
    crowd.reply(work.pairs, work.window)
    await asyncio.sleep(work.warm)
    await crowd.settle()


async def _match(place: Place, crowd: Crowd, people: list[Person]) -> Figures:
    """Half of them at once, as fast as it goes; the others so that they can talk over two nodes."""
    half = len(people) // 2
    span = Span(place, crowd)
    await crowd.match_at_once(people[:half])
    figures = span.done("match", half // 2)
    await crowd.match_neighbours(people[half:])
    return figures


async def _grown(place: Place, crowd: Crowd, empty: int, people: list[Person]) -> float:
    await crowd.settle()
    return (place.rss() - empty) / len(people) / 1e3


async def _busy(place: Place, crowd: Crowd, work: Work, name: str) -> Figures:
    """As much as fits."""
    crowd.reply(work.pairs, work.window)
    await asyncio.sleep(work.warm)
    span = Span(place, crowd)
    await asyncio.sleep(work.busy)
    figures = span.messages(name)
    await crowd.settle()
    return figures


async def _talk(place: Place, crowd: Crowd, work: Work, rate: float, name: str) -> Figures:
    """At a rate; the way of each message, from the moment it was due."""
    await crowd.talk(rate, work.warm)
    span = Span(place, crowd)
    delays = sorted(await crowd.talk(rate, work.half))
    figures = span.messages(name)
    for quantile, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999)):
        figures[f"{name}_{quantile}_ms"] = delays[int(share * (len(delays) - 1))] / 1e6
    await crowd.settle()
    return figures


async def _back(place: Place, crowd: Crowd) -> Figures:
    """All lose their sockets at once, and come back."""
    span = Span(place, crowd)
    await crowd.come_back()
    return span.done("back", len(crowd.people))
