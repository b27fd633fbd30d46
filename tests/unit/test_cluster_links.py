"""``cluster``: pools are brought to where they are, each for itself."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chat.errors import StoreUnreachable
from chat.store.cluster import ClusterLinks
from chat.store.several import Server
from tests.link.calls import until
from tests.unit.pool_link_scene import FakeHome

A, B, DARK = ("a", 1), ("b", 2), ("dark", 3)
SOON = 0.4
"""Less than a server that does not answer takes, or one that is asked where pools are."""


class FakeLink(FakeHome):
    """A link to a server that has all its pools; to one that is dark it is never made. ``tried`` is called when it is
    tried whether a node may publish there."""

    def __init__(self, server: Server, tried: Callable[[], None]) -> None:
        super().__init__()
        self.server = server
        self._tried = tried
        self.pools: set[int] = set()
        self.run = b"run"
        self.closed = False

    async def start(self) -> None:
        if self.server == DARK:
            await asyncio.sleep(5)
            raise StoreUnreachable("it is dark")

    async def close(self) -> None:
        self.closed = True

    def serve(self, pool: int, before: bytes, done: Callable[[Any], None]) -> None:
        self.pools.add(pool)
        asyncio.get_running_loop().call_soon(done, [0, 1])

    def leave(self, pool: int) -> None:
        self.pools.discard(pool)
        super().leave(pool)

    def call(self, command: Any, done: Any, weight: int = 1) -> None:
        if command == ("ROLE",):
            asyncio.get_running_loop().call_soon(done, [b"master"])
        elif command[0] == "SPUBLISH":
            self._tried()
            asyncio.get_running_loop().call_soon(done, 0)
        else:
            super().call(command, done, weight)


class World:
    """Three pools at server A; ``places`` is where they are found, after so many ``seconds``."""

    def __init__(self) -> None:
        self.places: dict[int, Server] = dict.fromkeys(range(3), A)
        self.seconds = 0.0
        self.asking = 0
        """How many wait to be told where pools are."""
        self.made: list[FakeLink] = []
        self.tried: Callable[[], None] = lambda: None
        topology = SimpleNamespace(find=self._find, shown="a cluster")
        self.links = ClusterLinks(
            cast(Any, topology), self._new_link, self._gap,
            new_pressure=lambda: lambda pressed: None, probe=lambda pool: b"probe",
            timeout=2.0, jitter=lambda: 0.1,
        )  # fmt: skip
        self.gaps: list[int] = []

    async def _find(self, pools: Iterable[int]) -> Mapping[int, Server]:
        self.asking += 1
        await asyncio.sleep(self.seconds)
        self.asking -= 1
        return {pool: self.places[pool] for pool in pools}

    def _new_link(self, server: Server, *_: Any) -> Any:
        self.made.append(FakeLink(server, self.tried))
        return self.made[-1]

    def _gap(self, pools: Collection[int]) -> None:
        self.gaps += pools

    def stray(self, pool: int, why: str) -> None:
        link = self.links.of(pool)
        home = link.home
        assert home is not None
        link.stray(home, why)

    def at(self, pool: int) -> Server | None:
        home = cast(FakeLink | None, self.links.of(pool).home)
        return None if home is None else home.server

    async def until_at(self, pool: int, server: Server) -> None:
        await until(lambda: self.at(pool) == server, f"pool {pool} is at {server}", SOON)


def run(scenario: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        world = World()
        for pool in range(3):
            world.links.serve(pool)
        await world.links.start()
        world.gaps.clear()
        try:
            await scenario(world)
        finally:
            await world.links.close()

    asyncio.run(main())


def test_pools_leave_while_it_is_tried_what_a_node_may() -> None:
    """It begins nevertheless: they will be found."""

    async def main() -> None:
        world = World()
        world.places = {0: A, 1: B, 2: B}

        def leave() -> None:
            for link in world.made:
                link.pools.clear()

        world.tried = leave
        for pool in range(3):
            world.links.serve(pool)
        await world.links.start()
        assert [link.server for link in world.made] == [A, B]
        await world.links.close()

    asyncio.run(main())


def test_pools_of_one_server_share_a_link() -> None:
    """Also where they come there at the same moment; one that has no pool any more is closed."""

    async def scenario(world: World) -> None:
        assert [link.server for link in world.made] == [A]
        for pool in range(3):
            world.stray(pool, "MOVED 1 b:2")
        for pool in range(3):
            await world.until_at(pool, B)
        assert [link.server for link in world.made] == [A, B]
        assert sorted(world.gaps) == [0, 1, 2]
        await until(lambda: world.made[0].closed, "the first is closed", 1)
        assert not world.made[1].closed

    run(scenario)


def test_where_pools_are_is_one_line_for_a_server(caplog: pytest.LogCaptureFixture) -> None:
    """Also what was the matter with them."""
    caplog.set_level(logging.INFO)

    async def scenario(world: World) -> None:
        await until(lambda: caplog.messages == ["pools 0, 1, 2 are at a:1"], "they are found")
        caplog.clear()
        world.places[0] = world.places[2] = B
        for pool in 0, 2, 1:
            world.stray(pool, "TRYAGAIN")
        await until(lambda: len(caplog.messages) == 3, "they are found again")
        assert sorted(caplog.messages) == [
            "pool 1 is at a:1",
            "pools 0, 1, 2 are not where they were: TRYAGAIN",
            "pools 0, 2 are at b:2",
        ]

    run(scenario)


def test_a_server_that_does_not_answer_holds_up_no_other_pool() -> None:
    """Neither one that says where it is, nor one that has to be looked for."""

    async def scenario(world: World) -> None:
        world.stray(1, "MOVED 1 dark:3")
        await until(lambda: world.made[-1].server == DARK, "a link to it is being made")
        world.stray(0, "MOVED 1 b:2")
        await world.until_at(0, B)
        world.places[2] = B
        world.stray(2, "the server has ended a subscription")
        await until(lambda: world.at(2) == B, "it is found", 2)
        assert world.at(1) is None

    run(scenario)


def test_who_says_where_it_is_does_not_wait_for_those_who_are_asked() -> None:
    """Servers that stand still are asked for a second, each."""

    async def scenario(world: World) -> None:
        world.seconds = 2.0
        world.stray(1, "the server has ended a subscription")
        await until(lambda: world.asking, "it is asked where the pool is")
        world.stray(0, "MOVED 1 b:2")
        await world.until_at(0, B)
        assert world.at(1) is None

    run(scenario)
