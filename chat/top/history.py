"""What only several looks one after the other can say."""

from collections.abc import Sequence
from dataclasses import replace

from chat.top.snapshot import NodeSeen, PoolSeen, RedisSeen, Snapshot

GONE_SECONDS = 60.0
"""For so long a node is shown that is not in the list any more: the others sweep a dead one within a second
or two, and whoever looks now and then would never see that there was one."""


class History:
    """Times are in seconds, of any one clock that only goes forward."""

    def __init__(self) -> None:
        self._redis: tuple[float, RedisSeen] | None = None
        self._nodes: dict[tuple[int, str], tuple[float, NodeSeen]] = {}

    def add(self, snapshot: Snapshot, now: float) -> Snapshot:
        """The snapshot of this moment, with what those before it add to it."""
        pools = [replace(pool, nodes=self._with_gone(pool, now)) for pool in snapshot.pools]
        redis = snapshot.redis
        if redis is not None:
            redis = replace(redis, cpu_percent=self._percent(redis, now))
            self._redis = now, redis
        return replace(snapshot, pools=pools, redis=redis)

    def _percent(self, redis: RedisSeen, now: float) -> float | None:
        """None at the first look, and where another process answers."""
        if self._redis is None or self._redis[1].process != redis.process:
            return None
        then, before = self._redis
        return 100 * (redis.cpu_seconds - before.cpu_seconds) / max(now - then, 1e-3)

    def _with_gone(self, pool: PoolSeen, now: float) -> Sequence[NodeSeen]:
        for node in pool.nodes:
            self._nodes[pool.pool, node.node] = now, node
        gone = []
        for key, (seen, node) in list(self._nodes.items()):
            if now - seen > GONE_SECONDS:
                del self._nodes[key]
            elif key[0] == pool.pool and seen < now:
                gone.append(NodeSeen(node.node, 0, 0, gone_seconds=now - seen))
        return sorted([*pool.nodes, *gone], key=lambda node: node.node)
