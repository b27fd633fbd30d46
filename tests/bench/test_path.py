"""``tests.bench.path``: every part of the way is there, and every message goes all of it."""

import asyncio

from tests.bench.path import ACK_EVERY, measure


def test_every_part_of_the_way_is_measured() -> None:
    """One message in a turn, and several."""
    for messages in (1, 5):
        best = asyncio.run(measure(messages, rounds=ACK_EVERY))
        assert list(best) == ["in", "to Redis", "answers", "pushes", "out", "acknowledging"]
        assert all(took > 0 for took in best.values())
