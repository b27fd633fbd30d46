"""``store.clock``: what time it is at Redis."""

from chat.store.clock import REMEMBERED, ServerClock


def test_a_reading_was_made_in_the_middle() -> None:
    """Half of the round trip before, half of it after."""
    clock = ServerClock()
    clock.read(asked=10.0, answered=10.2, server_us=5_000_000)
    assert round(clock.at(10.1), 9) == 5.0
    assert round(clock.at(20.1), 9) == 15.0


def test_the_quickest_reading_is_believed() -> None:
    """One that took longer may have waited on one of its ways only."""
    clock = ServerClock()
    clock.read(10.0, 10.01, 5_000_000)
    clock.read(20.0, 21.0, 15_990_000)  # everything was late after Redis had answered
    assert round(clock.at(10.005), 9) == 5.0
    clock.read(30.0, 30.002, 25_100_000)
    assert round(clock.at(30.001), 9) == 25.1


def test_an_old_reading_is_forgotten() -> None:
    """However quick it was: clocks drift."""
    clock = ServerClock()
    clock.read(10.0, 10.0, 5_000_000)
    for turn in range(REMEMBERED):
        assert round(clock.at(10.0), 6) == 5.0
        clock.read(20.0 + turn, 20.1 + turn, 15_100_000 + 1_000_000 * turn)
    assert round(clock.at(20.05), 6) == 15.1


def test_another_clock_is_believed_at_once() -> None:
    """After a fail-over, or where the server's clock was set, forward or back; however quick readings were before,
    and also where the first of the new ones took long."""
    for other in 25_000_000, 5_000_000, 15_200_000:
        clock = ServerClock()
        for turn in range(REMEMBERED):
            clock.read(10.0 + turn, 10.0 + turn, 5_000_000 + 1_000_000 * turn)
        clock.read(20.0, 20.1, other)
        assert round(clock.at(20.05), 6) == other / 1e6
