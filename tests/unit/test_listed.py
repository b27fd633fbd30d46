"""``listed``: how the log names pools."""

import pytest

from chat.store.listed import MOST, listed


@pytest.mark.parametrize(
    ("pools", "said"),
    [
        ({7}, "pool 7"),
        ({7, 0, 12}, "pools 0, 7, 12"),
        (range(MOST), "pools 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        (range(1000), "pools 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 990 more"),
    ],
)
def test_pools_are_named(pools: set[int], said: str) -> None:
    """In their order, and no more than a line has room for."""
    assert listed(pools) == said
