"""What ``chat top`` knows of one moment. The names are also those of its JSON: they stay as they are."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
class Snapshot:
    """``time`` is that of this machine, in UTC. ``redis`` is None where the user may not ask for INFO."""

    time: str
    pools: Sequence[PoolSeen]
    redis: RedisSeen | None

    def as_json(self) -> dict[str, Any]:
        """What one look alone can say: nothing of what only a second one shows."""
        said = asdict(self)
        for pool in said["pools"]:
            for node in pool["nodes"]:
                del node["gone_seconds"]
        if said["redis"] is not None:
            del said["redis"]["cpu_percent"]
        return said
