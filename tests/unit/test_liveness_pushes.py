"""``liveness``: a push that nobody acknowledged is followed by a ping, in time and not too often."""

import pytest

from chat.liveness import OPEN_PINGS
from tests.unit.liveness_scene import World


def test_an_unacknowledged_push_is_followed_by_a_ping() -> None:
    """Within 3 s, as the protocol promises an old client."""
    world = World()
    connection = world.bind()
    world.push(connection)
    world.until(103)
    at = world.pinged_at(connection)
    assert len(at) == 1
    assert at[0] <= 3
    assert connection.pings == (1,)


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.5, 0.51, 0.99])
def test_it_is_never_later_than_promised(fraction: float) -> None:
    """Wherever in a second the push is written, and the ticks fall."""
    world = World(now=100.0)
    connection = world.bind()
    world.now = 105.0 + fraction
    world.push(connection)
    world.now = 105.0
    world.until(111)
    assert 0 <= world.pinged_at(connection)[0] - (5 + fraction) < 3


def test_an_acknowledged_push_needs_no_ping() -> None:
    """A client that answers its pushes is not asked."""
    world = World()
    connection = world.bind()
    world.push(connection)
    connection.acknowledge(1)
    world.until(110)
    assert world.pings == []


def test_a_later_push_is_watched_in_its_turn() -> None:
    """One ping for the first, and another for what came after it; not one for each push."""
    world = World()
    connection = world.bind()
    for _ in range(50):
        world.push(connection)
    world.until(104)
    assert world.pinged_at(connection) == [1]
    assert connection.pings == (50,)
    connection.acknowledge(connection.ponged() or 0)
    world.push(connection)
    world.until(109)
    assert len(world.pinged_at(connection)) == 2
    assert connection.pings == (51,)


def test_open_pings_are_bounded() -> None:
    """A client that answers nothing gets a few pings, not one for each push."""
    world = World()
    connection = world.bind()
    for second in range(101, 158):
        world.push(connection)
        world.until(second)
    assert len(world.pinged_at(connection)) == len(connection.pings) == OPEN_PINGS


def test_a_push_to_a_socket_that_closed() -> None:
    """Nothing comes of it."""
    world = World()
    connection = world.bind()
    world.push(connection)
    connection.closed(1006)
    world.until(110)
    assert world.pings == []


def test_an_old_client_is_pinged_in_time_also_when_it_acknowledged_in_between() -> None:
    """Within 3 s of the later push: what acknowledged the first one says nothing about it."""
    world = World()
    connection = world.bind()
    world.push(connection)
    world.push(connection)
    connection.acknowledge(1)
    world.until(103)
    assert world.pinged_at(connection)
    assert world.pinged_at(connection)[0] <= 2.5


def test_a_client_that_says_numbers_is_not_pinged_for_what_is_on_its_way() -> None:
    """As long as it acknowledges what was there at the last look."""
    world = World()
    connection = world.bind()
    connection.numbers = True
    for _ in range(20):
        world.push(connection)
        world.push(connection)
        connection.acknowledge(connection.seq - 1)
        world.until(world.now + 1, hears=connection)
    assert world.pinged_at(connection) == []
