"""From the answers of Redis to a snapshot."""

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from chat.store.look import Look, text
from chat.store.sight import CannotLook
from chat.talk.text import clean
from chat.top.snapshot import (
    Missing,
    NodeSeen,
    PoolSeen,
    RedisSeen,
    ServerSeen,
    Snapshot,
    Waiter,
)

WAITERS = 5
"""Of the queue, so many are shown."""
MOST = 1e9
"""Of anything that a node counts; in seconds it is 31 years."""


async def read(look: Look, now: Callable[[], datetime]) -> Snapshot:
    """How things stand; raises CannotLook where there is nothing to see. ``now`` is in UTC."""
    numbers = await look.pools()
    found = dict(
        zip(numbers, await asyncio.gather(*(_pool(look, pool) for pool in numbers)), strict=True)
    )
    pools = [pool for pool in found.values() if isinstance(pool, PoolSeen)]
    wrong = {pool: error for pool, error in found.items() if isinstance(error, CannotLook)}
    if not pools:
        raise wrong[numbers[0]]
    servers = await _servers(look, numbers)
    return Snapshot(
        time=f"{now():%Y-%m-%dT%H:%M:%SZ}",
        pools=pools,
        redis=next(server.redis for server in servers if pools[0].pool in server.pools),
        servers=servers,
        missing=[Missing(pool, look.server_of(pool), error.why) for pool, error in wrong.items()],
    )


async def _pool(look: Look, pool: int) -> PoolSeen | CannotLook:
    try:
        found = await look.overview(pool)
        queue = await look.waiting(pool, WAITERS)
    except CannotLook as error:
        return error
    return PoolSeen(
        pool=pool,
        online=max(0, found["accounts"] - found["away"]),
        away=found["away"],
        sessions=found["sessions"],
        waiting=found["waiting"],
        longest_wait_seconds=found["longest"] / 1000,
        nodes=[node_seen(name, fields) for name, fields in sorted(found["nodes"].items())],
        queue=[Waiter(account, ms / 1000) for account, ms in queue],
    )


async def _servers(look: Look, pools: Sequence[int]) -> Sequence[ServerSeen]:
    """In the order of the pools. Where there is but one it is no picture without what it says."""
    at: defaultdict[str, list[int]] = defaultdict(list)
    for pool in pools:
        if server := look.server_of(pool):
            at[server].append(pool)
    if len(at) == 1:
        ((server, there),) = at.items()
        return [ServerSeen(server, there, _redis(await look.info(there[0])))]
    return await asyncio.gather(*(_server(look, server, there) for server, there in at.items()))


async def _server(look: Look, server: str, pools: Sequence[int]) -> ServerSeen:
    try:
        return ServerSeen(server, pools, _redis(await look.info(pools[0])))
    except CannotLook as error:
        return ServerSeen(server, pools, None, error.why)


def _redis(info: Mapping[str, str] | None) -> RedisSeen | None:
    return None if info is None else redis_seen(info)


def node_seen(name: str, fields: Mapping[str, Any]) -> NodeSeen:
    """What the node says of itself may be missing, or in the words of another release."""
    sockets, version = _of_a_node(fields.get("sockets")), fields.get("version")
    return NodeSeen(
        node=clean(name),
        lease_seconds=int(fields["lease"]) / 1000,
        accounts=int(fields["accounts"]),
        sockets=None if sockets is None else round(sockets),
        up_seconds=_of_a_node(fields.get("up")),
        messages_per_second=_of_a_node(fields.get("messages_per_second")),
        commands_per_second=_of_a_node(fields.get("commands_per_second")),
        matches_per_second=_of_a_node(fields.get("matches_per_second")),
        lag_ms=_of_a_node(fields.get("lag")),
        version=None if version is None else clean(text(version)),
    )


def redis_seen(info: Mapping[str, str]) -> RedisSeen:
    """What INFO says. A server that leaves something out, as managed ones do, is no error."""

    def number(name: str) -> int:
        return int(_number(info.get(name)) or 0)

    cpu = sum(_number(info.get(f"used_cpu_{part}")) or 0 for part in ("sys", "user"))
    valkey = info.get("valkey_version")
    version = f"Valkey {valkey}" if valkey else f"Redis {info.get('redis_version', '?')}"
    return RedisSeen(
        version=clean(version),
        role={"master": "primary", "slave": "replica"}.get(info.get("role", ""), "unknown"),
        process=clean(info.get("run_id", "")),
        memory_used_bytes=number("used_memory"),
        memory_max_bytes=number("maxmemory"),
        operations_per_second=number("instantaneous_ops_per_sec"),
        cpu_seconds=round(cpu, 3),
        clients=number("connected_clients"),
        evicted_keys=number("evicted_keys"),
        aof=clean(info.get("aof_last_write_status", "?")) if number("aof_enabled") else "off",
        rdb=clean(info.get("rdb_last_bgsave_status", "?")),
    )


def _of_a_node(said: Any) -> float | None:
    """What no node says was written by hand, and would push everything else off the line."""
    number = _number(said)
    return number if number is not None and 0 <= number <= MOST else None


def _number(said: Any) -> float | None:
    try:
        number = math.nan if said is None else float(said)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
