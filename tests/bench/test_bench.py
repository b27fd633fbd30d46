"""The benchmark works on all that it compares; how fast anything is, is nobody's matter here."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.meter import LINUX, Cores, cpu_ns, on_core, rss_bytes
from tests.bench.systems import SYSTEMS
from tests.bench.table import ROWS
from tests.support.nodes import ROOT
from tests.support.servers import available_servers

OURS_ALONE = {"eager_node", "eager_redis"}
ON_LINUX_ALONE = set() if LINUX else {"busy_others"}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of a quick run, as its own file says it."""
    if not available_servers():
        pytest.skip("there is no Redis on this machine")
    file: Path = tmp_path_factory.mktemp("bench") / "result.json"
    command = [sys.executable, "-m", "tests.bench", "--quick", "--json", str(file)]
    done = subprocess.run(
        command, cwd=ROOT, timeout=100, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(file.read_text())
    return told


@pytest.mark.slow
def test_every_system_has_every_figure(result: dict[str, Any]) -> None:
    """A round of real nodes of each: people came, met, talked, and came back."""
    assert list(result["rounds"]) == list(SYSTEMS)
    for name, (figures,) in result["rounds"].items():
        wanted = (
            {row.key for row in ROWS} - ON_LINUX_ALONE - (set() if name == "chat" else OURS_ALONE)
        )
        assert wanted <= figures.keys()
        assert all(figures[key] >= 0 for key in wanted - {"idle_kb", "session_kb"})


@pytest.mark.slow
def test_all_that_was_said_arrived(result: dict[str, Any]) -> None:
    """Nobody is faster by losing something."""
    for (figures,) in result["rounds"].values():
        assert figures["delivered"] == figures["said"] > 0


@pytest.mark.slow
def test_the_floor_is_measured_beside_it(result: dict[str, Any]) -> None:
    """The bare socket layer; and the bare function, where redis-benchmark is here."""
    (floor,) = result["floor"]
    assert floor["echo_node"] > 0
    assert floor.get("say_redis", 1) > 0


def test_cpu_is_that_of_the_process_alone() -> None:
    """What a child has used grows while it works, whatever else goes on."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        try:
            before = cpu_ns(child.pid)
            while cpu_ns(child.pid) - before < 50_000_000:
                assert child.poll() is None
            assert rss_bytes(child.pid) > 1_000_000
        finally:
            child.kill()


def test_without_cores_of_its_own_everything_runs_where_it_may() -> None:
    """One core, or no Linux: it is said, and nothing is pinned."""
    assert "not pinned" in Cores().note
    with on_core(None):
        pass
