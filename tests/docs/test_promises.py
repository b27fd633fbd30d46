"""The table of promises names a test for each of them, and each is there."""

import re

import pytest

from tests.faults.grounds import GROUNDS
from tests.faults.kinds import trials
from tests.support.nodes import ROOT

COLUMNS = ("redis", "sentinel", "cluster")
HEADING = "| fault | what people see | one Redis | Sentinel | Cluster |"
ELSEWHERE = ("the same", "there is none")
"""What a cell may say without a test: the column before it has it, or there is no such fault."""


def rows() -> list[list[str]]:
    document = (ROOT / "docs/design.md").read_text()
    _, _, rest = document.partition(HEADING)
    lines = rest.strip().splitlines()[1:]
    table = [line for line in lines[: lines.index("")] if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_each_promise_has_its_test(row: list[str]) -> None:
    """On each ground of its own."""
    known = set(trials())
    for ground, cell in zip(COLUMNS, row[2:], strict=True):
        named = re.findall(r"`([a-z_]+|[\w/]+\.py)`", cell)
        assert named or cell in ELSEWHERE, f"{ground}: {cell}"
        for name in named:
            if name.endswith(".py"):
                assert (ROOT / "tests" / name).exists(), name
            elif name != "appendfsync":
                assert (ground, name) in known, f"{name} is no trial on {ground}"


def test_every_trial_is_promised() -> None:
    """Nothing is tried that is promised to nobody."""
    text = "\n".join(" ".join(row[2:]) for row in rows())
    assert {kind for _, kind in trials()} == set(re.findall(r"`([a-z]+)`", text)) - {"appendfsync"}
    assert set(COLUMNS) == set(GROUNDS)
