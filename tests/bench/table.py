"""The result as a table: a row for each figure, a column for each system, and how they compare."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Rounds = Mapping[str, Sequence[Mapping[str, float]]]
"""The figures of each round, by the name of the system."""

NONE = "–"
MUCH = 20
"""% of a core."""


@dataclass(frozen=True)
class Row:
    """One figure: its key and what it is called; whether it is one of the few for the README; and whether
    it is worth to be compared, or only says how the others came about."""

    key: str
    title: str
    main: bool = False
    compared: bool = True


ROWS = (
    Row("busy_node", "CPU of nodes for a message, µs", main=True),
    Row("busy_redis", "CPU of Redis for a message, µs", main=True),
    Row("core_rate", "messages a second for a core of nodes", main=True),
    Row("busy_rate", "messages a second, nodes on one core, all else on another"),
    Row("core_share", "(how much of that core the nodes got, %)", compared=False),
    Row("busy_others", "(what others used of the machine meanwhile, % of a core)", compared=False),
    Row("busy_driver", "(CPU of the driver for a message, µs)", compared=False),
    Row("thin_node", "CPU of nodes, one message of each person under way, µs", main=True),
    Row("thin_redis", "CPU of Redis, one message of each person under way, µs", main=True),
    Row("eager_node", "CPU of nodes, each push acknowledged at once, µs"),
    Row("eager_redis", "CPU of Redis, each push acknowledged at once, µs"),
    Row("half_rate", "messages a second at half load"),
    Row("half_node", "CPU of nodes for a message at half load, µs"),
    Row("half_redis", "CPU of Redis for a message at half load, µs"),
    Row("half_p50_ms", "delivery at half of its own load, p50, ms", main=True),
    Row("half_p99_ms", "p99, ms", main=True),
    Row("half_p999_ms", "p99.9, ms", main=True),
    Row("same_node", "CPU of nodes for a message at 500 a second, µs"),
    Row("same_p50_ms", "delivery at 500 messages a second, p50, ms", main=True),
    Row("same_p99_ms", "p99 of that, ms", main=True),
    Row("same_p999_ms", "p99.9 of that, ms", main=True),
    Row("idle_kb", "memory of a node for an account, kB", main=True),
    Row("session_kb", "memory of a node for somebody in a session, kB", main=True),
    Row("connect_rate", "people who connect in a second", main=True),
    Row("connect_node", "CPU of nodes to connect, µs"),
    Row("match_rate", "pairs matched in a second", main=True),
    Row("match_node", "CPU of nodes to match two, µs"),
    Row("back_rate", "people who come back in a second", main=True),
    Row("back_node", "CPU of nodes to come back, µs"),
)
MAIN_ROWS = tuple(row for row in ROWS if row.main)


def table(rounds: Rounds, titles: Mapping[str, str]) -> str:
    """All figures, as Markdown: the median, least and most of the rounds."""
    return _table(rounds, titles, ROWS, spread)


def summary(rounds: Rounds, titles: Mapping[str, str]) -> str:
    """The few for the README: medians."""
    return _table(rounds, titles, MAIN_ROWS, middle)


def floor_line(floor: Sequence[Mapping[str, float]]) -> str:
    """The floor in a sentence, or nothing where it was not measured."""
    rounds = {"floor": floor}
    frame, call = (figures_of(rounds, "floor", key) for key in ("echo_node", "say_redis"))
    if not frame:
        return ""
    line = f"The floor, measured beside it: the bare socket layer echoes a frame for {middle(frame)} µs"
    if call:
        line += f"; the bare function takes {middle(call)} µs of Redis under redis-benchmark"
    return f"{line}."


def warning(rounds: Rounds) -> str:
    """What to think of times and rates, where others were at work too; nothing where they were not."""
    most = max(
        (max(figures_of(rounds, name, "busy_others"), default=0) for name in rounds), default=0
    )
    if most < MUCH:
        return ""
    return f"Others used up to {most:.0f} % of a core meanwhile: times and rates say little."


def figures_of(rounds: Rounds, name: str, key: str) -> list[float]:
    """One figure in all rounds of a system."""
    return [figures[key] for figures in rounds[name] if key in figures]


def middle(values: Sequence[float]) -> str:
    """The median."""
    return number(statistics.median(values)) if values else NONE


def spread(values: Sequence[float]) -> str:
    """The median, with least and most where there are several."""
    if len(values) < 2:
        return middle(values)
    return f"{middle(values)} ({number(min(values))}–{number(max(values))})"


def number(value: float) -> str:
    """Three digits, or as many as stand before the point."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _table(
    rounds: Rounds,
    titles: Mapping[str, str],
    rows: Sequence[Row],
    shown: Callable[[Sequence[float]], str],
) -> str:
    """Of what was measured at all. The first system is compared with each of the others."""
    first, *others = rounds
    names = [titles[name] for name in rounds]
    head = ["", *names, *(f"to {titles[name]}" for name in others)]
    lines = [head, ["---", *("--:" for _ in head[1:])]]
    for row in rows:
        found = {name: figures_of(rounds, name, row.key) for name in rounds}
        if any(found.values()):
            ratios = [
                _ratio(found[first], found[name]) if row.compared else NONE for name in others
            ]
            lines.append([row.title, *map(shown, found.values()), *ratios])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """How often the one goes into the other."""
    if not ours or not theirs:
        return NONE
    over, under = statistics.median(ours), statistics.median(theirs)
    if over <= 0 or under <= 0:  # memory that a few people take may be none at all
        return NONE
    ratio = over / under
    return f"1/{1 / ratio:.1f}" if ratio < 1 else f"{ratio:.1f}×"
