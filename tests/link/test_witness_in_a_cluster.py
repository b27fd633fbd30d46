"""``record`` with witnesses at one of several primaries."""

import asyncio
import time

import pytest

from chat.store.address import Address
from chat.store.calls import Ask
from chat.store.link import RedisLink
from chat.store.witness import Witnesses
from tests.link.calls import Heard, NoBeginning, probe, recorded
from tests.support.cluster import cluster
from tests.support.servers import KINDS, Kind, available_servers


@pytest.mark.parametrize("kind", KINDS)
def test_a_pool_that_may_be_elsewhere(kind: Kind) -> None:
    """While it is tried whether a pool is here, as of one that is on its way, replicas are asked about those that
    are."""
    if kind not in available_servers():
        pytest.skip(f"there is no {kind} on this machine")

    async def greet(ask: Ask) -> bytes:
        return b""

    async def scenario(url: str) -> None:
        heard = Heard()
        link = RedisLink(
            Address.parse(url), greet, NoBeginning(), heard.push, lambda pools: None, heard.press,
            probe=probe, timeout=2, on_astray=lambda pool, why: None,
            witnesses=Witnesses(1, 2, time.monotonic),
        )  # fmt: skip
        link.serve(1)
        await link.start()
        try:
            for number in range(3):
                link.serve(0)
                reply = await asyncio.wait_for(recorded(link, "SET", "chat:{1}:key", number), 5)
                assert reply == b"OK"
                link.leave(0)
        finally:
            await link.close()

    with cluster(primaries=2, replicas=1, kind=kind) as made:
        asyncio.run(scenario(made.primary_of(1).url))
