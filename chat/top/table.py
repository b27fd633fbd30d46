"""The table of nodes: which columns have room, which rows have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chat.top.snapshot import NodeSeen
from chat.top.words import UNKNOWN, count, rate, seconds, shorten

Line = list[tuple[str, str]]
"""Pieces of text, each with its style: "", or a name of ``live.py``."""
SHORTEST_NAME = 15


@dataclass(frozen=True, slots=True)
class Column:
    """``worth`` says which stays longest where there is not room for all."""

    title: str
    width: int
    worth: int
    cell: Callable[[NodeSeen], str]


def _lease(node: NodeSeen) -> str:
    if node.gone_seconds is not None:
        return f"gone {seconds(node.gone_seconds)}"
    if not node.alive:
        return f"dead {seconds(-node.lease_seconds)}"
    return seconds(node.lease_seconds)


def _accounts(node: NodeSeen) -> str:
    return count(None if node.gone_seconds is not None else node.accounts)


def _version(node: NodeSeen) -> str:
    return shorten(node.version or UNKNOWN, 9)


COLUMNS = (
    Column("UP", 6, 4, lambda node: seconds(node.up_seconds)),
    Column("LEASE", 11, 9, _lease),
    Column("SOCKETS", 7, 8, lambda node: count(node.sockets)),
    Column("ACCOUNTS", 8, 6, _accounts),
    Column("MSG/S", 6, 7, lambda node: rate(node.messages_per_second)),
    Column("CMD/S", 6, 3, lambda node: rate(node.commands_per_second)),
    Column("MATCH/S", 7, 2, lambda node: rate(node.matches_per_second)),
    Column("LAG ms", 6, 5, lambda node: count(node.lag_ms)),
    Column("VERSION", 9, 1, _version),
)


def table(nodes: Sequence[NodeSeen], width: int, rows: int | None) -> list[Line]:
    """A heading and at most ``rows`` lines, the last of which says how many nodes have no room."""
    longest = max([len(node.node) for node in nodes] + [4])
    columns = _that_fit(width - min(longest, SHORTEST_NAME))
    name = min(longest, width - sum(column.width + 1 for column in columns))
    shown, hidden = list(nodes), list[NodeSeen]()
    if rows is not None and len(shown) > rows:
        room = max(rows - 1, 0)
        shown, hidden = shown[:room], shown[room:]
    lines = [_heading(name, columns)]
    lines += [_row(node, name, columns) for node in shown]
    if hidden:
        lines.append(_more(hidden, width))
    return lines


def _that_fit(width: int) -> list[Column]:
    """The worthiest, in their order."""
    fit: list[Column] = []
    for column in sorted(COLUMNS, key=lambda column: -column.worth):
        width -= column.width + 1
        if width < 0:
            break
        fit.append(column)
    return [column for column in COLUMNS if column in fit]


def _heading(name: int, columns: Sequence[Column]) -> Line:
    titles = "".join(f" {column.title:>{column.width}}" for column in columns)
    return [("head", f"{'NODE'[:name]:<{name}}{titles}".rstrip())]


def _row(node: NodeSeen, name: int, columns: Sequence[Column]) -> Line:
    cells = "".join(f" {column.cell(node):>{column.width}}" for column in columns)
    style = "" if node.alive else "bad"
    return [(style, f"{shorten(node.node, name):<{name}}{cells}".rstrip())]


def _more(hidden: Sequence[NodeSeen], width: int) -> Line:
    dead = sum(not node.alive for node in hidden)
    said = f"… and {len(hidden)} more" + (f", {dead} of them dead or gone" if dead else "")
    return [("bad" if dead else "dim", said[: max(width, 0)])]
