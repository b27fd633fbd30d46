"""A trial in a line, and several in a table."""

from collections.abc import Sequence

from tests.faults.grounds import GROUNDS
from tests.faults.kinds import KINDS
from tests.faults.trial import Report

COLUMNS = (
    "fault", "confirmed", "lost", "twice", "disordered", "ended", "keys left",
    "p50 s", "p99 s", "max s", "memory MB",
)  # fmt: skip


def line(report: Report) -> str:
    """Everything, for whoever runs it."""
    p50, p99, most = quantiles(report.silences)
    seen = " ".join(f"{what}={count}" for what, count in sorted(report.seen.items()))
    return (
        f"{report.ground}-{report.kind} seed={report.seed} confirmed={report.confirmed}"
        f" delivered={report.delivered} faults={report.faults or 'none'}"
        f" silence p50={p50:.2f} p99={p99:.2f} max={most:.2f} s"
        f" memory={report.memory / 1e6:+.1f} MB | {seen}"
    )


def table(reports: Sequence[Report]) -> str:
    """In Markdown, for each ground a row for each kind; trials of one kind are added up."""
    return "\n\n".join(
        f"On {GROUNDS[ground].TITLE}:\n\n"
        + _table([one for one in reports if one.ground == ground])
        for ground in dict.fromkeys(report.ground for report in reports)
    )


def _table(reports: Sequence[Report]) -> str:
    rows = [COLUMNS, tuple("---" for _ in COLUMNS)]
    rows += [
        _row(kind, [report for report in reports if report.kind == kind])
        for kind in dict.fromkeys(report.kind for report in reports)
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _row(kind: str, reports: Sequence[Report]) -> tuple[str, ...]:
    silences = sorted(value for report in reports for value in report.silences)
    names = "confirmed", "lost", "twice", "disordered", "ended", "left"
    counts = [str(sum(getattr(report, name) for report in reports)) for name in names]
    title = KINDS[kind].title
    if KINDS[kind].lossy:
        counts[1] = f"{counts[1]} untold"
    memory = f"{max(report.memory for report in reports) / 1e6:+.1f}"
    return (title, *counts, *(f"{value:.1f}" for value in quantiles(silences)), memory)


def quantiles(values: Sequence[float]) -> tuple[float, float, float]:
    """p50, p99 and the highest of sorted values."""
    last = len(values) - 1
    return values[last // 2], values[round(last * 0.99)], values[last]
