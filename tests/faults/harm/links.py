"""The ways between nodes and Redis are cut, fall silent, and lose what passes."""

import asyncio

from tests.faults.harm.redis import a_primary
from tests.faults.house import TIMEOUT_SECONDS
from tests.faults.scene import Scene
from tests.support.way import Way


async def kill_links(scene: Scene) -> None:
    def kill(kind: str) -> None:
        for server in scene.ground.primaries:
            with server.client() as client:
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    for number in range(2 * scene.rounds):
        way = scene.rng.choice(scene.ground.ways)
        way.refuse(True)  # one node alone is without a link, while the others go on
        way.cut()
        await asyncio.sleep(scene.rng.uniform(0.5, 1))
        way.refuse(False)
        await asyncio.sleep(scene.rng.uniform(0.05, 0.5))
        await asyncio.to_thread(kill, ("pubsub", "normal")[number % 2])
        await asyncio.sleep(scene.rng.uniform(0.05, 0.5))


async def make_links_deaf(scene: Scene) -> None:
    primaries = [one.port for one in await asyncio.to_thread(lambda: scene.ground.primaries)]

    def accepted(way: Way) -> list[int]:
        return [way.proxies[port].accepted for port in primaries]

    for _ in range(scene.rounds):
        for way in scene.ground.ways:
            before = accepted(way)
            way.deafen()
            await scene.house.until(
                lambda w=way, b=before: all(  # type: ignore[misc]
                    now > then for now, then in zip(accepted(w), b, strict=True)
                ),
                "the node has noticed, of each primary",
            )


async def silence_links(scene: Scene) -> None:
    for _ in range(scene.rounds):
        way = scene.rng.choice(scene.ground.ways)
        way.silence(True)
        await asyncio.sleep(scene.rng.uniform(1.3, 3) * TIMEOUT_SECONDS)
        way.silence(False)
        await asyncio.sleep(TIMEOUT_SECONDS)


async def silence_one_link(scene: Scene) -> None:
    """Of one node to one primary: everything else goes on."""
    for _ in range(scene.rounds):
        way = scene.rng.choice(scene.ground.ways)
        server = await a_primary(scene)
        way.proxies[server.port].silent = True
        await asyncio.sleep(scene.rng.uniform(1.3, 3) * TIMEOUT_SECONDS)
        way.proxies[server.port].silent = False
        await asyncio.sleep(TIMEOUT_SECONDS)


async def lose_answers(scene: Scene) -> None:
    """The function runs, and the link breaks before its answer arrives."""
    for _ in range(4 * scene.rounds):
        for way in scene.ground.ways:
            way.swallow(True)
        await asyncio.sleep(scene.rng.uniform(0.05, 0.4))
        for way in scene.ground.ways:
            way.cut()
            way.swallow(False)
        await asyncio.sleep(scene.rng.uniform(0.3, 0.8))
