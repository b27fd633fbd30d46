"""The table of the documentation: every kind of fault, on all that nodes may stand on, as it was measured."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench.blocks import with_block
from tests.faults.kinds import KINDS, trials
from tests.faults.report import quantiles
from tests.faults.trial import Report

DOCS = Path(__file__).parents[2] / "docs"
RESULT, PAGE = DOCS / "faults.json", DOCS / "design.md"
BEGIN, END = "<!-- faults: by python -m tests.faults -->\n", "<!-- /faults -->"
MUST_BE_ZERO = ("lost", "twice", "disordered", "ended", "untold", "left")
HEADS = {"redis": "one Redis", "sentinel": "Sentinel", "cluster": "Cluster"}
Row = Mapping[str, Any]


def _kept(report: Report) -> Row:
    kept = {name: value for name, value in asdict(report).items() if name != "silences"}
    p50, p99, most = (round(value, 2) for value in quantiles(report.silences))
    return {**kept, "p50": p50, "p99": p99, "max": most}


def table(measured: Sequence[Row]) -> str:
    """Markdown: a row for each kind; of each ground, how long nothing arrived, p50 and max."""
    head = ["fault", "confirmed", "lost, twice, disordered, ended, left over"]
    head += [f"{name}, s" for name in HEADS.values()]
    rows = [head, ["---", "--:", "--:", *("--:" for _ in HEADS)]]
    for kind in KINDS:
        of_kind = [trial for trial in measured if trial["kind"] == kind]
        counts = [sum(trial[name] for trial in of_kind) for name in MUST_BE_ZERO]
        silences = [_silence(of_kind, ground) for ground in HEADS]
        confirmed = sum(trial["confirmed"] for trial in of_kind)
        rows.append([KINDS[kind].title, f"{confirmed}", f"{sum(counts)}", *silences])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _silence(measured: Sequence[Row], ground: str) -> str:
    found = [trial for trial in measured if trial["ground"] == ground]
    return " ".join(f"{trial['p50']:.1f} / {trial['max']:.1f}" for trial in found) or "–"


def page(document: str, kept: Mapping[str, Any]) -> str:
    """The document with that result's table."""
    return with_block(document, BEGIN, f"{kept['said']}\n\n{table(kept['trials'])}\n", END)


def publish(reports: Sequence[Report], said: str) -> None:
    """Into the documentation, by hand of nobody. Some trials alone take the place of those that were measured in the
    same way before; raises ValueError where that leaves any out."""
    before = json.loads(RESULT.read_text()) if RESULT.exists() else {"said": ""}
    known = before["trials"] if before["said"] == said else []
    rows = {(row["ground"], row["kind"]): row for row in (*known, *map(_kept, reports))}
    missing = [trial for trial in trials() if trial not in rows]
    if missing:
        raise ValueError(f"not measured like this: {missing}")
    kept = {"said": said, "trials": [rows[trial] for trial in trials()]}
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    PAGE.write_text(page(PAGE.read_text(), kept))
