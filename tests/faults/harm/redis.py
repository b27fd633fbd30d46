"""A Redis stands still, is restarted, forgets: nobody takes over from it meanwhile."""

import asyncio
from dataclasses import replace

from tests.faults.grounds import OneRedis
from tests.faults.house import TIMEOUT_SECONDS
from tests.faults.scene import Scene
from tests.support.servers import Server

IN_ONE_PIECE = 0.5, 2.5
TOO_SHORT_TO_BE_MISSED = 0.4, 0.8
"""As parts of the time-out of a node: before others agree that it is gone, on a busy machine too."""


async def pause_redis(scene: Scene) -> None:
    """Where others would take over it stands still for a shorter time."""
    alone = isinstance(scene.ground, OneRedis)
    shortest, longest = IN_ONE_PIECE if alone else TOO_SHORT_TO_BE_MISSED
    for _ in range(scene.rounds):
        server = await a_primary(scene)
        server.pause()
        await asyncio.sleep(scene.rng.uniform(shortest, longest) * TIMEOUT_SECONDS)
        server.resume()
        await asyncio.sleep(TIMEOUT_SECONDS)


async def restart_redis(scene: Scene) -> None:
    """Where others would take over it comes back at once."""
    alone = isinstance(scene.ground, OneRedis)
    for _ in range(scene.rounds):
        server = await a_primary(scene)
        server.kill()
        await asyncio.sleep(scene.rng.uniform(0, 2 if alone else 0.3))
        await asyncio.to_thread(server.start)
        await scene.whole()
        await asyncio.sleep(TIMEOUT_SECONDS)


async def a_primary(scene: Scene) -> Server:
    """Any of them; its people are hit."""
    server = scene.rng.choice(await asyncio.to_thread(lambda: scene.ground.primaries))
    scene.hit |= await asyncio.to_thread(scene.ground.pools_of, server)
    return server


async def restart_redis_with_older_data(scene: Scene) -> None:
    """What was said after the snapshot was confirmed, and is not in the data set any more."""

    def save() -> None:
        for server in scene.ground.primaries:
            with server.client() as client:
                client.save()

    await asyncio.to_thread(save)
    await asyncio.sleep(1.5)
    await restart_redis(replace(scene, rounds=1))


async def flush_functions(scene: Scene) -> None:
    def flush() -> None:
        for server in scene.ground.primaries:
            with server.client() as client:
                client.function_flush("SYNC")

    for _ in range(5 * scene.rounds):
        await asyncio.to_thread(flush)
        await asyncio.sleep(scene.rng.uniform(0.1, 0.6))
