"""The picture of several pools, on one server or on several."""

from dataclasses import replace

import pytest

from chat.top.drawing import as_text, draw
from chat.top.snapshot import Missing, NodeSeen, ServerSeen, Snapshot, Waiter
from tests.top.seen import DEAD, NODE, POOL, REDIS, bad, picture, snapshot

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
