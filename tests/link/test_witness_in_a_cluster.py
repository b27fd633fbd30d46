"""``record`` with witnesses in a cluster: at its only primary, and at one of several."""

import asyncio
import time

import pytest
import redis

from chat.store.address import Address
from chat.store.calls import Ask
from chat.store.link import RedisLink
from chat.store.witness import Witnesses
from chat.store.witnessed import Unwitnessed
from tests.link.calls import Heard, NoBeginning, linked, probe, recorded
from tests.link.witnesses import TIMEOUT, shown, wire_of
from tests.support.cluster import cluster
from tests.support.family import AT_ONCE
from tests.support.process import HOST, wait_until
from tests.support.servers import KINDS, Kind, Server, available_servers


def in_step(primary: Server) -> bool:
    """Whether one replica has what was written in this moment, which in a cluster is a key of a slot of its own."""
    with primary.client() as client:
        client.set("chat:{0}:mark", "1")
        return int(client.wait(1, 100)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_cluster(kind: Kind) -> None:
    """Publishing does not reach replicas by the line of writes there: the mark is another write."""
    if kind not in available_servers():
        pytest.skip(f"there is no {kind} on this machine")
    clustered = ("--cluster-enabled", "yes", "--cluster-node-timeout", "60000", *AT_ONCE)

    async def scenario(primary: Server, replica: Server) -> None:
        async with linked(primary.url, timeout=TIMEOUT, replicas=1) as (link, _):
            assert wire_of(link)._mark()[0] == "HSET"
            assert await asyncio.wait_for(recorded(link, "SET", "chat:{0}:key", 1), 5) == b"OK"
            replica.pause()
            try:
                reply = await asyncio.wait_for(recorded(link, "SET", "chat:{0}:key", 2), 5)
                assert shown(reply) is Unwitnessed
            finally:
                replica.resume()

    with Server(kind, *clustered) as primary, Server(kind, *clustered) as replica:
        with primary.client() as client, replica.client() as other:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            other.execute_command("CLUSTER", "MEET", HOST, primary.port)
            identity = client.execute_command("CLUSTER", "MYID")

            def follows() -> bool:
                try:
                    other.execute_command("CLUSTER", "REPLICATE", identity)
                except redis.ResponseError:  # they do not know each other yet
                    return False
                return True

            wait_until(follows, "it follows", timeout=30)
            wait_until(
                lambda: "cluster_state:ok" in str(client.execute_command("CLUSTER", "INFO")),
                "it works",
            )
        wait_until(lambda: in_step(primary), "the replica is in step", timeout=30)
        asyncio.run(scenario(primary, replica))


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
