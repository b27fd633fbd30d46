"""How cost grows is measured on real nodes, drawn, and what follows for a million people is what the page says."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from tests.bench.growing import QUICK
from tests.bench.growth import PARTS, PICTURE, RESULT, table
from tests.bench.lines import picture
from tests.bench.need import Assumptions, Measured, Need
from tests.bench.publish import RESULT as BENCHMARK
from tests.bench.scale import BEGIN, END, GIVEN, MEASURED, PAGE, lines, page
from tests.support.nodes import ROOT
from tests.support.servers import available_servers

ONE = Measured(*([1.0] * len(fields(Measured))))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of a quick run, as its own file says it."""
    if not available_servers():
        pytest.skip("there is no Redis on this machine")
    file: Path = tmp_path_factory.mktemp("growth") / "result.json"
    command = [sys.executable, "-m", "tests.bench.growth", "--quick", "--json", str(file)]
    done = subprocess.run(
        command, cwd=ROOT, timeout=60, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(file.read_text())
    return told


@pytest.mark.slow
def test_each_step_has_its_figures(result: dict[str, Any]) -> None:
    """More nodes, connections and sessions, each on real nodes."""
    for part, steps in zip(PARTS, (QUICK.nodes, QUICK.connections, QUICK.sessions), strict=True):
        assert [row[part] for row in result[part]] == list(steps)
        assert all(row[key] > 0 for row in result[part] for key in ("rate", "node", "redis"))


@pytest.mark.slow
def test_all_that_the_page_counts_on_is_measured(result: dict[str, Any]) -> None:
    """Silence, memory and traffic too; memory of a few people may be there already."""
    cost = Measured.of(result, json.loads(BENCHMARK.read_text()))
    assert cost.redis_kb > 0
    assert min(cost.silent_node, cost.redis_in, cost.redis_out, cost.connect_node) > 0


def test_what_is_published_is_one_measurement() -> None:
    """Picture and page are those of the figures beside them, and nobody has altered them by hand."""
    growth, benchmark = (json.loads(file.read_text()) for file in (RESULT, BENCHMARK))
    assert PICTURE.read_text() == picture(growth)
    document = PAGE.read_text()
    assert document == page(document, growth, benchmark)
    assert BEGIN in document
    assert END in document


def test_the_picture_has_every_number() -> None:
    """It is whole XML, and says in text what it draws."""
    growth = json.loads(RESULT.read_text())
    said = "".join(ET.fromstring(PICTURE.read_text()).itertext())  # noqa: S314 - our own
    for part in PARTS:
        for row in growth[part]:
            assert f"{row[part]} " in said
    assert len(table(growth).splitlines()) == 2 + sum(len(growth[part]) for part in PARTS)


def test_everything_assumed_and_measured_has_a_row() -> None:
    """No number goes into it of which the page says nothing."""
    assert list(GIVEN) == [field.name for field in fields(Assumptions)]
    assert list(MEASURED) == [field.name for field in fields(Measured)]


def test_needs_follow_from_people() -> None:
    """A case that can be counted on one's fingers."""
    given = Assumptions(
        people=60_000, talking=0.5, said=2, together=100, stay=600, socket=300, node_people=7000
    )
    need = Need(given, ONE)
    assert (need.messages, need.matches, need.comings, need.returns) == (1000, 150, 100, 200)
    assert need.node_cores == pytest.approx((1000 + 150 + 100 + 200 + 60_000) / 1e6)
    assert need.nodes == 9
    assert need.primaries == 1
    busy = Need(given, replace(ONE, node=6000, redis=1000))
    assert (busy.nodes, busy.primaries) == (13, 3)
    stormy = Need(given, replace(ONE, back_redis=2000))
    assert (stormy.primaries_for_cpu, stormy.primaries) == (1, 4)


def test_every_result_shows_how_it_comes_about() -> None:
    """In words, in numbers, and what it is then."""
    for line in lines(Need(Assumptions(), ONE)):
        assert all((line.what, line.words, line.numbers, line.value))
