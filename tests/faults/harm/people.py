"""Sockets are cut, readers stop reading, a crowd comes and goes."""

import asyncio

from tests.faults.crowd import come_and_go
from tests.faults.person import Manner, Person
from tests.faults.scene import Scene


async def cut_all_sockets(scene: Scene) -> None:
    for _ in range(2 * scene.rounds):
        for person in scene.people:
            person.cut()
        await asyncio.sleep(scene.rng.uniform(0.5, 1.5))


async def stop_reading(scene: Scene) -> None:
    """One of each pair takes nothing, while the partner says more than may wait for a socket."""

    async def one(reader: Person, speaker: Person) -> None:
        speaker.manner = Manner(pause=0, padding="😀" * 1900)
        reader.stop_reading()
        async with asyncio.timeout(60):
            await speaker.partner_away.wait()  # its node has cut the reader off
        speaker.manner = Manner()
        reader.start_reading()

    for _ in range(scene.rounds):
        async with asyncio.TaskGroup() as pairs:
            for reader, speaker in zip(scene.people[::2], scene.people[1::2], strict=True):
                pairs.create_task(one(reader, speaker))
        await asyncio.sleep(1)


async def let_a_crowd_come_and_go(scene: Scene) -> None:
    await come_and_go(scene.house.urls, scene.rng, people=30, seconds=4.0 * scene.rounds)
