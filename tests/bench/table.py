"""The result as a table: a row for each figure, a column for each system, and how they compare."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Rounds = Mapping[str, Sequence[Mapping[str, float]]]
"""The figures of each round, by the name of the system."""


@dataclass(frozen=True)
class Row:
    """One figure: its key, what it is called, and whether more of it is better."""

    key: str
    title: str
    more_is_better: bool = False


ROWS = (
    Row("busy_node", "CPU of nodes for a message, µs"),
    Row("busy_redis", "CPU of Redis for a message, µs"),
    Row("core_rate", "messages a second for a core of nodes", more_is_better=True),
    Row("busy_rate", "messages a second, at most", more_is_better=True),
    Row("busy_driver", "(CPU of the driver for a message, µs)"),
    Row("eager_node", "CPU of nodes, each push acknowledged at once, µs"),
    Row("eager_redis", "CPU of Redis, each push acknowledged at once, µs"),
    Row("half_rate", "messages a second at half load", more_is_better=True),
    Row("half_node", "CPU of nodes for a message at half load, µs"),
    Row("half_redis", "CPU of Redis for a message at half load, µs"),
    Row("p50_ms", "delivery at half load, p50, ms"),
    Row("p99_ms", "delivery at half load, p99, ms"),
    Row("p999_ms", "delivery at half load, p99.9, ms"),
    Row("idle_kb", "memory of a node for an idle account, kB"),
    Row("session_kb", "memory of a node for somebody in a session, kB"),
    Row("connect_rate", "people who connect in a second", more_is_better=True),
    Row("connect_node", "CPU of nodes to connect, µs"),
    Row("match_rate", "pairs matched in a second", more_is_better=True),
    Row("match_node", "CPU of nodes to match two, µs"),
    Row("back_rate", "people who come back in a second", more_is_better=True),
    Row("back_node", "CPU of nodes to come back, µs"),
)


def table(rounds: Rounds, titles: Mapping[str, str]) -> str:
    """Markdown. The first system is compared with the others: how many times better it is."""
    first, *others = rounds
    head = [
        "",
        *(titles[name] for name in rounds),
        *(f"{titles[first]} / {titles[name]}" for name in others),
    ]
    lines = [head, ["---"] * len(head)]
    for row in ROWS:
        found = {name: figures_of(rounds, name, row.key) for name in rounds}
        if not any(found.values()):
            continue
        ratios = [_ratio(found[first], found[name]) for name in others]
        lines.append([row.title, *map(spread, found.values()), *ratios])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def figures_of(rounds: Rounds, name: str, key: str) -> list[float]:
    """One figure in all rounds of a system."""
    return [figures[key] for figures in rounds[name] if key in figures]


def spread(values: Sequence[float]) -> str:
    """The median, with least and most where there are several."""
    if not values:
        return "–"
    middle = number(statistics.median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({number(min(values))}–{number(max(values))})"


def number(value: float) -> str:
    """Three digits that count."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    if not ours or not theirs:
        return "–"
    ratio = statistics.median(ours) / statistics.median(theirs)
    if ratio < 1:
        return f"1/{1 / ratio:.1f}"
    return f"{ratio:.1f}×"
