"""The same work on this project and on others, in turns: what a message, a socket and a person cost.

CPU is that of the processes, so that what else goes on here changes little; times and rates depend on it.
"""

import argparse
import asyncio
import dataclasses
import json
import platform
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.bench.floor import ECHO, echo, say
from tests.bench.meter import Cores, on_core
from tests.bench.phases import Figures, measure
from tests.bench.publish import publish
from tests.bench.sizing import many_files
from tests.bench.systems import SYSTEMS, TITLES, Place, System
from tests.bench.table import floor_line, table
from tests.bench.work import PHASES, QUICK, Work
from tests.support.servers import Server, available_servers, version

Measured = Coroutine[Any, Any, Figures]


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    names = ",".join(SYSTEMS)
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", default=names, metavar="NAME,…", help=f"of {names}")
    parser.add_argument("--phases", default=",".join(PHASES), metavar="PHASE,…")
    parser.add_argument("--rounds", type=int, default=None, help="(3)")
    parser.add_argument("--quick", action="store_true", help="shows that it works, and no more")
    parser.add_argument("--people", type=int, help=f"divisible by four ({Work.people})")
    parser.add_argument("--pairs", type=int, help=f"that talk ({Work.pairs})")
    parser.add_argument("--window", type=int, help=f"messages under way in a pair ({Work.window})")
    parser.add_argument("--seconds", type=float, dest="busy", help=f"of talking ({Work.busy:g})")
    parser.add_argument("--appendonly", action="store_true", help="Redis writes all to its disk")
    parser.add_argument("--publish", action="store_true", help="into docs/ and README.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result is kept")
    return parser.parse_args(arguments)


def work_of(options: argparse.Namespace) -> Work:
    given = {
        name: value
        for name in ("people", "pairs", "window", "busy")
        if (value := getattr(options, name)) is not None
    }
    if "busy" in given:
        given["half"] = given["busy"]
    phases = tuple(options.phases.split(","))
    return dataclasses.replace(QUICK if options.quick else Work(), phases=phases, **given)


def new_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The fastest event loop that there is."""
    try:
        import uvloop  # noqa: PLC0415 - not everywhere
    except ImportError:
        return None
    return uvloop.new_event_loop


def one_round(
    system: System, server: Server, cores: Cores, phases: Callable[[Place], Measured]
) -> Figures:
    """Nodes of their own, and an empty Redis."""
    with ExitStack() as stack:
        place = Place(stack, system, server, cores)
        with asyncio.Runner(loop_factory=new_loop()) as runner:
            return runner.run(phases(place))


def run(options: argparse.Namespace) -> dict[str, Any]:
    """All rounds, in turns; what is kept as JSON."""
    work, cores = work_of(options), Cores.here()
    rounds: dict[str, list[Figures]] = {name: [] for name in options.only.split(",")}
    floor: list[Figures] = []
    kind = available_servers()[0]
    with ExitStack() as stack:
        with on_core(cores.redis):
            keep = (
                "--appendonly",
                "yes" if options.appendonly else "no",
                "--appendfsync",
                "everysec",
            )
            server = stack.enter_context(Server(kind, *keep))
        stack.enter_context(on_core(cores.driver))
        for _ in range(options.rounds or (1 if options.quick else 3)):
            for name, done in rounds.items():
                done.append(
                    one_round(SYSTEMS[name], server, cores, lambda place: measure(place, work))
                )
            if "floor" in work.phases:
                bare = one_round(ECHO, server, cores, lambda place: echo(place, work))
                floor.append(bare | say(server, work.calls))
    return {
        "machine": f"{cores.note}; {_versions(f'{kind} {version(kind)}')}",
        "work": dataclasses.asdict(work),
        "rounds": {name: [_rounded(figures) for figures in done] for name, done in rounds.items()},
        "floor": [_rounded(figures) for figures in floor],
    }


def _versions(server: str) -> str:
    """Of all that has a part in the figures."""
    packages = "picows", "uvloop", "uvicorn", "python-socketio", "channels", "channels_redis"
    named = (f"{package} {metadata.version(package)}" for package in packages)
    return ", ".join((f"Python {platform.python_version()}", server, *named))


def _rounded(figures: Figures) -> Figures:
    """Without digits that say nothing."""
    return {key: float(f"{value:.4g}") for key, value in figures.items()}


def main() -> None:
    options = options_of()
    with many_files():
        result = run(options)
    print(result["machine"])
    print(table(result["rounds"], TITLES))
    print(floor_line(result["floor"]))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.publish:
        publish(result)


if __name__ == "__main__":
    main()
