"""The histogram: true to 3 %, of one size, and in parts that can be put together."""

import random
import statistics

import pytest

from chat.load.histogram import BUCKETS, Histogram

QUANTILES = (0.5, 0.9, 0.99, 0.999)


def test_quantiles_are_true_to_three_percent() -> None:
    """Never below what was measured, for times from microseconds to minutes."""
    luck = random.Random(1)
    times = sorted(10 ** luck.uniform(-6, 2) for _ in range(20_000))
    histogram = Histogram.of(times)
    exact = statistics.quantiles(times, n=1000, method="inclusive")
    for share in QUANTILES:
        wanted = exact[round(share * 1000) - 1]
        assert wanted * 0.99 - 1e-6 <= histogram.quantile(share) <= wanted * 1.04 + 1e-6


def test_the_longest_is_exact_and_bounds_the_quantiles() -> None:
    """What is said of the last one is what it was."""
    histogram = Histogram.of([0.001, 0.0123456])
    assert histogram.longest == histogram.quantile(1.0) == 0.0123456


def test_nothing_measured_is_nothing() -> None:
    """No division by nothing."""
    assert (Histogram().count, Histogram().quantile(0.99), Histogram().longest) == (0, 0.0, 0.0)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1e-9, 1e-6, 6.3e-5, 6.4e-5, 3600.0, 1e9])
def test_every_time_has_its_bucket(seconds: float) -> None:
    """Also what no clock should say, and what is at the edge of two buckets; its size stays."""
    histogram = Histogram.of([seconds])
    assert (histogram.count, len(histogram.counts)) == (1, BUCKETS)


def test_neighbouring_buckets_share_no_time() -> None:
    """Longer times are in the same bucket or in a later one."""
    times = [microseconds / 1e6 + 1e-9 for microseconds in range(5000)]
    places = [Histogram.of([time]).counts.index(1) for time in times]
    assert places == sorted(places)


def test_parts_are_put_together_and_taken_apart() -> None:
    """Two merged are as one that saw all; what came since a copy is what came."""
    first, second = Histogram.of([0.001] * 10), Histogram.of([0.1] * 90)
    earlier = first.copy()
    first.merge(second)
    assert first.counts == Histogram.of([0.001] * 10 + [0.1] * 90).counts
    assert first.longest == 0.1
    assert first.since(earlier).counts == second.counts
