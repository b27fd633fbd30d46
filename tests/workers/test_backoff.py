"""How soon a worker is started again."""

from chat.workers.backoff import MOST_SECONDS, STEADY_SECONDS, Backoff


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def lives(backoff: Backoff, clock: Clock, seconds: float) -> float:
    """It runs for so long; how long it is waited then."""
    backoff.started()
    clock.now += seconds
    waits = backoff.ended()
    clock.now += waits
    return waits


def test_once_is_an_accident() -> None:
    """At once, however short it has lived."""
    assert lives(Backoff(clock := Clock()), clock, 0) == 0


def test_again_and_again_is_none() -> None:
    """Each wait is twice the one before, up to a bound."""
    backoff = Backoff(clock := Clock())
    assert [lives(backoff, clock, 0.5) for _ in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]
    assert MOST_SECONDS == 30


def test_who_has_lived_long_is_well() -> None:
    """What was before is forgotten; a moment less, and it is not."""
    backoff = Backoff(clock := Clock())
    for _ in range(5):
        lives(backoff, clock, 0)
    assert lives(backoff, clock, STEADY_SECONDS - 1) == 16
    assert lives(backoff, clock, STEADY_SECONDS) == 0
    assert lives(backoff, clock, 0) == 1


def test_it_never_starts_more_often_than_it_should() -> None:
    """In an hour of ending at once: not much more than once in half a minute."""
    backoff = Backoff(clock := Clock())
    starts = 0
    while clock.now < 1000 + 3600:
        lives(backoff, clock, 0)
        starts += 1
    assert starts < 130
