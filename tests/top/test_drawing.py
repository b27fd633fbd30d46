"""The picture as a function of what is known, and of the room that there is (several pools: test_drawing_pools)."""

from dataclasses import replace

import pytest

from chat.top.drawing import as_text, draw
from chat.top.snapshot import Snapshot
from tests.top.seen import DEAD, EMPTY, NODE, REDIS, bad, picture, snapshot


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
