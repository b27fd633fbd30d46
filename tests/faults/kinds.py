"""The kinds of fault. Each is injected while people talk, and is over when its function returns.

``shows`` says what must have been seen, so that a trial in which nothing happened cannot pass.
"""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.book import Book
from tests.faults.crowd import come_and_go
from tests.faults.house import LEASE_SECONDS, TIMEOUT_SECONDS, House
from tests.faults.person import Manner, Person
from tests.support.deafness import deaf


@dataclass
class Scene:
    """What a fault can reach."""

    house: House
    people: Sequence[Person]
    book: Book
    rng: random.Random
    rounds: int


@dataclass(frozen=True)
class Kind:
    """``calm``: nobody may lose a socket by it, or hear that a partner did. ``lossy``: Redis itself loses
    what it had not written; then loss must be told, not absent."""

    title: str
    inject: Callable[[Scene], Awaitable[None]]
    shows: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    receive_buffer: int | None = None
    calm: bool = False
    lossy: bool = False


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


async def kill_links(scene: Scene) -> None:
    def kill(kind: str) -> None:
        with scene.house.server.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    for number in range(2 * scene.rounds):
        proxy = scene.rng.choice(scene.house.proxies)
        proxy.refusing = True  # one node alone is without a link, while the others go on
        proxy.cut()
        await asyncio.sleep(scene.rng.uniform(0.5, 1))
        proxy.refusing = False
        await asyncio.sleep(scene.rng.uniform(0.05, 0.5))
        await asyncio.to_thread(kill, ("pubsub", "normal")[number % 2])
        await asyncio.sleep(scene.rng.uniform(0.05, 0.5))


async def make_links_deaf(scene: Scene) -> None:
    for _ in range(scene.rounds):
        for proxy in scene.house.proxies:
            accepted = proxy.accepted
            deaf(proxy, True)
            proxy.filter_answers = None  # the next connection hears again
            await scene.house.until(
                lambda p=proxy, n=accepted: p.accepted > n,  # type: ignore[misc]
                "the node has noticed",
            )


async def silence_links(scene: Scene) -> None:
    for _ in range(scene.rounds):
        proxy = scene.rng.choice(scene.house.proxies)
        proxy.silent = True
        await asyncio.sleep(scene.rng.uniform(1.3, 3) * TIMEOUT_SECONDS)
        proxy.silent = False
        await asyncio.sleep(TIMEOUT_SECONDS)


async def pause_redis(scene: Scene) -> None:
    for _ in range(scene.rounds):
        scene.house.server.pause()
        await asyncio.sleep(scene.rng.uniform(0.5, 2.5) * TIMEOUT_SECONDS)
        scene.house.server.resume()
        await asyncio.sleep(TIMEOUT_SECONDS)


async def restart_redis(scene: Scene) -> None:
    for _ in range(scene.rounds):
        scene.house.server.kill()
        await asyncio.sleep(scene.rng.uniform(0, 2))
        await asyncio.to_thread(scene.house.server.start)
        await asyncio.sleep(TIMEOUT_SECONDS)


async def restart_redis_with_older_data(scene: Scene) -> None:
    """What was said after the snapshot was confirmed, and is not in the data set any more."""

    def save() -> None:
        with scene.house.server.client() as client:
            client.save()

    await asyncio.to_thread(save)
    await asyncio.sleep(1.5)
    await restart_redis(Scene(scene.house, scene.people, scene.book, scene.rng, 1))


async def flush_functions(scene: Scene) -> None:
    def flush() -> None:
        with scene.house.server.client() as client:
            client.function_flush("SYNC")

    for _ in range(5 * scene.rounds):
        await asyncio.to_thread(flush)
        await asyncio.sleep(scene.rng.uniform(0.1, 0.6))


async def lose_answers(scene: Scene) -> None:
    """The function runs, and the link breaks before its answer arrives."""
    for _ in range(4 * scene.rounds):
        for proxy in scene.house.proxies:
            proxy.swallowing = True
        await asyncio.sleep(scene.rng.uniform(0.05, 0.4))
        for proxy in scene.house.proxies:
            proxy.cut()
            proxy.swallowing = False
        await asyncio.sleep(scene.rng.uniform(0.3, 0.8))


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


KINDS: Mapping[str, Kind] = {
    "kill": Kind("a node is killed with -9", kill_a_node, ("back", "closed 1006")),
    "roll": Kind("all nodes are restarted, one after the other", roll_all_nodes, ("closed 1001",)),
    "freeze": Kind(
        "a node stands still past its lease, and wakes", freeze_a_node, ("back", "PartnerAway")
    ),
    "links": Kind("links and subscriptions are killed", kill_links, ("code 2",), calm=True),
    "deaf": Kind("subscriptions die, answers come as ever", make_links_deaf, calm=True),
    "silent": Kind("a link goes silent", silence_links, ("code 2",)),
    "pause": Kind("Redis stands still", pause_redis, calm=True),
    "restart": Kind("Redis is killed with -9 and comes back", restart_redis, ("code 2",), calm=True),
    "flush": Kind("Redis loses the function library", flush_functions, ("code 2",), calm=True),
    "answers": Kind("answers are lost after the function ran", lose_answers, ("code 2",), calm=True),
    "sockets": Kind("all sockets are cut at once", cut_all_sockets, ("back", "PartnerBack")),
    "readers": Kind(
        "readers stop reading", stop_reading, ("closed 4002", "back"), receive_buffer=8192
    ),
    "crowd": Kind(
        "people come and go at random", let_a_crowd_come_and_go,
        settings={"CHAT_GRACE_SECONDS": "3"},
    ),
    "older": Kind(
        "Redis comes back with older data", restart_redis_with_older_data, ("back",), lossy=True
    ),
}  # fmt: skip
