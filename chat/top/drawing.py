"""The picture: a snapshot as lines, for a terminal of any size or for a pipe. It only computes."""

from collections.abc import Callable, Iterable, Sequence
from heapq import merge
from itertools import islice
from typing import Any

from chat.top.snapshot import NodeSeen, PoolSeen, RedisSeen, Snapshot
from chat.top.table import Line, Table
from chat.top.tables import NO_RIGHT, nearly_full, node_table, pool_table, server_table
from chat.top.words import UNKNOWN, many, rate, seconds, size

Item = tuple[str, str]
"""A style and a few words, which stay together on a line."""

LABEL = 8
"""Columns for the word that a line begins with."""
WAITERS = 5
"""So many of those who wait are shown, of all pools together."""
NO_NODE = "no node has a lease here: none runs, or is it another database?"


def draw(
    snapshot: Snapshot,
    width: int,
    height: int | None = None,
    *,
    where: str = "",
    trouble: str = "",
    foot: str = "",
) -> list[Line]:
    """No line is wider than ``width``, and with a ``height`` there are no more lines than that. ``where``
    is the address of Redis; ``trouble`` says what is wrong with the picture itself, ``foot`` ends it."""
    head = _title(snapshot, where)
    if trouble:
        head += _wrapped("!", [("bad", trouble)], width)
    head += _people(snapshot.pools, width)
    head += _rates(snapshot.nodes, width)
    tables: list[Table[Any]] = []
    if len(snapshot.servers) > 1:
        tables.append(server_table(snapshot.servers))
        for server in snapshot.servers:
            head += _evicted(server.redis, width, f"{server.server}: ")
    else:
        head += _redis(snapshot.redis, width)
    feet = [[], *_wrapped("", [("dim", foot)], width, label=0)] if foot else []
    waits = _waits(snapshot.pools, width)
    if len(snapshot.pools) + len(snapshot.missing) > 1:
        tables.append(pool_table(snapshot.pools, snapshot.missing, snapshot.servers))
    nodes = snapshot.nodes
    if nodes:
        tables.append(node_table(nodes, len(snapshot.pools)))
    nobody: list[Line] = []
    if not nodes:
        nobody = [[], *_wrapped("", [("bad", NO_NODE)], width, label=0)]
    room = None if height is None else height - len(head) - len(nobody) - len(waits) - len(feet)
    body = _tables(tables, width, room)
    return [_clipped(line, width) for line in [*head, *body, *nobody, *waits, *feet][:height]]


def _tables(tables: Sequence[Table[Any]], width: int, room: int | None) -> list[Line]:
    """With a line between them. Where there is not room for all rows, each table has its share of the lines, and what
    the short ones leave the others have."""
    rows: dict[str, int | None] = {table.title: None for table in tables}
    if room is not None:
        room -= 2 * len(tables)
        for left, table in zip(
            range(len(tables), 0, -1),
            sorted(tables, key=lambda table: len(table.rows)),
            strict=True,
        ):
            rows[table.title] = share = max(min(len(table.rows), room // left), 1)
            room -= share
    return [line for table in tables for line in ([], *table.draw(width, rows[table.title]))]


def as_text(lines: Iterable[Line]) -> str:
    """Without styles."""
    return "\n".join("".join(text for _, text in line).rstrip() for line in lines)


def _title(snapshot: Snapshot, where: str) -> list[Line]:
    time = snapshot.time[11:19]
    return [[("head", f"chat top  {time} UTC"), ("", f"  {where}" if where else "")]]


def _people(pools: Sequence[PoolSeen], width: int) -> list[Line]:
    def total(of: Callable[[PoolSeen], int]) -> int:
        return sum(map(of, pools))

    waiting = total(lambda pool: pool.waiting)
    longest = max([pool.longest_wait_seconds for pool in pools], default=0)
    items = [
        ("", f"{total(lambda pool: pool.online)} online"),
        ("", f"{total(lambda pool: pool.away)} away"),
        ("", many(total(lambda pool: pool.sessions), "session")),
        ("", f"{waiting} waiting" + (f", the longest {seconds(longest)}" if waiting else "")),
    ]
    return _wrapped("people", items, width)


def _rates(nodes: Sequence[NodeSeen], width: int) -> list[Line]:
    def total(of: Callable[[NodeSeen], float | None]) -> str:
        known = [number for number in map(of, nodes) if number is not None]
        return rate(sum(known)) if known else UNKNOWN

    listed = [node for node in nodes if node.gone_seconds is None]
    alive = sum(node.alive for node in listed)
    dead = len(listed) - alive
    items = [
        ("" if alive else "bad", f"{alive} alive"),
        ("bad" if dead else "", f"{dead} dead"),
        ("", f"{total(lambda node: node.messages_per_second)} messages/s"),
        ("", f"{total(lambda node: node.matches_per_second)} matches/s"),
        ("", f"{total(lambda node: node.commands_per_second)} commands/s"),
    ]
    return _wrapped("nodes", items, width)


def _redis(redis: RedisSeen | None, width: int) -> list[Line]:
    if redis is None:
        return _wrapped("redis", [("bad", NO_RIGHT)], width)
    bound, used = redis.memory_max_bytes, redis.memory_used_bytes
    memory = f"{size(used)} of {size(bound)}" if bound else f"{size(used)}, no bound"
    items = [
        ("", redis.version),
        ("" if redis.role == "primary" else "bad", redis.role),
        ("bad" if nearly_full(redis) else "", memory),
        ("", f"{redis.operations_per_second} ops/s"),
        *([("", f"CPU {redis.cpu_percent:.0f}%")] if redis.cpu_percent is not None else []),
        ("", many(redis.clients, "client")),
        ("bad" if redis.aof not in ("ok", "off") else "", f"AOF {redis.aof}"),
        ("bad" if redis.rdb != "ok" else "", f"RDB {redis.rdb}"),
    ]
    return [*_wrapped("redis", items, width), *_evicted(redis, width)]


def _evicted(redis: RedisSeen | None, width: int, where: str = "") -> list[Line]:
    if redis is None or not redis.evicted_keys:
        return []
    said = f"{where}{redis.evicted_keys} keys evicted: maxmemory-policy has to be noeviction"
    return _wrapped("!", [("bad", said)], width)


def _waits(pools: Sequence[PoolSeen], width: int) -> list[Line]:
    """The first of them: an id and how long, never a name."""
    queues = merge(*(pool.queue for pool in pools), key=lambda one: -one.waited_seconds)
    queue = list(islice(queues, WAITERS))
    if not queue:
        return []
    items = [("", f"{one.account} for {seconds(one.waited_seconds)}") for one in queue]
    if (more := sum(pool.waiting for pool in pools) - len(items)) > 0:
        items.append(("dim", f"and {more} more"))
    return [[], *_wrapped("waiting", items, width)]


def _wrapped(word: str, items: Sequence[Item], width: int, label: int = LABEL) -> list[Line]:
    """A word, and behind it items in as many lines as they need. An item that is wider than a line goes on
    in the next."""
    room = max(width - label, 1)
    lines: list[Line] = []
    used = room
    for style, words in items:
        for piece in _pieces(words, room):
            if lines and used + 3 + len(piece) <= room:
                lines[-1] += [("dim", " · "), (style, piece)]
                used += 3 + len(piece)
            else:
                lines.append([("dim", f"{'' if lines else word:<{label}}"), (style, piece)])
                used = len(piece)
    return lines


def _clipped(line: Line, width: int) -> Line:
    clipped = []
    for style, words in line:
        clipped.append((style, words if len(words) <= width else f"{words[: max(width - 1, 0)]}…"))
        if (width := width - len(words)) <= 0:
            break
    return clipped


def _pieces(words: str, room: int) -> list[str]:
    """At most ``room`` characters each, broken where there is a space."""
    pieces = []
    while len(words) > room:
        cut = words.rfind(" ", 0, room + 1)
        pieces.append(words[:cut] if cut > 0 else words[:room])
        words = words[cut + 1 :] if cut > 0 else words[room:]
    return [*pieces, words]
