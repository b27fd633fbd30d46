"""An open loop: everything is due evenly, and what is late keeps the moment at which it was due."""

import asyncio

import pytest

from chat.load.pacing import BATCH, LATE_SECONDS, Pace, evenly


class Time:
    """A clock that goes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def test_turns_are_due_evenly() -> None:
    """Rate times seconds of them, each at its moment, and it returns when the time is over."""
    time, acted = Time(), list[tuple[int, float, float]]()

    def act(turn: int, due: float) -> None:
        acted.append((turn, due, time.now))

    left = asyncio.run(evenly(50, 2, act, clock=time.clock, sleep=time.sleep))
    assert (left, len(acted)) == (0, 100)
    assert [due for _, due, _ in acted] == pytest.approx([100 + turn / 50 for turn in range(100)])
    assert all(0 <= now - due <= 0.002 for _, due, now in acted)
    assert time.now == pytest.approx(102)


def test_what_stood_still_is_made_up_for() -> None:
    """Nothing is left out, and each keeps the moment at which it was due; the loop turns in between."""
    time, dues, breaks = Time(), list[float](), list[float]()

    def act(turn: int, due: float) -> None:
        dues.append(due)
        if turn == 10:
            time.now += 1.0

    async def sleep(seconds: float) -> None:
        breaks.append(seconds)
        await time.sleep(seconds)

    asyncio.run(evenly(1000, 2, act, clock=time.clock, sleep=sleep))
    assert dues == pytest.approx([100 + turn / 1000 for turn in range(2000)])
    assert breaks.count(0) >= 1000 // BATCH - 1
    assert time.now == pytest.approx(102)


def test_what_nobody_can_keep_up_with_ends_in_time() -> None:
    """What is still late then is not done, and it says how much that is."""
    time, acted = Time(), list[int]()

    def act(turn: int, due: float) -> None:
        acted.append(turn)
        time.now += 0.001

    left = asyncio.run(evenly(10_000, 2, act, clock=time.clock, sleep=time.sleep))
    assert left == 20_000 - len(acted)
    assert 102 + LATE_SECONDS <= time.now < 102 + LATE_SECONDS + 0.001 * BATCH + 0.01


def test_a_pace_lets_nobody_pass_early_and_makes_up_for_nothing() -> None:
    """Who comes after a pause does not come with all those who could have."""
    time, passed = Time(), list[float]()

    async def scenario() -> None:
        pace = Pace(10, time.clock, time.sleep)
        for _ in range(3):
            await pace.turn()
            passed.append(time.now)
        await time.sleep(5)
        for _ in range(2):
            await pace.turn()
            passed.append(time.now)

    asyncio.run(scenario())
    assert passed == pytest.approx([100.0, 100.1, 100.2, 105.2, 105.3])
