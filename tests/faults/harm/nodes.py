"""Nodes die, leave, and stand still."""

import asyncio
import signal

from tests.faults.house import LEASE_SECONDS
from tests.faults.scene import Scene


async def kill_a_node(scene: Scene) -> None:
    for _ in range(scene.rounds):
        node = scene.rng.choice(scene.house.nodes)
        node.kill()
        await asyncio.sleep(scene.rng.uniform(0.2, 1.2) * LEASE_SECONDS)
        await asyncio.to_thread(node.start)


async def roll_all_nodes(scene: Scene) -> None:
    for _ in range(scene.rounds):
        for node in scene.house.nodes:
            node.signal(signal.SIGTERM)
            code = await asyncio.to_thread(node.wait, 20)
            assert code == 0, f"it ended with {code}"
            await asyncio.to_thread(node.start)


async def freeze_a_node(scene: Scene) -> None:
    for _ in range(scene.rounds):
        node = scene.rng.choice(scene.house.nodes)
        node.freeze()
        await asyncio.sleep(scene.rng.uniform(1.4, 2.2) * LEASE_SECONDS)
        node.thaw()
        await asyncio.sleep(LEASE_SECONDS / 2)
