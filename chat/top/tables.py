"""That of nodes; where there are several pools, that of pools; and where there are several servers, theirs."""

from collections.abc import Callable, Sequence

from chat.top.snapshot import Missing, NodeSeen, PoolSeen, RedisSeen, ServerSeen
from chat.top.table import Column, Table
from chat.top.words import UNKNOWN, count, rate, seconds, shorten, size

FULL = 0.9
"""From here on memory is a matter for a warning."""
NO_RIGHT = "this user has no right to INFO (+info)"


def _lease(node: NodeSeen) -> str:
    if node.gone_seconds is not None:
        return f"gone {seconds(node.gone_seconds)}"
    if not node.alive:
        return f"dead {seconds(-node.lease_seconds)}"
    return seconds(node.lease_seconds)


def _accounts(node: NodeSeen) -> str:
    return count(None if node.gone_seconds is not None else node.accounts)


def _version(node: NodeSeen) -> str:
    return shorten(node.version or UNKNOWN, 9)


NODE_COLUMNS: Sequence[Column[NodeSeen]] = (
    Column("UP", 6, 4, lambda node: seconds(node.up_seconds)),
    Column("LEASE", 11, 9, _lease),
    Column("SOCKETS", 7, 8, lambda node: count(node.sockets)),
    Column("ACCOUNTS", 8, 6, _accounts),
    Column("MSG/S", 6, 7, lambda node: rate(node.messages_per_second)),
    Column("CMD/S", 6, 3, lambda node: rate(node.commands_per_second)),
    Column("MATCH/S", 7, 2, lambda node: rate(node.matches_per_second)),
    Column("LAG ms", 6, 5, lambda node: count(node.lag_ms)),
    Column("VERSION", 9, 1, _version),
)


def node_table(nodes: Sequence[NodeSeen], pools: int) -> Table[NodeSeen]:
    """Where there are several pools also in how many of them a node is alive: it should be in all."""
    columns = NODE_COLUMNS
    if pools > 1:
        in_pools: Column[NodeSeen] = Column("POOLS", 7, 7, lambda node: f"{node.pools}/{pools}")
        columns = (columns[0], in_pools, *columns[1:])
    return Table(
        "NODE",
        nodes,
        columns,
        lambda node: node.node,
        lambda node: not node.alive or node.pools < pools,
        "dead or gone" if pools == 1 else "dead, gone, or not in all pools",
    )


PoolRow = PoolSeen | Missing


def _of_pool(cell: Callable[[PoolSeen], str]) -> Callable[[PoolRow], str]:
    return lambda pool: cell(pool) if isinstance(pool, PoolSeen) else ""


def _longest(pool: PoolSeen) -> str:
    return seconds(pool.longest_wait_seconds) if pool.waiting else UNKNOWN


POOL_COLUMNS: Sequence[Column[PoolRow]] = (
    Column("ACCOUNTS", 8, 6, _of_pool(lambda pool: count(pool.online + pool.away))),
    Column("ONLINE", 7, 4, _of_pool(lambda pool: count(pool.online))),
    Column("AWAY", 7, 3, _of_pool(lambda pool: count(pool.away))),
    Column("SESSIONS", 8, 2, _of_pool(lambda pool: count(pool.sessions))),
    Column("WAITING", 7, 5, _of_pool(lambda pool: count(pool.waiting))),
    Column("LONGEST", 7, 1, _of_pool(_longest)),
)


def pool_table(
    pools: Sequence[PoolSeen], missing: Sequence[Missing], servers: Sequence[ServerSeen]
) -> Table[PoolRow]:
    """Where there are several servers also which one has it."""
    at = {pool: server.server for server in servers for pool in server.pools}
    columns = POOL_COLUMNS
    if len(servers) > 1:
        widest = max(map(len, at.values()))
        columns = (*columns, Column("SERVER", widest, 0, lambda pool: at.get(pool.pool, UNKNOWN)))
    return Table(
        "POOL",
        sorted([*pools, *missing], key=lambda pool: pool.pool),
        columns,
        lambda pool: str(pool.pool),
        lambda pool: isinstance(pool, Missing),
        "without an answer",
        lambda pool: _with_place(pool) if isinstance(pool, Missing) else None,
    )


def _with_place(pool: Missing) -> str:
    return f"{pool.server}: {pool.trouble}" if pool.server else pool.trouble


def _of_redis(cell: Callable[[RedisSeen], str]) -> Callable[[ServerSeen], str]:
    return lambda server: UNKNOWN if server.redis is None else cell(server.redis)


def _cpu(redis: RedisSeen) -> str:
    return UNKNOWN if redis.cpu_percent is None else f"{redis.cpu_percent:.0f}%"


def _bound(redis: RedisSeen) -> str:
    return size(redis.memory_max_bytes) if redis.memory_max_bytes else "no bound"


def nearly_full(redis: RedisSeen) -> bool:
    bound = redis.memory_max_bytes
    return bool(bound) and redis.memory_used_bytes > FULL * bound


def _alarming(server: ServerSeen) -> bool:
    redis = server.redis
    return redis is None or (
        redis.role != "primary"
        or nearly_full(redis)
        or redis.aof not in ("ok", "off")
        or redis.rdb != "ok"
        or redis.evicted_keys > 0
    )


def _trouble(server: ServerSeen) -> str | None:
    return server.trouble or (NO_RIGHT if server.redis is None else None)


SERVER_COLUMNS: Sequence[Column[ServerSeen]] = (
    Column("VERSION", 13, 2, _of_redis(lambda redis: shorten(redis.version, 13))),
    Column("ROLE", 7, 8, _of_redis(lambda redis: redis.role)),
    Column("POOLS", 5, 3, lambda server: count(len(server.pools))),
    Column("MEMORY", 8, 9, _of_redis(lambda redis: size(redis.memory_used_bytes))),
    Column("OF", 8, 5, _of_redis(_bound)),
    Column("OPS/S", 6, 7, _of_redis(lambda redis: count(redis.operations_per_second))),
    Column("CPU", 4, 6, _of_redis(_cpu)),
    Column("CLIENTS", 7, 1, _of_redis(lambda redis: count(redis.clients))),
    Column("AOF", 3, 4, _of_redis(lambda redis: shorten(redis.aof, 3))),
    Column("RDB", 3, 4, _of_redis(lambda redis: shorten(redis.rdb, 3))),
)


def server_table(servers: Sequence[ServerSeen]) -> Table[ServerSeen]:
    return Table(
        "REDIS",
        servers,
        SERVER_COLUMNS,
        lambda server: server.server,
        _alarming,
        "not well",
        _trouble,
    )
