"""The memory of a node stays flat, whatever bad clients send it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.support.frames import TEXT, encode_frame
from tests.support.nodes import NodeProcess
from tests.support.wire import Wire
from tests.wire.abuse import connect, quiet_node, upgrade
from tests.wire.test_bad_input import CLOSES, MALFORMED, NO_COMMAND, UNKNOWN

GROWTH = 1.10
"""The memory after twice the abuse, as a multiple of that after the first half."""


async def answered_abuse(node: NodeProcess) -> None:
    """More than a thousand frames that are answered with an error."""
    bad = [*NO_COMMAND.values(), *(frame for frame, _ in (UNKNOWN | MALFORMED).values())]
    for _ in range(20):
        async with await Wire.open(node.url) as wire:
            for frame in bad * 2:
                wire.send(frame)
            for _ in bad * 2:
                await wire.receive()


async def closing_abuse(node: NodeProcess) -> None:
    """Some dozen connections that end in a fault or in the middle of something."""

    async def one(data: bytes) -> None:
        async with connect(node) as raw:
            raw.send(upgrade())
            await raw.head()
            raw.send(data)
            raw.end()
            await raw.rest()

    halves = [b"\x81", encode_frame(TEXT, b"x" * 9000)[:-1], encode_frame(TEXT, b"x", fin=False)]
    for data in [*(data for data, _ in CLOSES.values()), *halves] * 6:
        await one(data)


@pytest.mark.slow
@pytest.mark.parametrize(("abuse", "rounds"), [(answered_abuse, 6), (closing_abuse, 40)])
def test_memory_stays_flat(abuse: Callable[[NodeProcess], Awaitable[None]], rounds: int) -> None:
    """After as much abuse again as the node has had, it occupies hardly more than before."""

    async def some_rounds(node: NodeProcess) -> None:
        for _ in range(rounds):
            await abuse(node)

    with quiet_node() as node:
        asyncio.run(some_rounds(node))
        before = node.rss()
        asyncio.run(some_rounds(node))
        assert node.rss() <= before * GROWTH
