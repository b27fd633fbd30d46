"""The result as a picture: bars of CPU for a message and of memory for a person, the numbers beside them.

It has its own dark ground, so that it is read the same on a light page and on a dark one.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from tests.bench.table import Rounds, figures_of, number

WIDTH = 900
ROW, BAR = 30, 18
LEFT, LONGEST = 190, 450
GROUND, FRAME, TEXT, QUIET = "#0d1117", "#30363d", "#e6edf3", "#8b949e"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Part:
    """A part of each bar: the figure that is its length, its colour, and what it is called."""

    key: str
    colour: str
    name: str = ""


@dataclass(frozen=True)
class Panel:
    """Bars under a title, one for each system, on a scale of their own."""

    title: str
    unit: str
    parts: Sequence[Part]


PANELS = (
    Panel(
        "CPU for a message, at full load",
        "µs",
        (Part("busy_node", "#79c0ff", "nodes"), Part("busy_redis", "#d2a8ff", "Redis")),
    ),
    Panel("Memory of a node for somebody in a session", "kB", (Part("session_kb", "#7ee787"),)),
)


def chart(rounds: Rounds, titles: Mapping[str, str]) -> str:
    """SVG, without anything from elsewhere. Panels that lack a figure are left out."""
    panels = [panel for panel in PANELS if _is_whole(panel, rounds)]
    lines, top = [], 20
    for panel in panels:
        lines += _panel(panel, rounds, titles, top)
        top += ROW * (len(rounds) + 1) + 22
    height = top + 2
    label = escape("; ".join(panel.title for panel in panels), quote=True)
    ground = f'width="{WIDTH - 2}" height="{height - 2}" rx="10" fill="{GROUND}" stroke="{FRAME}"'
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


def _is_whole(panel: Panel, rounds: Rounds) -> bool:
    return all(figures_of(rounds, name, part.key) for name in rounds for part in panel.parts)


def _panel(panel: Panel, rounds: Rounds, titles: Mapping[str, str], top: int) -> list[str]:
    lengths = {
        name: [statistics.median(figures_of(rounds, name, part.key)) for part in panel.parts]
        for name in rounds
    }
    scale = LONGEST / max(map(sum, lengths.values()))
    lines = [text(24, top + 16, TEXT, panel.title, bold=True)]
    for place, (name, values) in enumerate(lengths.items(), start=1):
        y = top + place * ROW
        lines.append(text(24, y + 14, QUIET, titles[name]))
        lines += _bar(panel, values, scale, y)
    return lines


def _bar(panel: Panel, values: Sequence[float], scale: float, y: int) -> list[str]:
    lines, x = [], float(LEFT)
    for part, value in zip(panel.parts, values, strict=True):
        width = value * scale
        lines.append(
            f'  <rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{part.colour}"/>'
        )
        x += width
    said = " + ".join(
        f'<tspan fill="{part.colour}">{number(value)} {panel.unit} {part.name}'.rstrip()
        + "</tspan>"
        for part, value in zip(panel.parts, values, strict=True)
    )
    lines.append(f'  <text x="{x + 10:.0f}" y="{y + 14}" fill="{TEXT}">{said}</text>')
    return lines


def text(x: float, y: int, colour: str, said: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'  <text x="{x:.0f}" y="{y}" fill="{colour}"{weight}>{escape(said)}</text>'
