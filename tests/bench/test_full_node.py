"""A full node, small: everybody comes, comes back and is let go; how fast is nobody's matter here."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.full_node import disturbed, stalls
from tests.bench.lag import Lag
from tests.support.nodes import ROOT
from tests.support.servers import available_servers

PEOPLE = 300
WORK = {"--people": PEOPLE, "--idle": 4, "--talk": 2, "--ping": 1, "--drain": 2}
EXPOSITION = """\
chat_event_loop_lag_seconds_bucket{le="0.01"} 90.0
chat_event_loop_lag_seconds_bucket{le="0.05"} 99.0
chat_event_loop_lag_seconds_bucket{le="+Inf"} 100.0
chat_event_loop_lag_seconds_count 100.0
"""


@pytest.fixture(scope="module")
def phases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of a small run, as its own file says it."""
    if not available_servers():
        pytest.skip("there is no Redis on this machine")
    file: Path = tmp_path_factory.mktemp("full") / "result.json"
    options = [str(word) for option in WORK.items() for word in option]
    command = [sys.executable, "-m", "tests.bench.full_node", *options, "--json", str(file)]
    done = subprocess.run(
        command, cwd=ROOT, timeout=90, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(file.read_text())["phases"]
    assert len(done.stdout.splitlines()) >= 1 + len(told)
    return told


@pytest.mark.slow
def test_every_phase_has_been_and_was_looked_at(phases: dict[str, Any]) -> None:
    """How late the event loop was is known of each that lasts longer than a moment."""
    assert list(phases) == ["start-up", "match", "idle", "talk", "storm", "kill -9", "drain"]
    for name in "idle", "talk", "drain":
        assert phases[name]["looks"] > 0
        assert phases[name]["lag_ms"].keys() == {"p50", "p99", "max"}


@pytest.mark.slow
def test_everybody_is_there_and_comes_back(phases: dict[str, Any]) -> None:
    """Whatever happens to sockets and node, with account and partner."""
    for name in "start-up", "match", "idle", "talk", "storm", "kill -9", "drain":
        assert phases[name]["here"] == PEOPLE
    assert phases["storm"]["lost"] == phases["kill -9"]["lost"] == 0


@pytest.mark.slow
def test_the_silent_are_pinged_and_what_is_said_arrives(phases: dict[str, Any]) -> None:
    """Pings are for those who are quiet: nobody was asked more often than the interval says."""
    assert PEOPLE <= phases["idle"]["pings"] <= PEOPLE * (WORK["--idle"] / WORK["--ping"] + 1)
    assert phases["idle"]["session_kb"] >= 0
    assert phases["talk"]["arrived"] == phases["talk"]["rate"] * WORK["--talk"]
    assert phases["talk"]["wrong"] == 0


@pytest.mark.slow
def test_the_node_lets_everybody_go_in_order(phases: dict[str, Any]) -> None:
    """Each socket with 1001, not all in one moment, and it ends with 0."""
    drain = phases["drain"]
    assert (drain["closed_1001"], drain["closed_otherwise"]) == (PEOPLE, 0)
    assert drain["exit_code"] == 0
    assert drain["seconds"] > WORK["--drain"] / 2
    assert drain["seen_seconds"] > 0


def test_lag_is_read_between_two_looks() -> None:
    """A quantile is the upper bound of its bucket."""
    lag = Lag.read(EXPOSITION)
    assert (lag.looks, lag.quantile_ms(0.5), lag.quantile_ms(0.99)) == (100, 10, 50)
    assert lag.quantile_ms(1) == math.inf
    later = Lag(((10.0, 90), (50.0, 109), (math.inf, 110)))
    assert later.since(lag).quantile_ms(1) == 50
    assert later.since(lag).looks == 10
    assert Lag().quantile_ms(0.99) == 0


def test_phases_that_stall_are_named() -> None:
    """A p99 within the limit is none, one above all bounds is."""
    told = {"idle": {"lag_ms": {"p99": 50.0}}, "storm": {"lag_ms": {"p99": None}}, "talk": {"lag_ms": {"p99": 100.0}}}  # fmt: skip
    assert list(stalls({"phases": told})) == ["storm", "talk"]


def test_a_busy_machine_is_told_from_a_slow_node() -> None:
    """By how long the node could have run and had no core."""
    assert disturbed({"phases": {"idle": {"node_waited_percent": 20.0}, "drain": {}}})
    assert not disturbed({"phases": {"idle": {"node_waited_percent": 0.2}, "drain": {}}})
