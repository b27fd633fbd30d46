"""``chat top`` of several pools: on one Redis, and on a cluster, where each may be at another server."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest

from chat.store.address import Address
from chat.store.look import Look
from chat.store.sight import CannotLook
from chat.store.sights import ClusterSights
from chat.store.topology import Topology
from tests.support.cluster import Cluster, slot_of
from tests.support.cluster import cluster as real_cluster
from tests.support.member import Member
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import HOST, free_port, wait_until
from tests.support.reshard import move_pool
from tests.support.servers import Server
from tests.support.wire import Wire
from tests.top.people import ran
from tests.top.terminal import Terminal

POOLS = {
    **NO_LIMITS,
    "CHAT_POOLS": "3",
    "CHAT_POOL_ACCOUNTS": "2",
    "CHAT_NODE_LEASE_SECONDS": "2",
    "CHAT_REDIS_TIMEOUT_SECONDS": "0.5",
}

PATIENT = "--cluster-node-timeout", "10000"
"""So that one of three goes on for a while when two stand still."""

Place = tuple[Cluster, NodeProcess]


def looked_at(url: str) -> dict[str, Any]:
    ended = ran("--redis-url", url, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def ask(server: Server, command: str, *args: Any) -> Any:
    """The plain reply."""
    with server.client() as client:
        client.response_callbacks.clear()
        return client.execute_command(*command.split(), *args)


def by_pool(said: Mapping[str, Any], name: str) -> dict[int, Any]:
    return {pool["pool"]: pool[name] for pool in said["pools"]}


def whole(made: Cluster) -> bool:
    """As chat top sees it."""
    said = looked_at(made.url)
    return len(said["pools"]) == 3 and len(said["servers"]) == 3


async def people(node: NodeProcess, number: int) -> list[Wire]:
    wires = [await Wire.open(node.url) for _ in range(number)]
    for wire in wires:
        await wire.create("Somebody")
    return wires


def test_several_pools_on_one_redis(empty_server: Server) -> None:
    """Each with its figures, nodes once, and the server once: one connection is enough."""
    url = empty_server.url
    with NodeProcess(url, POOLS) as one, NodeProcess(url, POOLS) as other:

        async def scenario() -> None:
            wires = await people(one, 4)
            wires += await people(other, 1)
            await wires[4].match()

            def is_said() -> bool:
                said = looked_at(url)["nodes"]
                return sorted(node["sockets"] or 0 for node in said) == [1, 4]

            await asyncio.to_thread(wait_until, is_said, "nodes have said it", timeout=20)
            said = await asyncio.to_thread(looked_at, url)
            assert by_pool(said, "online") == {0: 2, 1: 2, 2: 1}
            assert by_pool(said, "waiting") == {0: 0, 1: 0, 2: 1}
            assert said["missing"] == []
            (server,) = said["servers"]
            assert (server["server"], server["pools"]) == (url, [0, 1, 2])
            assert server["redis"] == said["redis"]
            assert sorted(node["accounts"] for node in said["nodes"]) == [1, 4]
            assert [node["pools"] for node in said["nodes"]] == [3, 3]
            names = [node["node"] for node in said["nodes"]]
            assert [[node["node"] for node in pool["nodes"]] for pool in said["pools"]] == [
                names
            ] * 3

            picture = await asyncio.to_thread(lambda: ran("--redis-url", url).stdout)
            assert "5 online · 0 away · 0 sessions · 1 waiting" in picture
            assert "2 alive · 0 dead" in picture
            assert picture.count("\nredis   ") == 1
            assert "SERVER" not in picture
            assert [len(picture.split(f"\n{name} ")) for name in names] == [2, 2]
            assert f"\nwaiting {wires[4].account_id} for " in picture
            for wire in wires:
                await wire.close()

        asyncio.run(scenario())


def test_which_pools_there_are(empty_server: Server) -> None:
    """Those that the first one lists and whose time is not over; the first, where it lists nothing."""
    url = empty_server.url
    with NodeProcess(url, NO_LIMITS) as node, empty_server.client() as client:
        assert list(by_pool(looked_at(url), "online")) == [0]
        now = ask(empty_server, "TIME")[0]
        client.zadd("chat:{0}:pools", {"7": (int(now) + 600) * 1000, "8": (int(now) - 1) * 1000})
        assert list(by_pool(looked_at(url), "online")) == [0, 7]
        client.zadd("chat:{0}:pools", {"1000": 9e15, "-1": 9e15})
        assert list(by_pool(looked_at(url), "online")) == [0, 7]
        node.kill()
        client.delete("chat:{0}:pools")
        assert list(by_pool(looked_at(url), "online")) == [0]
        client.zadd("chat:{0}:pools", {"many": 9e15})
        ended = ran("--redis-url", url)
        assert ended.stderr.endswith("it answers what no chat node has written\n")


def test_a_pool_that_cannot_be_read(empty_server: Server) -> None:
    """It is named, and the others are shown."""
    with NodeProcess(empty_server.url, POOLS), empty_server.client() as client:
        client.set("chat:{1}:open", "x")
        said = looked_at(empty_server.url)
        assert list(by_pool(said, "online")) == [0, 2]
        (missing,) = said["missing"]
        assert missing["pool"] == 1
        assert "WRONGTYPE" in missing["trouble"]
        picture = ran("--redis-url", empty_server.url).stdout
        assert any(line.startswith("1 ") and "WRONGTYPE" in line for line in picture.splitlines())


@pytest.fixture(scope="module")
def cluster(any_server: Server) -> Iterator[Place]:
    """Three primaries with a pool each, and a node."""
    with (
        real_cluster(*PATIENT, kind=any_server.kind, replicas=0) as made,
        NodeProcess(made.url, POOLS) as node,
    ):
        yield made, node


def test_a_cluster(cluster: Place) -> None:
    """Every pool is looked at where it is, and every server told of."""
    made, node = cluster

    async def scenario() -> None:
        wires = await people(node, 5)
        said = await asyncio.to_thread(looked_at, made.url)
        assert by_pool(said, "online") == {0: 2, 1: 2, 2: 1}
        servers = [(server["server"], server["pools"]) for server in said["servers"]]
        assert servers == [(made.servers[pool].address, [pool]) for pool in range(3)]
        processes = {server["redis"]["process"] for server in said["servers"]}
        assert len(processes) == 3
        assert said["redis"] == said["servers"][0]["redis"]
        (seen,) = said["nodes"]
        assert (seen["accounts"], seen["pools"]) == (5, 3)
        picture = await asyncio.to_thread(lambda: ran("--redis-url", made.url).stdout)
        assert f"  {made.url}\n" in picture
        assert "5 online" in picture
        lines = picture.splitlines()
        for pool, server in enumerate(made.servers):
            assert any(line.startswith(server.address) and " primary " in line for line in lines)
            assert any(
                line.startswith(f"{pool} ") and line.endswith(server.address) for line in lines
            )
        assert any(line.startswith(seen["node"]) and " 3/3 " in line for line in lines)
        for wire in wires:
            await wire.close()

    asyncio.run(scenario())


def test_servers_that_announce_no_host(cluster: Place) -> None:
    """They are at the host that the URL names, each at its port."""
    made, _ = cluster
    setting = "CONFIG SET", "cluster-preferred-endpoint-type"
    try:
        for server in made.servers:
            ask(server, *setting, "unknown-endpoint")
        said = looked_at(made.url)
    finally:
        for server in made.servers:
            ask(server, *setting, "ip")
    assert [server["server"] for server in said["servers"]] == [one.address for one in made.servers]


def test_one_connection_to_each_server_and_nothing_written(cluster: Place) -> None:
    """However many pools there are, and however often it looks."""
    made, _ = cluster
    stats = [ask(server, "INFO", "commandstats") for server in made.servers]
    loads = [said.count(b"cmdstat_function|load") for said in stats]

    async def scenario() -> None:
        with closing(Look(made.url, 2.0)) as look:
            for _ in range(3):
                for pool in await look.pools():
                    await look.overview(pool)
            for server in made.servers:
                said = await asyncio.to_thread(ask, server, "CLIENT LIST")
                assert said.count(b"name=chat-top") == 1

    asyncio.run(scenario())
    after = [ask(server, "INFO", "commandstats") for server in made.servers]
    assert [said.count(b"cmdstat_function|load") for said in after] == loads


def test_a_pool_that_has_moved(cluster: Place) -> None:
    """It is found where it is now; and back again."""
    made, _ = cluster
    first, second = made.servers[0], made.servers[1]

    async def scenario() -> None:
        with closing(Look(made.url, 2.0)) as look:

            async def found_at(server: Member) -> None:
                async with asyncio.timeout(20):
                    while look.server_of(1) != server.address:
                        assert await look.pools() == [0, 1, 2]
                        await look.overview(1)

            await found_at(second)
            await asyncio.to_thread(move_pool, made, 1, first)
            await found_at(first)

    try:
        asyncio.run(scenario())
        said = looked_at(made.url)
        assert [server["pools"] for server in said["servers"]] == [[0, 1], [2]]
    finally:
        move_pool(made, 1, second)
    assert len(looked_at(made.url)["servers"]) == 3


def test_a_pool_that_is_being_moved(cluster: Place) -> None:
    """It is said of that pool alone."""
    made, _ = cluster
    old, new = made.servers[1], made.servers[2]
    slot = slot_of(1)
    new.ask("SETSLOT", slot, "IMPORTING", old.id)
    old.ask("SETSLOT", slot, "MIGRATING", new.id)
    try:
        said = looked_at(made.url)
        assert list(by_pool(said, "online")) == [0, 2]
        (missing,) = said["missing"]
        assert missing["trouble"].startswith("it is on its way to another server (ASK ")
    finally:
        for server in new, old:
            server.ask("SETSLOT", slot, "STABLE")
    assert whole(made)


def test_who_may_look_in_a_cluster(cluster: Place) -> None:
    """What is missing is said; a user without INFO sees the rest."""
    made, _ = cluster
    setuser = "ACL SETUSER looker reset on >secret %R~chat:* resetchannels -@all +hello +auth"
    rights = "+fcall_ro", "+time", "+@read"
    url = made.url.replace("://", "://looker:secret@")

    def allow(*more: str) -> None:
        for server in made.servers:
            ask(server, setuser, *more)

    allow(*rights)
    line = ran("--redis-url", url).stderr
    assert "permissions" in line
    assert "+cluster|slots" in line
    assert "no cluster" not in line
    assert "secret" not in line
    allow("+cluster|slots", "+time")
    assert "+cluster|slots)" in ran("--redis-url", url).stderr
    allow("+cluster|slots", *rights)
    assert [server["redis"] for server in looked_at(url)["servers"]] == [None] * 3
    allow("+cluster|slots", "+info", *rights)
    assert all(server["redis"] for server in looked_at(url)["servers"])


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


def test_nobody_answers() -> None:
    """One line, and the exit code."""
    ended = ran("--redis-url", "redis+cluster://127.0.0.1:1,127.0.0.1:2")
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(
        "chat: cannot look at Redis at redis+cluster://127.0.0.1:1,127.0.0.1:2: "
    )


def test_a_wrong_password_is_tried_once(cluster: Place) -> None:
    """At each server that the URL names, and not for every pool that there may be."""
    made, _ = cluster
    for server in made.servers:
        ask(server, "ACL LOG", "RESET")
    ended = ran("--redis-url", made.url.replace("://", "://nobody:secret@"))
    assert ended.returncode == 1
    assert "invalid username-password pair" in ended.stderr
    assert "secret" not in ended.stderr
    with closing(made.servers[0].client(decode_responses=True)) as client:
        assert [entry["count"] for entry in client.acl_log()] == [1]


def test_a_name_that_nobody_has() -> None:
    """It is looked up once."""
    ended = ran("--redis-url", "redis+cluster://no-such-host.invalid")
    assert "no-such-host.invalid" in ended.stderr


def test_a_cluster_that_is_not_formed(redis_server: Server) -> None:
    """Its servers know nobody yet."""
    with Member(redis_server.kind) as member:
        ended = ran("--redis-url", f"redis+cluster://{member.address}")
    assert ended.returncode == 1
    assert "the cluster is not formed yet" in ended.stderr


def test_a_login_that_is_missing(redis_server: Server) -> None:
    """In words, and with the URL that has one."""
    with Member(redis_server.kind, "--requirepass", "secret") as member:
        ended = ran("--redis-url", f"redis+cluster://{member.address}")
    assert "and the URL has none: redis+cluster://:password@host" in ended.stderr


def test_a_redis_that_is_no_cluster(redis_server: Server) -> None:
    """It says so."""
    ended = ran("--redis-url", f"redis+cluster://{HOST}:{redis_server.port}")
    assert ended.returncode == 1
    assert "it is no cluster, and its URL begins with redis://" in ended.stderr
