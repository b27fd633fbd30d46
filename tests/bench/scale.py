"""What a million people at once would need, computed from what was measured: the tables of docs/scale.md.

``python -m tests.bench.scale`` writes them anew from ``docs/growth.json`` and ``docs/benchmark.json``; so do
``--publish`` of the benchmark and of the growth.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from chat.config import Settings
from tests.bench.blocks import with_block
from tests.bench.need import Assumptions, Measured, Need

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "scale.md"
BEGIN, END = "<!-- scale: by python -m tests.bench.scale -->\n", "<!-- /scale -->"

GIVEN = {
    "people": "people at once",
    "talking": "share of them in a session",
    "said": "messages a minute that each of those says",
    "together": "seconds that two stay together",
    "stay": "seconds that somebody stays",
    "socket": "seconds that a socket lasts, on phones and trains",
    "unread": "messages that wait for each, on average",
    "node_people": "people on a node: `python -m tests.bench.full_node` shows one that carries them",
    "full": "share of a core that is used when all is well",
    "node_base_mb": "MB of a node without people",
    "spare": "times the memory that the data of Redis takes: it forks to rewrite its file, and replicas may be behind",
    "grace": "seconds until an account without a socket ends (`CHAT_GRACE_SECONDS`)",
}
MEASURED = {
    "node": "CPU of a node for a message, µs, the dearest of growth.json's sessions",
    "redis": "the same, of Redis",
    "connect_node": "CPU of a node for somebody who comes, µs (growth.json)",
    "connect_redis": "the same, of Redis",
    "match_node": "CPU of a node for a pair that meets, µs (benchmark.json)",
    "match_redis": "the same, of Redis",
    "back_node": "CPU of a node for somebody who comes back, µs (benchmark.json)",
    "back_redis": "the same, of Redis",
    "silent_node": "CPU of a node for a second of somebody's silence, µs (growth.json)",
    "silent_redis": "the same, of Redis",
    "silent_bytes": "bytes for a second of somebody's silence (growth.json)",
    "node_kb": "memory of a node for somebody in a session, kB (growth.json)",
    "redis_kb": "the same, of Redis",
    "unread_kb": "memory of Redis for a message that waits, kB (operations.md)",
    "people_bytes": "bytes between people and nodes for a message, headers and acknowledgement too (growth.json)",
    "redis_in": "bytes to Redis for a message (growth.json)",
    "redis_out": "bytes from Redis for a message (growth.json)",
}


def page(document: str, growth: Mapping[str, Any], benchmark: Mapping[str, Any]) -> str:
    """The page, its tables made anew."""
    given, cost = Assumptions(), Measured.of(growth, benchmark)
    parts = (
        _named(given, GIVEN, "assumed"),
        _named(cost, MEASURED, "measured"),
        _results(Need(given, cost)),
    )
    return with_block(document, BEGIN, "\n".join(parts), END)


def publish() -> None:
    """Writes the page from what is in ``docs/``."""
    growth, benchmark = (
        json.loads((DOCS / f"{name}.json").read_text()) for name in ("growth", "benchmark")
    )
    PAGE.write_text(page(PAGE.read_text(), growth, benchmark))


def _named(values: Assumptions | Measured, names: Mapping[str, str], title: str) -> str:
    shown = {
        field.name: f"{getattr(values, field.name):,.4g}"
        if getattr(values, field.name) < 1e4
        else _n(getattr(values, field.name))
        for field in fields(values)
    }
    rows = "".join(f"| {names[name]} | {value} |\n" for name, value in shown.items())
    return f"| {title} | |\n| --- | --: |\n{rows}"


def _results(need: Need) -> str:
    rows = "".join(
        f"| {line.what} | {line.words} | {line.numbers} | {line.value} |\n" for line in lines(need)
    )
    return f"| needed | how | in numbers | |\n| --- | --- | --- | --: |\n{rows}"


@dataclass(frozen=True)
class Line:
    """One result: what it is, how it comes about, in words and in numbers, and what it is then."""

    what: str
    words: str
    numbers: str
    value: str


def lines(need: Need) -> list[Line]:
    """All results, in the order of the page."""
    return [*_doing(need), *_nodes(need), *_redis(need), *_network(need)]


def _doing(need: Need) -> Iterable[Line]:
    given = need.given
    yield Line("messages a second", "people × talking × messages a minute / 60", f"{_n(given.people)} × {given.talking:g} × {given.said:g} / 60", _n(need.messages))  # fmt: skip
    yield Line("pairs that meet in a second", "people × talking / 2 / seconds together", f"{_n(given.people)} × {given.talking:g} / 2 / {given.together:g}", _n(need.matches))  # fmt: skip
    yield Line("people who come in a second", "people / seconds of stay", f"{_n(given.people)} / {given.stay:g}", _n(need.comings))  # fmt: skip
    yield Line("people who come back in a second", "people / seconds of a socket", f"{_n(given.people)} / {given.socket:g}", _n(need.returns))  # fmt: skip


def _nodes(need: Need) -> Iterable[Line]:
    given, cost = need.given, need.cost
    yield Line("CPU of all nodes, cores", "messages × CPU of one + pairs × … + comings × … + returns × … + people × silence", _sum(need, (cost.node, cost.match_node, cost.connect_node, cost.back_node, cost.silent_node)), f"{need.node_cores:.1f}")  # fmt: skip
    yield Line("**nodes**", "the larger of people / people on a node, and cores / how full", f"max({_n(given.people)} / {_n(given.node_people)}, {need.node_cores:.1f} / {given.full:g})", f"**{need.nodes}**")  # fmt: skip
    yield Line("how full the core of a node is", "cores / nodes", f"{need.node_cores:.1f} / {need.nodes}", f"{need.node_cores / need.nodes:.0%}")  # fmt: skip
    each = given.people / need.nodes
    yield Line("memory of a node, MB", "empty + people on it × memory of one", f"{given.node_base_mb:g} + {_n(each)} × {cost.node_kb:g} / 1000", _n(given.node_base_mb + each * cost.node_kb / 1e3))  # fmt: skip
    yield Line("until all of a node are back elsewhere, at the least, s", "people on it × CPU to come back / the other nodes / what of them is free", f"{_n(each)} × {cost.back_node:g} µs / {need.nodes - 1} / {1 - given.full:g}", f"{each * cost.back_node / 1e6 / (need.nodes - 1) / (1 - given.full):.2f}")  # fmt: skip


def _redis(need: Need) -> Iterable[Line]:
    given, cost = need.given, need.cost
    yield Line("CPU of all primaries, cores", "as that of the nodes", _sum(need, (cost.redis, cost.match_redis, cost.connect_redis, cost.back_redis, cost.silent_redis)), f"{need.redis_cores:.2f}")  # fmt: skip
    yield Line("primaries for that", "cores / how full", f"{need.redis_cores:.2f} / {given.full:g}", f"{need.primaries_for_cpu}")  # fmt: skip
    yield Line("primaries so that all can be back within the grace time", "people × CPU to come back / grace", f"{_n(given.people)} × {cost.back_redis:g} µs / {given.grace:g} s", f"{need.primaries_for_storm}")  # fmt: skip
    yield Line("**Redis primaries (pools)**", "the larger of the two", f"max({need.primaries_for_cpu}, {need.primaries_for_storm})", f"**{need.primaries}**")  # fmt: skip
    yield Line("messages a second of each", "messages / primaries", f"{_n(need.messages)} / {need.primaries}", _n(need.messages / need.primaries))  # fmt: skip
    data = cost.redis_kb + given.unread * cost.unread_kb
    memory = given.people * data * given.spare / need.primaries / 1e6
    yield Line("memory of each, GB", "people × (memory of one + waiting × memory of a message) × spare / primaries", f"{_n(given.people)} × ({cost.redis_kb:g} + {given.unread:g} × {cost.unread_kb:g}) kB × {given.spare:g} / {need.primaries}", f"{memory:.2f}")  # fmt: skip


def _network(need: Need) -> Iterable[Line]:
    given, cost = need.given, need.cost
    pings = given.people / Settings().ping_interval_seconds * (1 - given.talking)
    yield Line("pings a second, of all nodes", "people × (1 − talking) / ping interval", f"{_n(given.people)} × {1 - given.talking:g} / {Settings().ping_interval_seconds:g}", _n(pings))  # fmt: skip
    people = (need.messages * cost.people_bytes + given.people * cost.silent_bytes) * 8 / 1e6
    yield Line("between people and nodes, both ways, Mbit/s", "(messages × bytes of one + people × bytes of silence) × 8", f"({_n(need.messages)} × {cost.people_bytes:g} + {_n(given.people)} × {cost.silent_bytes:g}) × 8 / 10⁶", _n(people))  # fmt: skip
    yield Line("the same, of a node", "/ nodes", f"{_n(people)} / {need.nodes}", f"{people / need.nodes:.1f}")  # fmt: skip
    each = need.messages / need.primaries * 8 / 1e6
    yield Line("to a primary, Mbit/s", "messages of each × bytes in × 8", f"{_n(need.messages / need.primaries)} × {cost.redis_in:g} × 8 / 10⁶", _n(each * cost.redis_in))  # fmt: skip
    yield Line("from a primary, Mbit/s", "messages of each × bytes out × 8", f"{_n(need.messages / need.primaries)} × {cost.redis_out:g} × 8 / 10⁶", _n(each * cost.redis_out))  # fmt: skip


def _sum(need: Need, costs: Sequence[float]) -> str:
    times = need.messages, need.matches, need.comings, need.returns, need.given.people
    parts = (f"{_n(time)} × {cost:.3g}" for time, cost in zip(times, costs, strict=True))
    return f"({' + '.join(parts)}) µs"


def _n(value: float) -> str:
    """With a thin line between thousands, as people read it."""
    return f"{value:,.0f}".replace(",", " ")


def main() -> None:
    publish()


if __name__ == "__main__":
    main()
