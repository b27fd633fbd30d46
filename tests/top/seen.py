"""What ``chat top`` may have seen, and the picture of it."""

from dataclasses import replace

from chat.top.drawing import as_text, draw
from chat.top.snapshot import NodeSeen, PoolSeen, RedisSeen, Snapshot, Waiter
from chat.top.table import Line

NODE = NodeSeen("node-a", 7.2, 120, 123, 11_520.0, 12.345, 20.0, 1.0, 3.0, "0.1.0")
DEAD = NodeSeen("node-b", -12.4, 5)
REDIS = RedisSeen("Redis 7.0.15", "primary", "p1", 1_700_000, 0, 146, 5.0, 3, 0, "ok", "ok")
POOL = PoolSeen(0, 1234, 12, 600, 7, 12.5, [NODE], [Waiter(3000, 12.5), Waiter(4000, 1.0)])
EMPTY = PoolSeen(0, 0, 0, 0, 0, 0.0, [], [])


def snapshot(*nodes: NodeSeen, redis: RedisSeen | None = REDIS) -> Snapshot:
    return Snapshot("2026-05-01T12:30:15Z", [replace(POOL, nodes=nodes)], redis)


def picture(seen: Snapshot, width: int = 100, height: int | None = None) -> str:
    return as_text(draw(seen, width, height))


def bad(lines: list[Line]) -> str:
    """What is shown as a matter for somebody."""
    return "\n".join(text for line in lines for style, text in line if style == "bad")
