"""People who come and go at random: they ask, say a word, leave, disappear, come back or do not."""

import asyncio
import contextlib
import random
from collections.abc import Sequence

from tests.faults.person import NOT_CONNECTED
from tests.support.frames import Frame
from tests.support.wire import Wire

HURRY = (*NOT_CONNECTED, AssertionError)


async def come_and_go(
    urls: Sequence[str], rng: random.Random, *, people: int, seconds: float
) -> None:
    """So many at a time, for so long. Whoever is still there at the end disappears without a word."""
    tasks = [asyncio.create_task(_one_after_the_other(urls, rng)) for _ in range(people)]
    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*tasks)
    except TimeoutError:
        pass
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _one_after_the_other(urls: Sequence[str], rng: random.Random) -> None:
    while True:
        with contextlib.suppress(*HURRY):
            await _visit(urls, rng)


async def _visit(urls: Sequence[str], rng: random.Random) -> None:
    wire = await Wire.open(rng.choice(urls))
    try:
        await wire.create("Somebody")
        for _ in range(rng.randrange(1, 5)):
            await _do(wire, rng)
        if rng.random() < 0.3:
            wire.abort()
            wire = await _again(wire, urls, rng)
        if rng.random() < 0.5:
            await wire.close(1000)
    finally:
        wire.abort()


async def _again(old: Wire, urls: Sequence[str], rng: random.Random) -> Wire:
    wire = await Wire.open(rng.choice(urls))
    try:
        await wire.take_over(old)
    except BaseException:
        wire.abort()
        raise
    return wire


async def _do(wire: Wire, rng: random.Random) -> None:
    met: Frame = await wire.match()
    if met["code"] == 0:
        await wire.say(met["sessionId"], "a word")
        if rng.random() < 0.5:
            await wire.leave(met["sessionId"])
    elif rng.random() < 0.3:
        await wire.match_cancel()
    await asyncio.sleep(rng.uniform(0, 0.2))
