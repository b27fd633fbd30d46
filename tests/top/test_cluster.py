"""``chat top`` of a cluster: each pool is looked at where it is, also while it moves, and by whoever may look."""

import asyncio
from contextlib import closing

from chat.store.look import Look
from tests.support.cluster import slot_of
from tests.support.member import Member
from tests.support.reshard import move_pool
from tests.top.people import ran
from tests.top.pools import Place, ask, by_pool, looked_at, people, whole


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
