"""What people and messages cost: the figures from which docs/operations.md sizes a deployment.

``python -m tests.bench.sizing`` starts a Redis, two nodes and a crowd on this machine, and prints a table.
CPU is that of the processes, from /proc, so that what else goes on here changes little; times depend on it.
"""

import argparse
import asyncio
import os
import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.people import Person, Spoken, crowd, pair_off, talk
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import Process, wait_until
from tests.support.servers import Server, available_servers

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    value: str


class Place:
    """A Redis as it runs in k8s/, and two nodes."""

    def __init__(self, stack: ExitStack) -> None:
        keep = ("--appendonly", "yes", "--appendfsync", "everysec")
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

    def all_away(self, number: int) -> None:
        with self.server.client() as client:
            wait_until(lambda: client.zcard("chat:{0}:away") == number, "they are away")

    def cpu(self) -> tuple[float, float]:
        """Seconds, of the nodes and of Redis."""
        return sum(map(cpu_of, self.nodes)), cpu_of(self.server)


def cpu_of(process: Process) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def measure(
    place: Place, number: int, rates: Sequence[int], seconds: float
) -> Iterator[Figure]:
    figures: list[Figure] = []
    spoken = Spoken()
    await crowd(place.urls, 200, Spoken())  # what the first ones cost is not theirs alone
    rss, memory, cpu, began = place.rss(), place.memory(), place.cpu(), time.monotonic()
    people = await crowd(place.urls, number, spoken)
    took = time.monotonic() - began
    figures.append(_each("memory of a node, for a connected account", place.rss() - rss, number))
    figures.append(_each("memory of Redis, for an account", place.memory() - memory, number))
    figures += _cpu("to connect and make an account", cpu, place.cpu(), number)
    figures.append(
        Figure("accounts made in a second, all this on two cores", f"{number / took:.0f}")
    )
    rss, memory, cpu = place.rss(), place.memory(), place.cpu()
    await pair_off(people)
    figures.append(_each("memory of a node, for a session", place.rss() - rss, number // 2))
    figures.append(_each("memory of Redis, for a session", place.memory() - memory, number // 2))
    figures += _cpu("to match two", cpu, place.cpu(), number // 2)
    figures += await _idle(place, number)
    for rate in rates:
        figures += await _talking(place, people, spoken, rate, seconds)
    figures += await _waiting(place, people)
    return iter(figures)


async def _idle(place: Place, number: int, seconds: float = 30) -> list[Figure]:
    cpu = place.cpu()
    await asyncio.sleep(seconds)
    nodes, _ = (after - before for before, after in zip(cpu, place.cpu(), strict=True))
    share = nodes / seconds / number * 1000
    return [Figure("CPU of nodes for 1000 who are silent", f"{share:.1%} of a core")]


async def _talking(
    place: Place, people: Sequence[Person], spoken: Spoken, rate: int, seconds: float
) -> list[Figure]:
    spoken.delays.clear()
    before, cpu = spoken.delivered, place.cpu()
    await talk(people, rate, seconds)
    delivered = spoken.delivered - before
    what = f"for a message, at {rate} a second"
    delays = statistics.quantiles(spoken.delays, n=100)
    times = f"{delays[49] * 1000:.1f} / {delays[98] * 1000:.1f} ms"
    return [
        *_cpu(what, cpu, place.cpu(), delivered),
        Figure(f"from saying to arriving, p50 / p99, at {rate} a second", times),
    ]


async def _waiting(place: Place, people: Sequence[Person], number: int = 500) -> list[Figure]:
    """Half of the people are away: what is said to them waits in Redis."""
    for person in people[1::2]:
        person.cut()
    await asyncio.to_thread(place.all_away, len(people) // 2)
    memory, talkers = place.memory(), people[::2]
    spoken = talkers[0].spoken
    wanted = spoken.confirmed + number
    for turn in range(number):
        talkers[turn % 10].say()
    await spoken.until(lambda spoken: spoken.confirmed >= wanted)
    return [_each("memory of Redis, for a message that waits", place.memory() - memory, number)]


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


@contextmanager
def many_files() -> Iterator[None]:
    """As many sockets as this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sizing", description=__doc__)
    parser.add_argument("--people", type=int, default=4000, help="an even number (4000)")
    parser.add_argument("--rates", type=int, nargs="+", default=[500, 2000], metavar="RATE")
    parser.add_argument("--seconds", type=float, default=15, help="of talking at each rate (15)")
    options = parser.parse_args()
    with many_files(), ExitStack() as stack:
        place = Place(stack)
        figures = asyncio.run(measure(place, options.people, options.rates, options.seconds))
        for figure in figures:
            print(f"| {figure.what} | {figure.value} |")


if __name__ == "__main__":
    main()
