"""A full node: so many people on one node, through all that happens to one.

They come, meet, are silent, talk, lose all their sockets at once and come back, lose the node itself and come back to
the next one at the same port, and are let go when it is told to stop. Each phase prints a line, with how late the
node's event loop was, and for how much of the time others had its core (then it is late through no fault of its own).
The node has a core for itself, where there are two; Redis and the driver share the other.
"""

import argparse
import asyncio
import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from chat.cli import fast_loop
from chat.load.files import provide_files
from tests.bench.full_day import Day, Phase, phases
from tests.bench.lag import LIMIT_MS
from tests.bench.run import versions
from tests.bench.stage import Stage

WAITED_PERCENT = 3
"""Of the time, that a node could have run and others had its core: some is the kernel's own."""


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.full_node", description=__doc__)
    parser.add_argument("--people", type=int, default=Day.people, help="an even number (10000)")
    parser.add_argument("--at-once", type=int, default=Day.at_once, help="on their way to the node at the same time (64)")  # fmt: skip
    parser.add_argument("--idle", type=float, default=Day.idle, help="seconds of silence (30)")
    parser.add_argument("--talk", type=float, default=Day.talk, help="seconds of talking (15)")
    parser.add_argument("--ping", type=float, default=Day.ping, help="CHAT_PING_INTERVAL_SECONDS (10)")  # fmt: skip
    parser.add_argument("--drain", type=float, default=Day.drain, help="CHAT_DRAIN_SECONDS (20)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result is kept")
    options = parser.parse_args(arguments)
    if options.people < 2 or options.people % 2:
        parser.error("--people takes an even number")
    return options


def day_of(options: argparse.Namespace) -> Day:
    """What is done."""
    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(Day)}
    return Day(**given)


def run(day: Day) -> dict[str, Any]:
    """Prints what each phase was, and returns all of it as it is kept."""
    settings = {
        "CHAT_PING_INTERVAL_SECONDS": f"{day.ping:g}",
        "CHAT_DRAIN_SECONDS": f"{day.drain:g}",
    }
    with ExitStack() as stack:
        stage = Stage(stack, settings)
        machine = f"{stage.cores.note}; {', '.join(versions(stage.server))}"
        print(f"{day.people} people on one node, pings after {day.ping:g} s of silence; {machine}")
        with asyncio.Runner(loop_factory=fast_loop()) as runner:
            found = runner.run(_all(stage, day))
    return {
        "machine": machine,
        "work": dataclasses.asdict(day),
        "phases": {phase.name: phase.as_json() for phase in found},
    }


async def _all(stage: Stage, day: Day) -> list[Phase]:
    found = []
    async for phase in phases(stage, day):
        print(phase, flush=True)
        found.append(phase)
    return found


def stalls(result: dict[str, Any]) -> Iterator[str]:
    """The phases in which the event loop was later than it should be."""
    for name, phase in result["phases"].items():
        p99 = phase["lag_ms"]["p99"]
        if p99 is None or p99 > LIMIT_MS:
            yield name


def disturbed(result: dict[str, Any]) -> bool:
    """Whether others used so much of the node's core that its lag is theirs as well."""
    shares = (phase.get("node_waited_percent", 0.0) for phase in result["phases"].values())
    return any(share > WAITED_PERCENT for share in shares)


def main() -> None:
    options = options_of()
    provide_files(options.people + 100)
    result = run(day_of(options))
    if late := list(stalls(result)):
        print(f"the event loop was late: p99 is above {LIMIT_MS:g} ms in {', '.join(late)}")
    if disturbed(result):
        print("others used the node's core meanwhile: times and lag say little")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
