"""``chat top`` of several pools on one Redis."""

import asyncio

from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import wait_until
from tests.support.servers import Server
from tests.top.people import ran
from tests.top.pools import POOLS, ask, by_pool, looked_at, people


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
