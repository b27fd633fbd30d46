"""``liveness``: who is looked at when, by a clock of the test's own (pushes: test_liveness_pushes)."""

import pytest

from chat.config import Settings
from chat.errors import Close
from chat.liveness import Patience, Wheel
from tests.unit.liveness_scene import PATIENCE, World


def test_the_times_are_settings() -> None:
    """Each time comes from its setting."""
    settings = Settings(handshake_seconds=1, ping_interval_seconds=2, ping_timeout_seconds=3)
    assert Patience.of(settings) == Patience(1, 2, 3)


def test_the_wheel() -> None:
    """A socket comes up in the second after its time, once; what is already due comes next."""
    connection, other = World().open(), World().open()
    wheel = Wheel(10.0)
    wheel.add(connection, 11.2)
    wheel.add(other, 3.0)
    assert list(wheel.due(10.0)) == [other]
    assert list(wheel.due(11.9)) == []
    assert list(wheel.due(12.0)) == [connection]
    assert list(wheel.due(1000.0)) == []


def test_what_is_added_while_looking_waits_for_the_next_turn() -> None:
    """Otherwise a socket that is always due would hold up the node."""
    connection = World().open()
    wheel = Wheel(10.0)
    wheel.add(connection, 10.0)
    for found in wheel.due(10.0):
        wheel.add(found, 9.0)
    assert list(wheel.due(10.0)) == []
    assert list(wheel.due(11.0)) == [connection]


def test_those_who_came_in_the_same_second_are_not_pinged_at_once() -> None:
    """Each as soon as it has been quiet for long enough: everybody who came back together would be a pause."""
    world = World()
    for _ in range(4):
        world.bind()
        world.now += 0.2
    for _ in range(300):
        world.now += 0.1
        world.liveness.tick()
    assert len({round(at, 1) for at, _ in world.pings}) == 4
    assert all(at <= 126 for at, _ in world.pings)


def test_ticks_that_come_late_miss_nobody() -> None:
    """A node that stood still looks at everybody when it goes on."""
    world = World()
    connection = world.open()
    world.now += 40
    world.liveness.tick()
    assert world.ends == [(40, connection, Close.NO_ACCOUNT)]


def test_no_account_in_time() -> None:
    """4004 after the handshake time, whatever else the client says meanwhile."""
    world = World()
    connection = world.open()
    world.until(114, hears=connection)
    assert world.ends == []
    world.until(115, hears=connection)
    assert world.ends == [(15, connection, Close.NO_ACCOUNT)]


def test_a_quiet_socket_is_pinged_once_for_each_interval() -> None:
    """One ping when it was quiet for long enough, one at the next interval: no more than that."""
    world = World()
    connection = world.bind()
    world.until(155)
    assert world.pinged_at(connection) == [25, 50]


def test_a_socket_bound_later_is_pinged_once() -> None:
    """The look for the handshake does not become a second look for life."""
    world = World()
    connection = world.open()
    world.until(105)
    connection.bind(0, 1000, 1, 0)
    connection.heard = world.now
    world.liveness.bound(connection)
    world.until(135)
    assert world.pinged_at(connection) == [30]


def test_a_lively_socket_is_not_pinged() -> None:
    """Whoever is heard of every second is left alone, for an hour as for a minute."""
    world = World()
    connection = world.bind()
    world.until(3700, hears=connection)
    assert world.pings == []
    assert world.ends == []


def test_a_silent_socket_is_lost() -> None:
    """Past the limit it is closed so that its client may come back."""
    world = World()
    connection = world.bind()
    world.until(159)
    assert world.ends == []
    world.until(160)
    assert world.ends == [(60, connection, Close.GOING_AWAY)]
    world.until(300)
    assert len(world.pinged_at(connection)) <= 2 * 2


def test_an_answer_keeps_it_alive() -> None:
    """A socket that answers one ping has the whole time again."""
    world = World()
    connection = world.bind()
    world.until(126)
    connection.heard = world.now
    connection.ponged()
    world.until(126 + 59)
    assert world.ends == []
    world.until(126 + 61)
    assert [code for _, _, code in world.ends] == [Close.GOING_AWAY]


MOMENTS = [
    (phase, phase + later) for phase in (0, 0.3, 0.9) for later in (0.01, 0.2, 0.5, 0.8, 0.99)
]


@pytest.mark.parametrize(("phase", "bound"), MOMENTS)
@pytest.mark.parametrize("patience", [Patience(15, 0.5, 1.5), Patience(15, 25, 26), PATIENCE])
def test_who_answers_every_ping_is_never_lost(
    patience: Patience, phase: float, bound: float
) -> None:
    """However close the two times are, and whenever the ticks fall: first asked, then lost."""
    world = World(patience, now=100 + bound)
    connection = world.bind()
    world.now = 100 + phase
    while world.now < 300:
        world.until(world.now + 1)
        while connection.ponged() is not None:
            connection.heard = world.now
    assert world.ends == []
    assert world.pings


@pytest.mark.parametrize(("phase", "bound"), MOMENTS)
@pytest.mark.parametrize("patience", [Patience(15, 0.5, 1.5), Patience(15, 25, 26), PATIENCE])
def test_who_answers_none_is_lost_soon(patience: Patience, phase: float, bound: float) -> None:
    """After the limit, with a few seconds for the ticks and for a last ping."""
    world = World(patience, now=100 + bound)
    world.bind()
    world.now = 100 + phase
    world.until(300)
    assert [code for _, _, code in world.ends] == [Close.GOING_AWAY]
    assert -0.001 < world.ends[0][0] - bound - patience.silent <= 4


def test_a_closed_socket_is_forgotten() -> None:
    """It is neither pinged nor closed again."""
    world = World()
    connection, other = world.bind(1000), world.open()
    connection.closed(1006)
    other.closed(1006)
    world.until(300)
    assert world.pings == []
    assert [code for _, _, code in world.ends] == [1006, 1006]
