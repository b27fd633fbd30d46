"""A table: which columns have room, which rows have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from chat.top.words import shorten

Line = list[tuple[str, str]]
"""Pieces of text, each with its style: "", or a name of ``live.py``."""
SHORTEST_NAME = 15
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """``worth`` says which stays longest where there is not room for all."""

    title: str
    width: int
    worth: int
    cell: Callable[[Row], str]


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """``name`` is what a row begins with, ``wrong`` whether somebody has to look at it; ``trouble`` what stands there
    instead of cells. ``are_wrong`` says what is the matter with those that have no room."""

    title: str
    rows: Sequence[Row]
    columns: Sequence[Column[Row]]
    name: Callable[[Row], str]
    wrong: Callable[[Row], bool]
    are_wrong: str
    trouble: Callable[[Row], str | None] = lambda row: None

    @property
    def height(self) -> int:
        """With its heading."""
        return 1 + len(self.rows)

    def draw(self, width: int, rows: int | None) -> list[Line]:
        """A heading and at most ``rows`` lines, the last of which says how many have no room."""
        longest = max([len(self.name(row)) for row in self.rows] + [len(self.title)])
        columns = self._that_fit(width - min(longest, SHORTEST_NAME))
        name = min(longest, width - sum(column.width + 1 for column in columns))
        shown, hidden = list(self.rows), list[Row]()
        if rows is not None and len(shown) > rows:
            room = max(rows - 1, 0)
            shown, hidden = shown[:room], shown[room:]
        titles = "".join(f" {column.title:>{column.width}}" for column in columns)
        lines: list[Line] = [[("head", f"{self.title[:name]:<{name}}{titles}".rstrip())]]
        lines += [self._row(row, name, columns) for row in shown]
        if hidden:
            lines.append(self._more(hidden, width))
        return lines

    def _that_fit(self, width: int) -> list[Column[Row]]:
        """The worthiest, in their order."""
        fit: list[Column[Row]] = []
        for column in sorted(self.columns, key=lambda column: -column.worth):
            width -= column.width + 1
            if width < 0:
                break
            fit.append(column)
        return [column for column in self.columns if column in fit]

    def _row(self, row: Row, name: int, columns: Sequence[Column[Row]]) -> Line:
        cells = "".join(f" {column.cell(row):>{column.width}}" for column in columns)
        if trouble := self.trouble(row):
            cells = f"  {trouble}"
        style = "bad" if self.wrong(row) else ""
        return [(style, f"{shorten(self.name(row), name):<{name}}{cells}".rstrip())]

    def _more(self, hidden: Sequence[Row], width: int) -> Line:
        wrong = sum(map(self.wrong, hidden))
        said = f"… and {len(hidden)} more" + (
            f", {wrong} of them {self.are_wrong}" if wrong else ""
        )
        return [("bad" if wrong else "dim", said[: max(width, 0)])]
