"""The picture as a function of what is known, and of the room that there is."""

from dataclasses import replace

import pytest

from chat.top.drawing import as_text, draw
from chat.top.history import GONE_SECONDS, History
from chat.top.reading import node_seen, redis_seen
from chat.top.snapshot import (
    Missing,
    NodeSeen,
    PoolSeen,
    RedisSeen,
    ServerSeen,
    Snapshot,
    Waiter,
)
from chat.top.table import Line
from chat.top.words import count, many, rate, seconds, shorten, size

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


def test_a_picture() -> None:
    """All of it, where there is room."""
    lines = draw(snapshot(NODE, DEAD), 100, where="redis://10.0.0.5:6379/0", foot="q ends")
    assert as_text(lines).splitlines() == [
        "chat top  12:30:15 UTC  redis://10.0.0.5:6379/0",
        "people  1234 online · 12 away · 600 sessions · 7 waiting, the longest 12 s",
        "nodes   1 alive · 1 dead · 12.3 messages/s · 1.0 matches/s · 20.0 commands/s",
        "redis   Redis 7.0.15 · primary · 1.6 MiB, no bound · 146 ops/s · 3 clients · AOF ok · RDB ok",
        "",
        "NODE       UP       LEASE SOCKETS ACCOUNTS  MSG/S  CMD/S MATCH/S LAG ms   VERSION",
        "node-a    3 h         7 s     123      120   12.3   20.0     1.0      3     0.1.0",
        "node-b      -   dead 12 s       -        5      -      -       -      -         -",
        "",
        "waiting 3000 for 12 s · 4000 for 1 s · and 5 more",
        "",
        "q ends",
    ]
    assert bad(lines).splitlines()[0] == "1 dead"
    assert bad(lines).splitlines()[1].startswith("node-b ")


@pytest.mark.parametrize("width", [*range(1, 20), 33, 40, 60, 79, 80, 120, 200])
@pytest.mark.parametrize("height", [1, 2, 5, 10, 24, 40, None])
def test_it_never_leaves_its_place(width: int, height: int | None) -> None:
    """Whatever the size, and however long the names."""
    nodes = [replace(NODE, node=f"a-very-long-host-name-{at:02}-0123abcd") for at in range(30)]
    redis = replace(REDIS, evicted_keys=3, version="R" * 50, aof="err")
    lines = draw(
        snapshot(*nodes, DEAD, redis=redis),
        width,
        height,
        where="redis://" + "h" * 80,
        trouble="no answer from Redis for 5 s: " + "x" * 90,
        foot="every 2 s, q ends",
    )
    assert max(len(line) for line in as_text(lines).splitlines()) <= width
    if height is not None:
        assert len(lines) <= height


def test_a_narrow_terminal_keeps_what_matters() -> None:
    """The version goes first; who lives, and how much is said, stays."""

    def heading(width: int) -> str:
        name = replace(NODE, node="vm-0123456789-abcdef")
        return next(row for row in picture(snapshot(name), width).splitlines() if "NODE" in row)

    assert "VERSION" in heading(100)
    assert heading(80).split()[1:] == [
        "UP",
        "LEASE",
        "SOCKETS",
        "ACCOUNTS",
        "MSG/S",
        "CMD/S",
        "MATCH/S",
        "LAG",
        "ms",
    ]
    assert heading(60).split() == ["NODE", "LEASE", "SOCKETS", "ACCOUNTS", "MSG/S", "LAG", "ms"]
    assert heading(40).split() == ["NODE", "LEASE", "SOCKETS"]


def test_more_nodes_than_lines() -> None:
    """The last line says how many, and whether they are well. Nothing else is pushed out."""
    nodes = [replace(NODE, node=f"node-{at:02}") for at in range(40)]
    rows = picture(snapshot(*nodes), 80, 24).splitlines()
    assert len(rows) == 24
    shown = [row for row in rows if row.startswith("node-")]
    assert f"… and {40 - len(shown)} more" in rows
    assert rows[-1].startswith("waiting 3000")
    assert "dead or gone" in picture(snapshot(*nodes, replace(DEAD, node="z")), 80, 24)
    assert "more\n" not in picture(snapshot(*nodes), 80)


def test_long_names_are_shortened_in_the_middle() -> None:
    """Both ends tell which one it is."""
    long = replace(NODE, node="chat-node-7d9f8b6c5-x2x4z-1a2b3c4d")
    row = picture(snapshot(long), 80).splitlines()[-3]
    assert row.startswith("chat-…-1a2b3c4d ")
    assert picture(snapshot(long), 120).splitlines()[-3].startswith(long.node)


def test_nobody_and_nothing() -> None:
    """No node, or an empty database of a Redis that nodes use elsewhere."""
    lines = draw(Snapshot("2026-05-01T12:30:15Z", [EMPTY], REDIS), 100)
    text = as_text(lines)
    assert "0 online · 0 away · 0 sessions · 0 waiting" in text
    assert "0 alive · 0 dead · - messages/s" in text
    assert "no node has a lease here: none runs, or is it another database?" in bad(lines)


def test_a_node_that_says_nothing_of_itself() -> None:
    """One of an older release lives as well."""
    row = picture(snapshot(replace(DEAD, lease_seconds=5.0))).splitlines()[6]
    assert row.split() == ["node-b", "-", "5", "s", "-", "5", "-", "-", "-", "-", "-"]


def test_what_needs_somebody_is_marked() -> None:
    """Memory, keys that were thrown away, what could not be written, a replica."""

    def marked(**changes: object) -> str:
        return bad(draw(snapshot(NODE, redis=replace(REDIS, **changes)), 100))  # type: ignore[arg-type]

    assert marked() == ""
    assert marked(memory_max_bytes=2_000_000_000) == ""
    assert marked(memory_max_bytes=1_800_000) == "1.6 MiB of 1.7 MiB"
    assert marked(evicted_keys=12).startswith("12 keys evicted")
    assert marked(aof="err") == "AOF err"
    assert marked(aof="off") == ""
    assert marked(rdb="err") == "RDB err"
    assert marked(role="replica") == "replica"
    assert "+info" in bad(draw(snapshot(NODE, redis=None), 100))


NOWHERE = Missing(4, "10.0.0.6:6379", "no answer for 2 s")
SERVERS = [
    ServerSeen("10.0.0.5:6379", [0], REDIS),
    ServerSeen("10.0.0.6:6379", [4], None, "no answer for 2 s"),
    ServerSeen(
        "10.0.0.7:6379", [7], replace(REDIS, memory_max_bytes=2_000_000_000, cpu_percent=7.4)
    ),
]


def several(*nodes: NodeSeen) -> Snapshot:
    """Two pools, and one that cannot be looked at."""
    other = replace(POOL, pool=7, nodes=nodes, queue=[Waiter(3007, 5.0)])
    pools = [replace(POOL, nodes=nodes), other]
    return Snapshot("2026-05-01T12:30:15Z", pools, REDIS, SERVERS, [NOWHERE])


def test_several_pools_on_several_servers() -> None:
    """Sums above, a line for each server and each pool, and each node once."""
    lines = draw(several(NODE, DEAD), 100, where="redis+cluster://10.0.0.5:6379", foot="q ends")
    assert as_text(lines).splitlines() == [
        "chat top  12:30:15 UTC  redis+cluster://10.0.0.5:6379",
        "people  2468 online · 24 away · 1200 sessions · 14 waiting, the longest 12 s",
        "nodes   1 alive · 1 dead · 12.3 messages/s · 1.0 matches/s · 20.0 commands/s",
        "",
        "REDIS               VERSION    ROLE POOLS   MEMORY       OF  OPS/S  CPU CLIENTS AOF RDB",
        "10.0.0.5:6379  Redis 7.0.15 primary     1  1.6 MiB no bound    146    -       3  ok  ok",
        "10.0.0.6:6379  no answer for 2 s",
        "10.0.0.7:6379  Redis 7.0.15 primary     1  1.6 MiB  1.9 GiB    146   7%       3  ok  ok",
        "",
        "POOL ACCOUNTS  ONLINE    AWAY SESSIONS WAITING LONGEST        SERVER",
        "0        1246    1234      12      600       7    12 s 10.0.0.5:6379",
        "4     10.0.0.6:6379: no answer for 2 s",
        "7        1246    1234      12      600       7    12 s 10.0.0.7:6379",
        "",
        "NODE       UP   POOLS       LEASE SOCKETS ACCOUNTS  MSG/S  CMD/S MATCH/S LAG ms   VERSION",
        "node-a    3 h     2/2         7 s     123      240   12.3   20.0     1.0      3     0.1.0",
        "node-b      -     0/2   dead 12 s       -       10      -      -       -      -         -",
        "",
        "waiting 3000 for 12 s · 3007 for 5 s · 4000 for 1 s · and 11 more",
        "",
        "q ends",
    ]
    assert [line.split()[0] for line in bad(lines).splitlines()] == [
        "1",  # dead
        "10.0.0.6:6379",
        "4",
        "node-b",
    ]


def test_several_pools_on_one_server() -> None:
    """The server has its line as ever, and pools do not say where they are."""
    text = picture(replace(several(NODE), servers=SERVERS[:1], missing=[]))
    assert "\nredis   Redis 7.0.15 · primary" in text
    assert "\nREDIS" not in text
    assert "SERVER" not in text
    assert text.count("\nPOOL ") == 1


def test_one_pool_of_which_another_server_is_asked_nothing() -> None:
    """A cluster with one pool looks like one Redis."""
    assert picture(replace(snapshot(NODE), servers=SERVERS[:1])) == picture(snapshot(NODE))


def test_a_node_that_is_not_in_all_pools() -> None:
    """Of another release, or without a link to one of the servers: it is marked; what it says last counts, and the
    worst of its leases."""
    behind = replace(NODE, lease_seconds=1.0, sockets=99)
    seen = several(NODE)
    pools = [*seen.pools, replace(POOL, pool=8, nodes=[replace(behind, node="node-c"), behind])]
    lines = draw(replace(seen, pools=pools), 100)
    (row,) = [row for row in as_text(lines).splitlines() if row.startswith("node-a")]
    assert row.split()[:8] == ["node-a", "3", "h", "3/3", "1", "s", "123", "360"]
    assert bad(lines).splitlines()[-1].startswith("node-c")
    assert " 1/3 " in bad(lines)


@pytest.mark.parametrize("width", [*range(1, 20), 33, 40, 60, 79, 80, 120, 200])
@pytest.mark.parametrize("height", [1, 2, 5, 10, 24, 40, None])
def test_many_pools_and_servers_do_not_leave_their_place(width: int, height: int | None) -> None:
    """Whatever the size."""
    nodes = [replace(NODE, node=f"a-very-long-host-name-{at:02}-0123abcd") for at in range(30)]
    pools = [replace(POOL, pool=at, nodes=nodes) for at in range(40)]
    servers = [replace(SERVERS[0], server=f"redis-{at}.redis.chat.svc:6379") for at in range(20)]
    missing = [Missing(at, "host" * 20, "words " * 40) for at in range(40, 50)]
    seen = Snapshot("2026-05-01T12:30:15Z", pools, REDIS, servers, missing)
    lines = draw(seen, width, height, where="redis://" + "h" * 80, trouble="x" * 90, foot="q ends")
    assert max(map(len, as_text(lines).splitlines())) <= width
    if height is not None:
        assert len(lines) <= height


def test_tables_share_the_lines_there_are() -> None:
    """A short one is whole, and what it leaves the others have; what is hidden and not well is counted."""
    nodes = [replace(NODE, node=f"node-{at:02}") for at in range(30)]
    pools = [replace(POOL, pool=at, nodes=nodes) for at in range(30)]
    seen = Snapshot("2026-05-01T12:30:15Z", pools, REDIS, SERVERS, [replace(NOWHERE, pool=40)])
    rows = picture(seen, 100, 30).splitlines()
    assert len(rows) == 30
    assert [len([row for row in rows if row.startswith(name)]) for name in ("10.", "node-")] == [
        3,
        7,
    ]
    more = [row for row in rows if row.startswith("…")]
    assert more == ["… and 24 more, 1 of them without an answer", "… and 23 more"]
    assert rows[-1].startswith("waiting ")
    few = picture(replace(seen, pools=pools[:2]), 100, 30).splitlines()
    assert len(few) == 30
    assert len([row for row in few if row.startswith("node-")]) > 10


def test_use_of_the_processor_is_that_between_two_looks() -> None:
    """Unknown at the first, and where another process answers."""
    history = History()

    def look(cpu: float, at: float, process: str = "p1") -> float | None:
        seen = snapshot(NODE, redis=replace(REDIS, cpu_seconds=cpu, process=process))
        redis = history.add(seen, at).redis
        assert redis is not None
        return redis.cpu_percent

    assert look(5.0, 100.0) is None
    assert look(5.5, 102.0) == pytest.approx(25)
    assert look(0.1, 104.0, "p2") is None
    assert look(0.1, 106.0, "p2") == 0
    assert "CPU 0%" in picture(
        history.add(snapshot(redis=replace(REDIS, cpu_seconds=0.1, process="p2")), 108.0)
    )


def test_use_of_several_processors() -> None:
    """Each server's own, also where one has not answered meanwhile."""
    history = History()

    def look(cpu: float, at: float, *servers: str) -> list[float | None]:
        redis = replace(REDIS, cpu_seconds=cpu)
        seen = replace(snapshot(NODE), servers=[ServerSeen(one, [0], redis) for one in servers])
        found = history.add(seen, at).servers
        return [one.redis.cpu_percent for one in found if one.redis is not None]

    assert look(5.0, 100.0, "a", "b") == [None, None]
    assert look(6.0, 102.0, "a") == [50]
    assert look(7.0, 104.0, "a", "b") == [50, None]


def test_a_node_that_was_there_is_gone_for_a_while() -> None:
    """Whether it was killed and swept, or left: whoever looks on sees that there was one."""
    history = History()
    history.add(snapshot(NODE, replace(NODE, node="node-b")), 100.0)
    gone = history.add(snapshot(NODE), 112.0)
    text = picture(gone)
    assert "node-b      -   gone 12 s       -        -" in text
    assert "1 alive · 0 dead" in text
    assert "gone" not in picture(history.add(snapshot(NODE), 100.0 + GONE_SECONDS + 1))
    assert "gone" not in picture(history.add(snapshot(NODE, DEAD), 200.0))


def test_what_a_node_says_may_be_strange() -> None:
    """Nothing that a terminal would obey, and no number where there is none."""
    seen = node_seen(
        "n\x1b[2J", {"lease": 5000, "accounts": 1, "sockets": b"x", "version": b"\x07"}
    )
    assert (seen.node, seen.sockets, seen.version) == ("n�[2J", None, "�")
    for lag in b"nan", b"inf", b"1e300", b"-1":
        assert node_seen("n", {"lease": 1, "accounts": 0, "lag": lag}).lag_ms is None


def test_a_server_may_say_little() -> None:
    """What it leaves out is 0 or unknown."""
    assert redis_seen({}).version == "Redis ?"
    assert (
        redis_seen({"valkey_version": "9.1.2", "redis_version": "7.2.4"}).version == "Valkey 9.1.2"
    )
    assert redis_seen({"aof_enabled": "1", "aof_last_write_status": "err"}).aof == "err"
    assert redis_seen({"role": "slave"}).role == "replica"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([count(number) for number in (None, 0, 99_999, 123_456, 12_345_678)], "- 0 99999 123k 12M"),
        ([rate(number) for number in (None, 0.0, 0.3, 99.94, 99.96, 9999, 12_345, 1e6)], "- 0 0.3 99.9 100 9999 12.3k 1.0M"),
        ([seconds(number) for number in (None, 0.9, 99, 100, 5999, 6000, 400_000)], "- 0 s 99 s 1 min 99 min 1 h 4 d"),
        ([size(number) for number in (5, 1e3, 1024, 1e6, 5e6, 5e8, 2**31, 2**42, 2**52)], "5.0 B 1000 B 1.0 KiB 977 KiB 4.8 MiB 477 MiB 2.0 GiB 4.0 TiB 4096 TiB"),
        ([many(1, "client"), many(0, "client")], "1 client 0 clients"),
        ([shorten("0123456789abcdef", width) for width in (16, 12, 5, 3)], "0123456789abcdef 012…89abcdef 0…def 012"),
    ],
)  # fmt: skip
def test_numbers_are_short(said: list[str], expected: str) -> None:
    """So that columns are narrow."""
    assert " ".join(said) == expected
