"""How cost grows with primaries: the same load over a cluster of one, two and three, each with a pool of its own.

All servers share one core of this machine, where it has two, and all nodes the other: more primaries are not more CPU
here. What a message costs is the figure to look at, and what the servers say to each other for it.
"""

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from chat.cli import fast_loop
from chat.load.files import provide_files
from tests.bench.blocks import with_block
from tests.bench.crowd import Crowd
from tests.bench.meter import Cores, cpu_ns, on_core
from tests.bench.phases import Span
from tests.bench.run import rounded
from tests.bench.systems import HIGH_LIMITS, NODES, SYSTEMS, Place
from tests.bench.table import number
from tests.support.cluster import Cluster, cluster
from tests.support.nodes import NodeProcess

DOCS = Path(__file__).parents[2] / "docs"
RESULT, PAGE = DOCS / "primaries.json", DOCS / "scale.md"
BEGIN, END = "<!-- primaries: by python -m tests.bench.primaries -->\n", "<!-- /primaries -->"
GROUNDS = ((1, 0), (2, 0), (3, 0), (3, 1))
"""Primaries, and replicas of each."""
ACK_EACH = 1
"""Every push is acknowledged at once, as the page does: several together would cost less."""


@dataclass(frozen=True)
class Work:
    """``rate`` is in messages a second, over all pools; times in seconds."""

    pairs: int = 150
    rate: float = 3000
    seconds: float = 5
    warm: float = 2
    passes: int = 3


QUICK = Work(pairs=9, rate=200, seconds=0.5, warm=0.2, passes=1)


class ClusterPlace(Place):
    """Nodes on one core and the servers of a cluster on another; each pool takes as many people as the others."""

    def __init__(
        self, stack: ExitStack, servers: Cluster, pools: int, work: Work, cores: Cores
    ) -> None:
        self.system = SYSTEMS["chat"]
        self.servers = servers
        people = -(-2 * work.pairs // pools)
        settings = {"CHAT_POOLS": f"{pools}", "CHAT_POOL_ACCOUNTS": f"{people}", **HIGH_LIMITS}
        self._launch(stack, [NodeProcess(servers.url, settings) for _ in range(NODES)], cores)

    def cpu(self) -> tuple[int, int]:
        """ns so far: of all nodes together, of all servers."""
        servers = sum(cpu_ns(server.pid) for server in self.servers.servers)
        return sum(cpu_ns(node.pid) for node in self.nodes), servers


def measure(primaries: int, replicas: int, work: Work, cores: Cores) -> dict[str, float]:
    """One row: CPU for a message in µs, and what crosses the bus for it."""
    with ExitStack() as stack:
        with on_core(cores.redis):
            servers = stack.enter_context(cluster(primaries=primaries, replicas=replicas))
        place = ClusterPlace(stack, servers, primaries, work, cores)
        with on_core(cores.driver), asyncio.Runner(loop_factory=fast_loop()) as runner:
            return runner.run(_talk(place, primaries, replicas, work))


async def _talk(place: ClusterPlace, primaries: int, replicas: int, work: Work) -> dict[str, float]:
    async with Crowd(place) as crowd:
        crowd.tally.ack_after = ACK_EACH
        await crowd.match_neighbours(await crowd.come(2 * work.pairs))
        await crowd.talk(work.rate, work.warm)
        spans, before = [], _on_the_bus(place.servers)
        delivered = crowd.tally.delivered
        for _ in range(work.passes):
            span = Span(place, crowd)
            await crowd.talk(work.rate, work.seconds)
            spans.append(span.messages("at"))
        crossed, delivered = _on_the_bus(place.servers) - before, crowd.tally.delivered - delivered
        await crowd.settle()
    middle = {key: median(span[f"at_{key}"] for span in spans) for key in ("rate", "node", "redis")}
    bus = crossed / delivered
    return {"primaries": primaries, "replicas": replicas, **rounded({**middle, "bus": bus})}


def _on_the_bus(servers: Cluster) -> int:
    """What was published over it so far; what keeps it together is not for messages."""
    sent = servers.sent()
    return sum(sent.get(kind, 0) for kind in ("publish", "publishshard"))


def run(work: Work) -> dict[str, Any]:
    """What is kept as JSON."""
    cores = Cores.here()
    rows = [measure(primaries, replicas, work, cores) for primaries, replicas in GROUNDS]
    return {"machine": cores.note, "rate": work.rate, "pairs": work.pairs, "rows": rows}


def table(result: Mapping[str, Any]) -> str:
    """Markdown."""
    head = ("primaries", "replicas of each", "messages a second", "CPU of nodes, µs", "CPU of all servers, µs", "over the bus, for a message")  # fmt: skip
    lines = [_row(head), _row(["--:"] * len(head))]
    for row in result["rows"]:
        figures = (number(row[key]) for key in ("rate", "node", "redis"))
        lines.append(
            _row((f"{row['primaries']:g}", f"{row['replicas']:g}", *figures, f"{row['bus']:.3g}"))
        )
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def page(document: str, result: Mapping[str, Any]) -> str:
    """The document with the table of that result."""
    said = f"{result['rate']:g} messages a second between {result['pairs']} pairs; {result['machine']}."
    return with_block(document, BEGIN, f"{said}\n\n{table(result)}\n", END)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.primaries", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shows that it works, and no more")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result is kept")
    parser.add_argument("--publish", action="store_true", help="into docs/")
    options = parser.parse_args()
    work = QUICK if options.quick else Work()
    provide_files(2 * work.pairs)
    result = run(work)
    print(f"{result['machine']}\n{table(result)}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.publish:
        RESULT.write_text(json.dumps(result, indent=1) + "\n")
        PAGE.write_text(page(PAGE.read_text(), result))


if __name__ == "__main__":
    main()
