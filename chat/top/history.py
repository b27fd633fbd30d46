"""What only several looks one after the other can say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chat.top.snapshot import NodeSeen, RedisSeen, Snapshot, merged

GONE_SECONDS = 60.0
"""For so long a node is shown that is not in the list any more: the others sweep a dead one within a second
or two, and whoever looks now and then would never see that there was one."""

Before = Mapping[tuple[str, str], tuple[float, RedisSeen]]
"""When the process of a server was last seen, and how it was."""


class History:
    """Times are in seconds, of any one clock that only goes forward."""

    def __init__(self) -> None:
        self._redis: dict[tuple[str, str], tuple[float, RedisSeen]] = {}
        self._nodes: dict[str, float] = {}

    def add(self, snapshot: Snapshot, now: float) -> Snapshot:
        """The snapshot of this moment, with what those before it add to it."""
        before, self._redis = self._redis, {}
        servers = [
            replace(server, redis=self._with_percent(server.server, server.redis, before, now))
            for server in snapshot.servers
        ]
        redis = self._with_percent("", snapshot.redis, before, now)
        return replace(snapshot, redis=redis, servers=servers, gone=self._gone(snapshot, now))

    def _with_percent(
        self, server: str, redis: RedisSeen | None, before: Before, now: float
    ) -> RedisSeen | None:
        """Unknown at the first look, and where another process answers."""
        if redis is None:
            return None
        key = server, redis.process
        self._redis[key] = now, redis
        if key not in before:
            return redis
        then, old = before[key]
        used = redis.cpu_seconds - old.cpu_seconds
        return replace(redis, cpu_percent=100 * used / max(now - then, 1e-3))

    def _gone(self, snapshot: Snapshot, now: float) -> Sequence[NodeSeen]:
        for node in merged(snapshot.pools):
            self._nodes[node.node] = now
        gone = []
        for name, seen in list(self._nodes.items()):
            if now - seen > GONE_SECONDS:
                del self._nodes[name]
            elif seen < now:
                gone.append(NodeSeen(name, 0, 0, pools=0, gone_seconds=now - seen))
        return gone
