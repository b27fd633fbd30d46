"""Primaries, replicas and sentinels die, stand still, and are put out of office."""

import asyncio

from tests.faults.harm.redis import a_primary
from tests.faults.house import TIMEOUT_SECONDS
from tests.faults.scene import Scene
from tests.support.servers import Server


async def kill_a_primary(scene: Scene) -> None:
    """It comes back when another has taken over, as that one's replica."""
    for number in range(scene.rounds):
        await scene.rest(number)
        server = await a_primary(scene)
        pools = await asyncio.to_thread(scene.ground.pools_of, server)
        server.kill()
        await another_than(scene, server, pools)
        await asyncio.to_thread(server.start)
        await scene.whole()
        await asyncio.sleep(TIMEOUT_SECONDS)


async def freeze_a_primary(scene: Scene) -> None:
    """It stands still until another has taken over, and wakes without knowing it."""
    for number in range(scene.rounds):
        await scene.rest(number)
        server = await a_primary(scene)
        pools = await asyncio.to_thread(scene.ground.pools_of, server)
        server.pause()
        await another_than(scene, server, pools)
        await asyncio.sleep(scene.rng.uniform(0, 1) * TIMEOUT_SECONDS)
        server.resume()
        await scene.whole()
        await asyncio.sleep(TIMEOUT_SECONDS)


async def part_the_network(scene: Scene) -> None:
    """A primary is alone with a node, and with a sentinel, while the others go on without them. Neither hears that the
    other side is gone: the node and its people go on with a primary that was replaced."""
    sides = scene.ground.sides
    if sides is None:
        print(
            "here a network cannot be parted (that takes Linux and root): the primary stands still"
        )
        await freeze_a_primary(scene)
        return
    server = scene.ground.servers[0]
    pools = await asyncio.to_thread(scene.ground.pools_of, server)
    scene.hit |= pools
    for number in range(scene.rounds):
        await scene.rest(number)
        await asyncio.to_thread(bring_back, scene, server, pools)
        await scene.rest(number)
        await asyncio.to_thread(sides.part)
        await asyncio.to_thread(scene.ground.until_another_is_primary, server, min(pools))
        with server.client() as client:
            assert client.info("replication")["role"] == "master", "it knows that it was replaced"
        await asyncio.sleep(scene.rng.uniform(1, 3) * TIMEOUT_SECONDS)
        await asyncio.to_thread(sides.join)
        await scene.whole()
        await asyncio.sleep(TIMEOUT_SECONDS)


def bring_back(scene: Scene, server: Server, pools: set[int]) -> None:
    """The one who is alone has to be primary again, for the next time."""
    for pool in pools - scene.ground.pools_of(server):
        scene.ground.fail_over(pool)
        scene.ground.until_whole()


async def another_than(scene: Scene, server: Server, pools: set[int]) -> None:
    for pool in pools:
        await asyncio.to_thread(scene.ground.until_another_is_primary, server, pool)


async def kill_a_replica(scene: Scene) -> None:
    for _ in range(scene.rounds):
        primaries = await asyncio.to_thread(lambda: scene.ground.primaries)
        server = scene.rng.choice([one for one in scene.ground.servers if one not in primaries])
        server.kill()
        await asyncio.sleep(scene.rng.uniform(0.2, 2) * TIMEOUT_SECONDS)
        await asyncio.to_thread(server.start)
        await scene.whole()


async def kill_a_sentinel(scene: Scene) -> None:
    """While it is away, every node has to find the primary by the others."""
    for _ in range(scene.rounds):
        sentinel = scene.rng.choice(scene.sentinels.sentinels)
        sentinel.kill()
        for _ in range(2):
            await asyncio.sleep(scene.rng.uniform(0.2, 0.6) * TIMEOUT_SECONDS)
            for way in scene.ground.ways:
                way.cut()
        await asyncio.sleep(TIMEOUT_SECONDS)
        await asyncio.to_thread(sentinel.start)


async def order_a_takeover(scene: Scene) -> None:
    for number in range(scene.rounds):
        await scene.rest(number)
        pool = scene.any_pool()
        await asyncio.to_thread(scene.ground.fail_over, pool)
        await scene.whole()
        await asyncio.sleep(TIMEOUT_SECONDS)


async def force_a_takeover(scene: Scene) -> None:
    """The primary lives, and is not asked."""
    for _ in range(2 * scene.rounds):
        pool = scene.any_pool()
        await asyncio.to_thread(scene.cluster.made.fail_over, pool, "FORCE")
        await scene.whole()
        await asyncio.sleep(TIMEOUT_SECONDS)
