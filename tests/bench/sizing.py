"""What people and messages cost: the figures from which docs/operations.md sizes a deployment.

``python -m tests.bench.sizing`` starts a Redis, two nodes and a crowd on this machine, and prints a table.
CPU is that of the processes, from /proc, so that what else goes on here changes little; times depend on it.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from chat.load.crowd import Crowd
from chat.load.files import provide_files
from chat.load.profiles import talk
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import Process, wait_until
from tests.support.servers import Server, available_servers

TICKS = os.sysconf("SC_CLK_TCK")
FIRST = 200
"""People whose cost is not counted: what the first ones cost is not theirs alone."""
AT_ONCE = 1e6
"""People a second: as fast as it goes."""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    value: str


class Place:
    """A Redis with an append-only file, and two nodes."""

    def __init__(self, stack: ExitStack, fsync: str) -> None:
        keep = ("--appendonly", "yes", "--appendfsync", fsync)
        self.server = stack.enter_context(Server(available_servers()[0], *keep))
        self.nodes = [NodeProcess(self.server.url, NO_LIMITS) for _ in range(2)]
        for node in self.nodes:
            stack.callback(node.close)
            node.start()

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]

    def rss(self) -> int:
        return sum(node.rss() for node in self.nodes)

    def memory(self) -> int:
        """What Redis has allocated."""
        with self.server.client(decode_responses=True) as client:
            return int(client.info("memory")["used_memory"])

    def inboxes(self) -> int:
        """What Redis has allocated for those of people who are away."""
        with self.server.client(decode_responses=True) as client:
            away = client.zrange("chat:{0}:away", 0, -1)
            sizes = [client.memory_usage(f"chat:{{0}}:inbox:{id_}", samples=0) for id_ in away]
            return sum(size or 0 for size in sizes)

    def all_away(self, number: int) -> None:
        with self.server.client() as client:
            wait_until(lambda: client.zcard("chat:{0}:away") == number, "they are away")

    def cpu(self) -> tuple[float, float]:
        """Seconds, of the nodes and of Redis."""
        return sum(map(cpu_of, self.nodes)), cpu_of(self.server)


def cpu_of(process: Process) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def measure(place: Place, number: int, rates: Sequence[int], seconds: float) -> list[Figure]:
    async with (
        Crowd(place.urls, ramp=AT_ONCE) as first,
        Crowd(place.urls, ramp=AT_ONCE, ack_each=True) as crowd,  # as the page does
    ):
        await first.come(FIRST)
        figures = await _coming(place, crowd, number)
        figures += await _idle(place, number)
        for rate in rates:
            figures += await _talking(place, crowd, rate, seconds)
        return figures + await _waiting(place, crowd)


async def _coming(place: Place, crowd: Crowd, number: int) -> list[Figure]:
    rss, memory, cpu, began = place.rss(), place.memory(), place.cpu(), time.monotonic()
    await crowd.come(number)
    took = time.monotonic() - began
    figures = [
        _each("memory of a node, for a connected account", place.rss() - rss, number),
        _each("memory of Redis, for an account", place.memory() - memory, number),
        *_cpu("to connect and make an account", cpu, place.cpu(), number),
        Figure("accounts made in a second, all this on two cores", f"{number / took:.0f}"),
    ]
    rss, memory, cpu = place.rss(), place.memory(), place.cpu()
    await crowd.pair_off()
    return [
        *figures,
        _each("memory of a node, for a session", place.rss() - rss, number // 2),
        _each("memory of Redis, for a session", place.memory() - memory, number // 2),
        *_cpu("to match two", cpu, place.cpu(), number // 2),
    ]


async def _idle(place: Place, number: int, seconds: float = 30) -> list[Figure]:
    cpu = place.cpu()
    await asyncio.sleep(seconds)
    nodes, _ = (after - before for before, after in zip(cpu, place.cpu(), strict=True))
    share = nodes / seconds / number * 1000
    return [Figure("CPU of nodes for 1000 who are silent", f"{share:.1%} of a core")]


async def _talking(place: Place, crowd: Crowd, rate: int, seconds: float) -> list[Figure]:
    tally, book = crowd.tally, crowd.book
    tally.forget_times()
    before, cpu = tally.arrived, place.cpu()
    await talk(crowd, rate, seconds)
    assert await crowd.until(lambda: not book.under_way(), 10), "not all has arrived"
    assert (book.wrong, tally.errors.total()) == (0, 0)
    what = f"for a message, at {rate} a second"
    times = (tally.delivery.quantile(share) * 1000 for share in (0.5, 0.99))
    return [
        *_cpu(what, cpu, place.cpu(), tally.arrived - before),
        Figure(
            f"from saying to arriving, p50 / p99, at {rate} a second",
            "{:.1f} / {:.1f} ms".format(*times),
        ),
    ]


async def _waiting(place: Place, crowd: Crowd, number: int = 500) -> list[Figure]:
    """Half of the people are away: what is said to them waits in Redis."""
    people = crowd.everybody
    for person in people[1::2]:
        person.vanish()
    await asyncio.to_thread(place.all_away, len(people) // 2)
    memory, talkers = place.inboxes(), people[::2]
    wanted = crowd.tally.confirmed + number
    for turn in range(number):
        talkers[turn % 10].say(crowd.clock())
    assert await crowd.until(lambda: crowd.tally.confirmed >= wanted, 10), "not all is confirmed"
    return [_each("memory of Redis, for a message that waits", place.inboxes() - memory, number)]


def _each(what: str, size: int, number: int) -> Figure:
    return Figure(what, f"{size / number / 1000:.1f} kB")


def _cpu(
    what: str, before: tuple[float, float], after: tuple[float, float], number: int
) -> list[Figure]:
    nodes, server = ((b - a) / number * 1e6 for a, b in zip(before, after, strict=True))
    return [
        Figure(f"CPU of nodes {what}", f"{nodes:.0f} µs"),
        Figure(f"CPU of Redis {what}", f"{server:.0f} µs"),
    ]


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sizing", description=__doc__)
    parser.add_argument("--people", type=int, default=4000, help="an even number (4000)")
    parser.add_argument("--rates", type=int, nargs="+", default=[500, 2000], metavar="RATE")
    parser.add_argument("--seconds", type=float, default=15, help="of talking at each rate (15)")
    parser.add_argument("--fsync", choices=("always", "everysec", "no"), default="always")
    return parser.parse_args(arguments)


def main() -> None:
    options = options_of()
    provide_files(options.people + FIRST)
    with ExitStack() as stack:
        place = Place(stack, options.fsync)
        figures = asyncio.run(measure(place, options.people, options.rates, options.seconds))
        for figure in figures:
            print(f"| {figure.what} | {figure.value} |")


if __name__ == "__main__":
    main()
