"""``notices``: what is a notice of our service, and what is none. Real sentinels are in ``tests/link``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.store.notices import spot_of, switch_of
from chat.store.succession import Spot


def test_a_notice() -> None:
    """Of our service: the old and the new one, by address or by name."""
    assert switch_of(b"chat 10.0.0.1 6379 redis-2.redis 6380", "chat") == (
        Spot("10.0.0.1", 6379),
        Spot("redis-2.redis", 6380),
    )


@pytest.mark.parametrize(
    "notice",
    [
        b"",
        b"chat",
        b"chatt 10.0.0.1 6379 10.0.0.2 6379",
        b"Chat 10.0.0.1 6379 10.0.0.2 6379",
        b"chat 10.0.0.1 6379 10.0.0.2",
        b"chat 10.0.0.1 6379 10.0.0.2 6379 more",
        b"chat 10.0.0.1 6379 10.0.0.2 port",
        b"chat 10.0.0.1 6379 10.0.0.2 99999",
        b"chat 10.0.0.1 6379 10.0.0.2 -1",
        b"chat 10.0.0.1 6379 10.0.0.2 " + b"9" * 5000,
        b"chat 10.0.0.1 6379  6379",
        b"chat 10.0.0.1 6379 a\0b 6379",
        b"chat 10.0.0.1 6379 \xff\xfe 6379",
        b"chat 10.0.0.1\n6379 10.0.0.2 6379",
    ],
)
def test_what_is_no_notice_of_ours(notice: bytes) -> None:
    """Another service's, and what no sentinel says: nothing comes of it, and nothing breaks."""
    assert switch_of(notice, "chat") is None


@given(st.binary())
def test_anything(notice: bytes) -> None:
    """Never an error."""
    switch_of(notice, "chat")


@pytest.mark.parametrize("place", [(None, b"1"), (b"host", 1), ([], {})])
def test_a_place_is_text(place: tuple[object, object]) -> None:
    """Whatever else a server could answer."""
    assert spot_of(*place) is None
