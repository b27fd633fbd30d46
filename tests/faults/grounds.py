"""What nodes stand on: one Redis, a primary with sentinels, or a cluster. A trial does not care which.

All of them write everything down before they answer. Replication is asynchronous, as it is everywhere: where a
primary is lost for good, what it had confirmed a moment ago may be, so trials in which that happens let nodes wait
for a replica (``CHAT_REPLICAS_TO_WAIT``) before they confirm.
"""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Self

from tests.support.cluster import Cluster, cluster
from tests.support.member import Member
from tests.support.namespaces import Sides, sides
from tests.support.process import HERE, Site, wait_until
from tests.support.reshard import join, remove_primary
from tests.support.sentinels import FAILOVER_SECONDS, SELDOM, SERVICE, Flock, Sentinel, flock
from tests.support.servers import Server, available_servers
from tests.support.way import Way

OPEN = "--protected-mode", "no"
"""Without a password a server talks to its own machine alone, and the sides of a network are others."""


class Ground(ABC):
    """``async with`` it: then ``way`` for each node. What it does takes its time, and is meant for a thread.

    ``parted``: on a network with two sides.
    """

    TITLE: ClassVar[str]
    REST_SECONDS: ClassVar[float] = 0
    """After a replica took over, nobody lets another do so for as long."""
    pools = 1

    def __init__(self, *, parted: bool = False) -> None:
        self.ways: list[Way] = []
        self.sides: Sides | None = None
        self._parted = parted
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._parted:
            self.sides = self._stack.enter_context(sides())
        await asyncio.to_thread(self._stack.enter_context, self._started())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def site(self, number: int) -> Site:
        """Where a server, sentinel or node is: the first of each is alone on the left of a network that is parted."""
        if self.sides is None:
            return HERE
        return self.sides.right if number else self.sides.left

    async def way(self) -> str:
        """The URL for one more node, which has a way of its own; on a network that is parted it needs none."""
        if self.sides is not None:
            return self.url
        way = await self._stack.enter_async_context(self._new_way())
        await way.reach(self._ports())
        self.ways.append(way)
        return way.url(self.url)

    def _new_way(self) -> Way:
        return Way(len(self.ways))

    def settings(self, people: int) -> Mapping[str, str]:
        """What nodes have to know for so many people."""
        return {}

    @property
    @abstractmethod
    def url(self) -> str:
        """Without any proxy."""

    @abstractmethod
    def _started(self) -> contextlib.AbstractContextManager[object]:
        """Everything, from started to stopped."""

    @abstractmethod
    def _ports(self) -> Iterable[int]:
        """All that a node may connect to."""

    @property
    @abstractmethod
    def servers(self) -> Sequence[Server]:
        """All that have data."""

    @property
    @abstractmethod
    def primaries(self) -> Sequence[Server]:
        """All that nodes use."""

    def pools_of(self, server: Server) -> set[int]:
        """Whose people notice what happens to it."""
        return set(range(self.pools)) if server in self.primaries else set()

    @abstractmethod
    def until_whole(self) -> None:
        """Return when all is as in the beginning, but for who is primary."""

    @abstractmethod
    def until_another_is_primary(self, old: Server, pool: int) -> None:
        """Return when another has its part, which was this pool's among others."""

    @abstractmethod
    def fail_over(self, pool: int) -> None:
        """Order a replica to take over, as operators do it, without loss."""


class OneRedis(Ground):
    """``keeps=False``: it forgets what it was not told to save."""

    TITLE = "one Redis"

    def __init__(self, *, parted: bool = False, keeps: bool = True) -> None:
        super().__init__(parted=parted)
        self.server = Server(available_servers()[0], appendonly=keeps)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def servers(self) -> Sequence[Server]:
        return [self.server]

    @property
    def primaries(self) -> Sequence[Server]:
        return [self.server]

    def _started(self) -> Server:
        return self.server

    def _ports(self) -> Iterable[int]:
        return [self.server.port]

    def _new_way(self) -> Way:
        return Way()

    def until_whole(self) -> None:
        assert self.server.running

    def until_another_is_primary(self, old: Server, pool: int) -> None:
        raise NotImplementedError("there is no other")

    def fail_over(self, pool: int) -> None:
        raise NotImplementedError("there is nobody to take over")


class SentinelSet(Ground):
    """A primary, a replica, three sentinels."""

    TITLE = "a primary, a replica and three sentinels"
    REST_SECONDS = 2 * FAILOVER_SECONDS
    made: Flock

    @property
    def url(self) -> str:
        return self.made.url

    @property
    def servers(self) -> Sequence[Server]:
        return self.made.servers

    @property
    def primaries(self) -> Sequence[Server]:
        return [self.made.primary]

    @property
    def sentinels(self) -> Sequence[Sentinel]:
        return self.made.sentinels

    @contextlib.contextmanager
    def _started(self) -> Iterator[None]:
        with flock(*OPEN, "--appendonly", "yes", replicas=1, sites=self.site) as self.made:
            yield

    def _ports(self) -> Iterable[int]:
        servers = [one.port for one in self.made.servers]
        return servers + [one.port for one in self.made.sentinels]

    def until_whole(self) -> None:
        self.made.until_whole()

    def until_another_is_primary(self, old: Server, pool: int) -> None:
        """Most sentinels say it: one may be cut off from the others."""

        def most() -> bool:
            named = [one.primary() for one in self.sentinels]
            others = [port for port in named if port not in (0, old.port)]
            return 2 * len(others) > len(named)

        wait_until(most, "the sentinels name another primary", timeout=30, every=SELDOM)

    def fail_over(self, pool: int) -> None:
        """What the old primary still took while the new one takes over would be lost, so it takes nothing."""
        old = self.made.primary
        with old.client() as client:
            client.client_pause(10_000, all=False)
        assert self.made.sentinels[0].ask("FAILOVER", SERVICE) in ("OK", True)
        self.made.until_another_is_primary(old)


class ClusterSet(Ground):
    """Three primaries, each with a pool and a replica. People are spread over the pools."""

    TITLE = "a cluster of three primaries, each with a replica"
    pools = 3
    made: Cluster

    @property
    def url(self) -> str:
        return self.made.url

    @property
    def servers(self) -> Sequence[Member]:
        return self.made.servers

    @property
    def primaries(self) -> Sequence[Member]:
        return self.made.primaries

    def settings(self, people: int) -> Mapping[str, str]:
        """Rounded up to whole pairs: those who talk are in one pool."""
        pairs = -(-people // (2 * self.pools))
        return {"CHAT_POOLS": f"{self.pools}", "CHAT_POOL_ACCOUNTS": f"{2 * pairs}"}

    def pools_of(self, server: Server) -> set[int]:
        return {pool for pool in range(self.pools) if self.made.primary_of(pool) is server}

    @contextlib.contextmanager
    def _started(self) -> Iterator[None]:
        with cluster(*OPEN, appendonly=True, sites=self.site) as self.made:
            yield

    def _ports(self) -> Iterable[int]:
        return [one.port for one in self.made.servers]

    def until_whole(self) -> None:
        self.made.until_whole()

    def until_another_is_primary(self, old: Server, pool: int) -> None:
        assert isinstance(old, Member)
        self.made.until_another_has(pool, old)

    def fail_over(self, pool: int) -> None:
        self.made.fail_over(pool)

    async def add_primary(self) -> Member:
        """Nodes can reach it before anybody tells them of it."""
        newcomer = await asyncio.to_thread(self.made.add_server)
        for way in self.ways:
            await way.reach([newcomer.port])
        await asyncio.to_thread(join, self.made, newcomer)
        return newcomer

    async def remove_primary(self, leaving: Member) -> None:
        await asyncio.to_thread(remove_primary, self.made, leaving)


GROUNDS: Mapping[str, type[Ground]] = {
    "redis": OneRedis,
    "sentinel": SentinelSet,
    "cluster": ClusterSet,
}
