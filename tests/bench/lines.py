"""Growth as a picture: a line for the nodes and one for Redis in each panel, the numbers beside their points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from tests.bench.chart import FONT, FRAME, GROUND, QUIET, TEXT, WIDTH, text
from tests.bench.table import number

TOP, PANEL, PLOT = 20, 216, 120
LEFT, RIGHT = 60, WIDTH - 60
NODE, REDIS, RATE = "#79c0ff", "#d2a8ff", "#7ee787"
HEAD_ROOM = 1.25
"""Of a plot, above its highest point: for the number there."""


@dataclass(frozen=True)
class Line:
    """One figure of each step; ``above``: whether its numbers stand over their points."""

    key: str
    name: str
    colour: str
    above: bool = True


@dataclass(frozen=True)
class Panel:
    """Steps from left to right, all of them as far apart: they are about as many times more."""

    part: str
    title: str
    step: str
    lines: Sequence[Line]


CPU = (Line("node", "nodes", NODE), Line("redis", "Redis", REDIS, above=False))
PANELS = (
    Panel("nodes", "Messages a second, as many as fit (all nodes on one core)", "nodes", (Line("rate", "a second", RATE),)),
    Panel("nodes", "CPU for a message, µs, as many as fit", "nodes", CPU),
    Panel("connections", "CPU for a message, µs, among more and more people", "connected", CPU),
    Panel("sessions", "CPU for a message, µs, in more and more sessions", "sessions", CPU),
)  # fmt: skip


def picture(result: Mapping[str, Any]) -> str:
    """SVG, without anything from elsewhere, on its own ground: read the same on a light page and on a dark one."""
    height = TOP + len(PANELS) * PANEL
    label = escape("; ".join(panel.title for panel in PANELS), quote=True)
    ground = f'width="{WIDTH - 2}" height="{height - 2}" rx="10" fill="{GROUND}" stroke="{FRAME}"'
    lines = [
        line
        for place, panel in enumerate(PANELS)
        for line in _panel(panel, result[panel.part], TOP + place * PANEL)
    ]
    begin = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
    return "\n".join((
        f'{begin} role="img" aria-label="{label}">',
        f'<rect x="1" y="1" {ground}/>',
        f'<g font-family="{FONT}" font-size="14">',
        *lines,
        "</g>",
        "</svg>",
        "",
    ))  # fmt: skip


def _panel(panel: Panel, rows: Sequence[Mapping[str, float]], top: int) -> list[str]:
    floor = top + 44 + PLOT
    highest = max(row[line.key] for row in rows for line in panel.lines)
    places = [LEFT + 40 + turn * (RIGHT - LEFT - 80) / max(1, len(rows) - 1) for turn in range(len(rows))]  # fmt: skip
    drawn = [
        text(24, top + 16, TEXT, panel.title, bold=True),
        f'  <path d="M{LEFT} {floor}H{RIGHT}" stroke="{FRAME}"/>',
    ]
    for x, row in zip(places, rows, strict=True):
        drawn.append(_centred(x, floor + 20, QUIET, _step(row[panel.part], panel.step)))
    for line in panel.lines:
        heights = [row[line.key] / highest / HEAD_ROOM * PLOT for row in rows]
        points = [(x, floor - height) for x, height in zip(places, heights, strict=True)]
        drawn += _line(line, points, [row[line.key] for row in rows])
    return drawn


def _line(line: Line, points: Sequence[tuple[float, float]], values: Sequence[float]) -> list[str]:
    path = "L".join(f"{x:.0f} {y:.1f}" for x, y in points)
    drawn = [f'  <path d="M{path}" fill="none" stroke="{line.colour}" stroke-width="2"/>']
    for turn, ((x, y), value) in enumerate(zip(points, values, strict=True)):
        said = f"{number(value)} {line.name}" if turn == 0 else number(value)
        drawn.append(f'  <circle cx="{x:.0f}" cy="{y:.1f}" r="3.5" fill="{line.colour}"/>')
        drawn.append(_centred(x, y - 9 if line.above else y + 18, line.colour, said))
    return drawn


def _centred(x: float, y: float, colour: str, said: str) -> str:
    return f'  <text x="{x:.0f}" y="{y:.0f}" fill="{colour}" text-anchor="middle">{escape(said)}</text>'


def _step(number: float, name: str) -> str:
    """In words: 1 node, 2 nodes."""
    return f"{number:g} {name.removesuffix('s') if number == 1 else name}"
