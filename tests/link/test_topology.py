"""Topology: where the pools of a cluster are, also after all that was known of it has changed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chat.errors import StoreUnreachable
from chat.store.several import Server
from chat.store.topology import Topology
from tests.support.member import Member
from tests.support.process import free_port, wait_until
from tests.support.servers import KINDS, Kind, available_servers


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    if found not in available_servers():
        pytest.skip(f"there is no {found} on this machine")
    return found


@contextmanager
def alone(kind: Kind, *settings: str) -> Iterator[Member]:
    """A cluster of one server."""
    with Member(kind, *settings) as member:
        take_all(member)
        yield member


def take_all(member: Member) -> None:
    member.ask("ADDSLOTSRANGE", 0, 16383)
    wait_until(lambda: member.says()["cluster_state"] == "ok", "it has all slots")


def topology_of(member: Member) -> Topology:
    return Topology.parse(f"redis+cluster://{member.site.host}:{member.port}")


async def found(topology: Topology) -> Server:
    async with asyncio.timeout(10):
        return (await topology.find([0]))[0]


def test_all_servers_get_new_addresses(kind: Kind) -> None:
    """As where all of them were started again elsewhere: those that the URL names are asked again, since a name in it
    may be of others by now."""

    async def scenario(member: Member) -> None:
        topology = topology_of(member)
        gone = await found(topology)
        assert gone[1] != member.port
        with member.client() as client:
            client.config_set("cluster-announce-port", member.port)
        with pytest.raises(StoreUnreachable, match=str(gone[1])):
            await found(topology)
        assert await found(topology) == (member.site.host, member.port)

    with alone(kind, "--cluster-announce-port", str(free_port())) as member:
        asyncio.run(scenario(member))


def test_a_cluster_that_has_forgotten_itself(kind: Kind) -> None:
    """As where its servers were started again without what they had kept: it is found when it has formed anew."""

    async def scenario(member: Member) -> None:
        topology = topology_of(member)
        assert await found(topology) == (member.site.host, member.port)
        member.ask("RESET", "HARD")
        for _ in range(2):
            with pytest.raises(StoreUnreachable):
                await found(topology)
        take_all(member)
        assert await found(topology) == (member.site.host, member.port)

    with alone(kind) as member:
        asyncio.run(scenario(member))
