"""When something is due: evenly, whatever becomes of it."""

import asyncio
from collections.abc import Awaitable, Callable

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

SHORTEST_PAUSE = 0.001
"""Seconds. Below, an event loop is not exact, and does nothing but look at the clock."""
LATE_SECONDS = 1.0
"""After its time is over, what is late is made up for no longer than this: a load ends when it was asked to."""
BATCH = 200
"""So much is done before the loop may turn: what comes in meanwhile must not wait for long."""


async def evenly(
    rate: float,
    seconds: float,
    act: Callable[[int, float], object],
    *,
    clock: Clock,
    sleep: Sleep = asyncio.sleep,
) -> int:
    """Calls ``act`` with 0, 1, 2, … and the moment at which that was due, so many times a second; returns
    for how many times it was too late at the end.

    An open loop: what is late is made up for, and keeps the moment at which it was due. So somebody who
    measures from that moment also sees what waited because others were slow.
    """
    began, turn, turns = clock(), 0, int(rate * seconds)
    end = began + seconds + LATE_SECONDS
    while turn < turns and clock() < end:
        due = min(int((clock() - began) * rate) + 1, turns, turn + BATCH)
        while turn < due:
            act(turn, began + turn / rate)
            turn += 1
        pause = began + turn / rate - clock()
        await sleep(0 if pause < -SHORTEST_PAUSE else max(pause, SHORTEST_PAUSE))
    rest = began + seconds - clock()
    await sleep(max(rest, 0))
    return turns - turn


class Pace:
    """Lets pass so many a second, those who ask; what nobody asked for is not made up for."""

    def __init__(self, rate: float, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._interval = 1 / rate
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0

    async def turn(self) -> None:
        """Returns when it is one's turn."""
        now = self._clock()
        self._next = max(now, self._next + self._interval)
        if self._next > now:
            await self._sleep(self._next - now)
