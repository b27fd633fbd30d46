"""All rounds, in turns: the result as it is kept."""

import asyncio
import dataclasses
import platform
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from chat.cli import fast_loop
from tests.bench.floor import ECHO, echo, say
from tests.bench.meter import Cores, on_core
from tests.bench.phases import Figures, measure
from tests.bench.systems import SYSTEMS, Place, System
from tests.bench.work import Work
from tests.support.servers import Server, available_servers, version

PACKAGES = "picows", "uvloop", "uvicorn", "python-socketio", "channels", "channels_redis"

Measured = Coroutine[Any, Any, Figures]


@dataclass(frozen=True)
class Bench:
    """One Redis and a driver for all of them."""

    server: Server
    cores: Cores
    work: Work

    def round_of(self, name: str) -> Figures:
        """One round of one system."""
        return self._with_nodes(SYSTEMS[name], lambda place: measure(place, self.work))

    def floor(self) -> Figures:
        """What cannot be undercut."""
        bare = self._with_nodes(ECHO, lambda place: echo(place, self.work))
        return bare | say(self.server, self.work.calls)

    def _with_nodes(self, system: System, measured: Callable[[Place], Measured]) -> Figures:
        """Nodes of its own, and an empty Redis."""
        with ExitStack() as stack:
            place = Place(stack, system, self.server, self.cores)
            with asyncio.Runner(loop_factory=fast_loop()) as runner:
                return runner.run(measured(place))


def run(work: Work, names: Sequence[str], rounds: int, *, appendonly: bool) -> dict[str, Any]:
    """What is kept as JSON."""
    cores = Cores.here()
    found: dict[str, list[Figures]] = {name: [] for name in names}
    floor: list[Figures] = []
    with ExitStack() as stack:
        with on_core(cores.redis):
            server = stack.enter_context(redis_server(appendonly=appendonly))
        stack.enter_context(on_core(cores.driver))
        bench = Bench(server, cores, work)
        for _ in range(rounds):
            for name in names:
                found[name].append(rounded(bench.round_of(name)))
            if "floor" in work.phases:
                floor.append(rounded(bench.floor()))
    return {
        "machine": f"{cores.note}; {', '.join(versions(server))}",
        "work": {**dataclasses.asdict(work), "appendonly": appendonly},
        "rounds": found,
        "floor": floor,
    }


def redis_server(*, appendonly: bool) -> Server:
    keep = ("--appendonly", "yes" if appendonly else "no", "--appendfsync", "everysec")
    return Server(available_servers()[0], *keep)


def versions(server: Server) -> Iterator[str]:
    """Of all that has a part in the figures, as far as it is here."""
    yield f"Python {platform.python_version()}"
    yield f"{server.kind} {version(server.kind)}"
    there = {found.name.lower(): found.version for found in metadata.distributions()}
    for package in PACKAGES:
        if package in there:
            yield f"{package} {there[package]}"


def rounded(figures: Figures) -> Figures:
    """Without digits that say nothing; what was counted is whole."""
    return {
        key: value if isinstance(value, int) else float(f"{value:.4g}")
        for key, value in figures.items()
    }
