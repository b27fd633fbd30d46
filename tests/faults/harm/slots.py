"""Slots move within a cluster, and primaries come and go."""

import asyncio

from tests.faults.house import TIMEOUT_SECONDS
from tests.faults.scene import Scene
from tests.support.reshard import move_pool

BATCH_SECONDS = 0.05
"""A pool of a trial has some forty keys, and ten are moved at a time: people shall speak meanwhile."""


async def move_pools(scene: Scene) -> None:
    """Each to another primary, and back."""
    made, rng = scene.cluster.made, scene.rng
    for _ in range(scene.rounds):
        for pool in range(scene.ground.pools):
            home = await asyncio.to_thread(made.primary_of, pool)
            away = rng.choice([one for one in made.primaries if one is not home])
            scene.hit.add(pool)
            for place in (away, home):
                assert await asyncio.to_thread(move_pool, made, pool, place, BATCH_SECONDS)
                await asyncio.sleep(rng.uniform(0.1, 1) * TIMEOUT_SECONDS)
    await scene.whole()


async def grow_and_shrink(scene: Scene) -> None:
    """A primary comes, gets a pool, and goes again."""
    for _ in range(scene.rounds):
        pool = scene.any_pool()
        newcomer = await scene.cluster.add_primary()
        assert await asyncio.to_thread(move_pool, scene.cluster.made, pool, newcomer, BATCH_SECONDS)
        await asyncio.sleep(scene.rng.uniform(1, 2) * TIMEOUT_SECONDS)
        await scene.cluster.remove_primary(newcomer)
        await scene.whole()
