"""What waiting for replicas costs: the same talk with ``CHAT_REPLICAS_TO_WAIT`` 0 and 1, in turns.

``python -m tests.bench.replicas`` prints CPU of nodes, of the primary and of its replica for a message, and how long a
confirmation takes: a few messages at a time, and as many as they answer.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack

from tests.bench.meter import cpu_ns
from tests.support.family import family
from tests.support.nodes import NO_LIMITS, ROOT, NodeProcess
from tests.support.servers import available_servers

NODES, PAIRS = 2, 100
RATES = "500", "2000", "max"


def measured(replicas: int, rate: str, seconds: float) -> Mapping[str, float]:
    """Of one talk: µs of CPU for a message, and ms until it was confirmed."""
    env = {**NO_LIMITS, "CHAT_REPLICAS_TO_WAIT": str(replicas)}
    with ExitStack() as stack:
        servers = stack.enter_context(family(available_servers()[0]))
        url = servers.primary.url
        nodes = [stack.enter_context(NodeProcess(url, env)) for _ in range(NODES)]
        pids = {
            "nodes": [node.pid for node in nodes],
            "primary": [servers.primary.pid],
            "replica": [servers.replicas[0].pid],
        }
        before = {who: sum(map(cpu_ns, those)) for who, those in pids.items()}
        urls = [part for node in nodes for part in ("--url", node.url)]
        options = ("--pairs", str(PAIRS), "--rate", rate, "--duration", f"{seconds:g}", "--json")
        load = [sys.executable, "-m", "chat.cli", "load", "talk", *urls, *options]
        ended = subprocess.run(
            load, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 60, check=True
        )
        said = json.loads(ended.stdout)
        confirmed = said["messages"]["confirmed"]
        costs = {
            f"{who} µs": (sum(map(cpu_ns, those)) - before[who]) / confirmed / 1e3
            for who, those in pids.items()
        }
        answer = said["latency_ms"]["answer"]
        return costs | {
            "answer p50 ms": answer["p50"],
            "p99 ms": answer["p99"],
            "a second": said["messages"]["per_second"],
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6)
    options = parser.parse_args()
    found: defaultdict[tuple[str, int], list[Mapping[str, float]]] = defaultdict(list)
    for _ in range(options.rounds):
        for rate in RATES:
            for replicas in (0, 1):
                found[rate, replicas].append(measured(replicas, rate, options.seconds))
    for (rate, replicas), rounds in found.items():
        figures = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
        shown = " · ".join(f"{name} {figure:.4g}" for name, figure in figures.items())
        print(f"rate {rate}, replicas {replicas}: {shown}")


if __name__ == "__main__":
    main()
