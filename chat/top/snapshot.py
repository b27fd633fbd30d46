"""What ``chat top`` knows of one moment. The names are also those of its JSON: they stay as they are."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """A node that has a lease, or had one. What it says of itself is None where it does not, as a dead one."""

    node: str
    lease_seconds: float
    """Below zero: for how long it has been dead."""
    accounts: int
    sockets: int | None = None
    up_seconds: float | None = None
    messages_per_second: float | None = None
    commands_per_second: float | None = None
    matches_per_second: float | None = None
    lag_ms: float | None = None
    version: str | None = None
    pools: int = 1
    """In how many it is alive."""
    gone_seconds: float | None = None
    """How long ago it was in the list for the last time; None for those that are there."""

    @property
    def alive(self) -> bool:
        return self.lease_seconds > 0 and self.gone_seconds is None


@dataclass(frozen=True, slots=True)
class Waiter:
    account: int
    waited_seconds: float


@dataclass(frozen=True, slots=True)
class PoolSeen:
    """``nodes`` by name; ``queue`` is who has waited longest, the first few of ``waiting``."""

    pool: int
    online: int
    away: int
    sessions: int
    waiting: int
    longest_wait_seconds: float
    nodes: Sequence[NodeSeen]
    queue: Sequence[Waiter]


@dataclass(frozen=True, slots=True)
class RedisSeen:
    """The server that was asked. ``memory_max_bytes`` of 0 is no bound; ``aof`` and ``rdb`` are what became
    of the last writing: ok or err; ``aof`` may be off. ``process`` names the process of the server."""

    version: str
    role: str
    process: str
    memory_used_bytes: int
    memory_max_bytes: int
    operations_per_second: int
    cpu_seconds: float
    clients: int
    evicted_keys: int
    aof: str
    rdb: str
    cpu_percent: float | None = None
    """Of one core, since the last look; None at the first."""


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """A server, by its address, and the pools that it has. ``trouble`` says why there is nothing of it; without
    it ``redis`` is None where the user may not ask for INFO."""

    server: str
    pools: Sequence[int]
    redis: RedisSeen | None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A pool that could not be looked at."""

    pool: int
    server: str
    trouble: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``time`` is that of this machine, in UTC. ``redis`` is the server of the first pool there is something of, None
    where the user may not ask for INFO."""

    time: str
    pools: Sequence[PoolSeen]
    redis: RedisSeen | None
    servers: Sequence[ServerSeen] = ()
    missing: Sequence[Missing] = ()
    gone: Sequence[NodeSeen] = ()
    """Nodes that were there when it was looked before."""

    @property
    def nodes(self) -> Sequence[NodeSeen]:
        """All of them, by name: each once, in whatever pools it is."""
        return sorted([*merged(self.pools), *self.gone], key=lambda node: node.node)

    def as_json(self) -> dict[str, Any]:
        """What one look alone can say: nothing of what only a second one shows."""
        said = {**asdict(self), "nodes": [asdict(node) for node in merged(self.pools)]}
        del said["gone"]
        for pool in said["pools"]:
            for node in pool["nodes"]:
                del node["gone_seconds"], node["pools"]
        for node in said["nodes"]:
            del node["gone_seconds"]
        for redis in (said["redis"], *(server["redis"] for server in said["servers"])):
            if redis is not None:
                del redis["cpu_percent"]
        return said


def merged(pools: Sequence[PoolSeen]) -> Sequence[NodeSeen]:
    """The nodes of all pools, by name. A node says the same of itself in each: what it said last counts. Its lease is
    the worst one."""
    found: defaultdict[str, list[NodeSeen]] = defaultdict(list)
    for pool in pools:
        for node in pool.nodes:
            found[node.node].append(node)
    return [_as_one(found[name]) for name in sorted(found)]


def _as_one(nodes: Sequence[NodeSeen]) -> NodeSeen:
    return replace(
        max(nodes, key=lambda node: node.lease_seconds),
        lease_seconds=min(node.lease_seconds for node in nodes),
        accounts=sum(node.accounts for node in nodes),
        pools=sum(node.alive for node in nodes),
    )
