"""``chat top`` of a cluster of which a server is away: the others are shown, and who took over is found."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import closing

import pytest

from chat.store.address import Address
from chat.store.look import Look
from chat.store.sight import CannotLook
from chat.store.sights import ClusterSights
from chat.store.topology import Topology
from tests.support.cluster import Cluster
from tests.support.cluster import cluster as real_cluster
from tests.support.nodes import NodeProcess
from tests.support.process import HOST, free_port, wait_until
from tests.support.servers import Server
from tests.top.people import ran
from tests.top.pools import POOLS, Place, by_pool, looked_at, whole
from tests.top.terminal import Terminal


@pytest.mark.parametrize("pool", [0, 2])
def test_a_server_that_stands_still(cluster: Place, pool: int) -> None:
    """Its pools are named, the others go on; also without the one that lists them."""
    made, _ = cluster
    server = made.servers[pool]
    server.pause()
    try:
        without(made, pool, "no answer for 2 s")
    finally:
        server.resume()
    made.until_whole()
    wait_until(lambda: whole(made), "all are seen again", timeout=30)


@pytest.mark.parametrize("pool", [0, 2])
def test_a_server_that_is_gone(cluster: Place, pool: int) -> None:
    """The same; when it is back, a node brings what it lacks."""
    made, _ = cluster
    server = made.servers[pool]
    server.kill()
    try:
        without(made, pool, "Connect call failed")
    finally:
        server.start()
    made.until_whole()
    wait_until(lambda: whole(made), "all are seen again", timeout=30)


def without(made: Cluster, pool: int, why: str) -> None:
    """As JSON and as a picture."""
    server = made.servers[pool].address
    said = looked_at(made.url)
    assert list(by_pool(said, "online")) == [number for number in range(3) if number != pool], said
    (missing,) = said["missing"]
    assert (missing["pool"], missing["server"]) == (pool, server)
    assert why in missing["trouble"]
    silent = said["servers"][pool]
    assert (silent["server"], silent["redis"], silent["trouble"]) == (
        server,
        None,
        missing["trouble"],
    )
    lines = ran("--redis-url", made.url).stdout.splitlines()
    assert any(line.startswith(f"{pool} ") and why in line for line in lines)
    assert any(line.startswith(server) and why in line for line in lines)


def test_pools_that_were_listed_are_remembered(cluster: Place) -> None:
    """Where two servers are away, one of them with the list: both pools are named."""
    made, _ = cluster

    async def scenario() -> None:
        with closing(Look(made.url, 2.0)) as look:
            assert await look.pools() == [0, 1, 2]
            for server in made.servers[:2]:
                server.pause()
            try:
                assert await look.pools() == [0, 1, 2]
                for pool in 0, 1:
                    with pytest.raises(CannotLook, match=r"no answer for 2 s"):
                        await look.overview(pool)
                await look.overview(2)
            finally:
                for server in made.servers[:2]:
                    server.resume()

    asyncio.run(scenario())
    made.until_whole()
    wait_until(lambda: whole(made), "all are seen again", timeout=30)


def test_a_replica_that_has_taken_over(any_server: Server) -> None:
    """It is looked at from then on, by whoever looked at the old one."""
    with real_cluster(kind=any_server.kind) as made, NodeProcess(made.url, POOLS):
        with Terminal("--redis-url", made.url, "--every", "0.1", columns=120, rows=30) as terminal:
            old = made.primary_of(1)
            terminal.shows("3/3", old.address)
            old.kill()
            new = made.until_another_has(1, old)
            terminal.until(
                lambda: (
                    new.address in terminal.screen.text
                    and old.address not in "".join(terminal.screen.lines[1:])
                    and "3/3" in terminal.screen.text
                ),
                "shows the new one",
            )
        said = looked_at(made.url)
        assert (said["servers"][1]["server"], said["missing"]) == (new.address, [])
        assert said["servers"][1]["redis"]["role"] == "primary"


class Moving(Topology):
    """Says one place after the other, and how often it was asked."""

    def __init__(self, *servers: tuple[str, int]) -> None:
        super().__init__(servers, Address.parse("redis://elsewhere"), "redis://elsewhere")
        self.asked = 0
        self._said = iter(servers)

    async def find(self, pools: Iterable[int]) -> Mapping[int, tuple[str, int]]:
        self.asked += 1
        return dict.fromkeys(pools, next(self._said))


def test_who_has_taken_over_is_found(redis_server: Server) -> None:
    """A primary that does not answer is asked for once in a look, and so is where its pools are."""
    dead, alive = (HOST, free_port()), (HOST, redis_server.port)

    async def scenario() -> None:
        topology = Moving(dead, dead, alive)
        with closing(ClusterSights(topology, 2.0)) as sights:
            for asked in 1, 2:
                sights.begin()
                for pool in 0, 1, 2:
                    with pytest.raises(CannotLook):
                        await sights.ask(pool, ("PING",))
                assert topology.asked == asked
            sights.begin()
            found = await asyncio.gather(*(sights.ask(pool, ("PING",)) for pool in range(3)))
            assert found == [b"PONG"] * 3
            assert (topology.asked, sights.server_of(1)) == (3, f"{HOST}:{redis_server.port}")

    asyncio.run(scenario())


def test_it_lives_while_a_server_is_away(cluster: Place) -> None:
    """The picture goes on with what there is, and is whole again by itself."""
    made, _ = cluster
    with Terminal("--redis-url", made.url, "--every", "0.1", columns=120, rows=30) as terminal:
        terminal.shows("3/3", "CPU", "1 alive", "q ends")
        made.servers[2].pause()
        try:
            terminal.shows("no answer", "2/2", "q ends")
        finally:
            made.servers[2].resume()
        terminal.until(
            lambda: "no answer" not in terminal.screen.text and "3/3" in terminal.screen.text,
            "whole again",
        )
        terminal.key(b"q")
        assert terminal.ended() == 0
