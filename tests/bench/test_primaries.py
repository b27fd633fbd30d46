"""What a message costs with more primaries is measured on real clusters, and published as it was."""

import json

import pytest

from tests.bench.meter import Cores
from tests.bench.primaries import GROUNDS, PAGE, QUICK, RESULT, measure, page


@pytest.mark.slow
def test_a_row_has_its_figures() -> None:
    """Of two primaries: everybody talks, in both pools, and nothing crosses the bus for it."""
    row = measure(2, 0, QUICK, Cores.here())
    assert min(row["rate"], row["node"], row["redis"]) > 0
    assert row["bus"] == 0


@pytest.mark.slow
def test_a_replica_gets_a_copy_over_the_bus() -> None:
    """One for each push, and for the times between them; never to another primary."""
    row = measure(1, 1, QUICK, Cores.here())
    assert 1 <= row["bus"] < 2


def test_what_is_published_is_one_measurement() -> None:
    """Of every ground, and nobody has altered it by hand."""
    result = json.loads(RESULT.read_text())
    assert [(row["primaries"], row["replicas"]) for row in result["rows"]] == list(GROUNDS)
    document = PAGE.read_text()
    assert document == page(document, result)
