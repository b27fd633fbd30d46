"""``metrics``: each figure is where its name says, on a node of which every figure is another number."""

from types import SimpleNamespace
from typing import cast

from prometheus_client.parser import text_string_to_metric_families

from chat.commands import Dialogue, Match
from chat.counts import Counts
from chat.errors import Close, Code
from chat.metrics import LIMITS, Metrics
from chat.node import Node, Standing
from chat.store.figures import Figures

FIGURES = Figures(accounts=100, away=11, sessions=12, waiting=13, longest_ms=14_500, nodes=15)


def series(counts: Counts, open_calls: int | None = 7, **links: bool) -> dict[str, float]:
    """By name and labels, as they are written. ``links`` are p0, p1, ..."""
    up = {int(pool[1:]): there for pool, there in links.items()} or {0: open_calls is not None}
    standing = Standing(
        ready=True,
        sockets=5,
        accounts=4,
        open_calls=open_calls,
        links=up,
        pools={pool: FIGURES._replace(sessions=12 + pool) for pool, there in up.items() if there},
    )
    node = SimpleNamespace(name="node-1", counts=counts, standing=lambda: standing)
    text, _ = Metrics(cast(Node, node)).exposition("")
    return {
        " ".join(
            [sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))]
        ): (sample.value)
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name.startswith("chat_")
    }


def shown(found: dict[str, float], **expected: float) -> None:
    assert {name: found[f"chat_{name}"] for name in expected} == expected


def counted() -> Counts:
    counts = Counts()
    counts.opened, counts.gaps_filled, counts.replayed = 21, 22, 23
    counts.reconnects, counts.sweeps = 24, 25
    counts.swept.update(away=26, ended=27)
    counts.closed.update({Close.TOO_SLOW: 28, Close.NO_ACCOUNT: 29, 3999: 30, 0: 1})
    counts.limits.update({limit: 40 + at for at, limit in enumerate(LIMITS)})
    for histogram, times in (counts.match_wait, 2), (counts.pushes, 3), (counts.lag, 4):
        for _ in range(times):
            histogram.observe(0.2)
    counts.pushes.observe(99)
    for code, times in (Code.SUCCESS, 5), (Code.INTERNAL, 6), (Code.LOST, 7):
        for _ in range(times):
            counts.answered(Dialogue, code, 0.002)
    return counts


def test_how_a_node_and_its_pool_stand() -> None:
    """Times in seconds, and those who are online are not those who are away."""
    found = series(Counts())
    shown(found, ready=1, sockets=5, accounts=4, link_up=1, link_open_calls=7)
    assert found["chat_pool_accounts pool=0 state=online"] == 89
    assert found["chat_pool_accounts pool=0 state=away"] == 11
    assert found["chat_pool_sessions pool=0"] == 12
    assert found["chat_pool_waiting pool=0"] == 13
    assert found["chat_pool_longest_wait_seconds pool=0"] == 14.5
    assert found["chat_pool_nodes pool=0"] == 15
    assert found["chat_pool_link_up pool=0"] == 1


def test_a_node_without_a_link_says_nothing_of_the_pool() -> None:
    """What it knows is of its last lease, and may be of long ago."""
    found = series(Counts(), open_calls=None)
    shown(found, link_up=0, link_open_calls=0)
    of_pools = {name: value for name, value in found.items() if name.startswith("chat_pool_")}
    assert of_pools == {"chat_pool_link_up pool=0": 0}


def test_each_pool_has_its_own_series() -> None:
    """Also where one of them cannot be reached: of that it is said, and nothing else."""
    found = series(Counts(), p0=True, p1=False, p7=True)
    shown(found, link_up=1)
    assert [found[f"chat_pool_link_up pool={pool}"] for pool in (0, 1, 7)] == [1, 0, 1]
    assert found["chat_pool_sessions pool=0"] == 12
    assert found["chat_pool_sessions pool=7"] == 19
    assert found["chat_pool_accounts pool=7 state=away"] == 11
    assert [name for name in found if "pool=1" in name] == ["chat_pool_link_up pool=1"]


def test_what_a_node_has_counted() -> None:
    """Nothing under another's name."""
    found = series(counted())
    shown(
        found,
        sockets_opened_total=21,
        gaps_filled_total=22,
        replayed_pushes_total=23,
        link_reconnects_total=24,
        sweeps_total=25,
        match_wait_seconds_count=2,
        matches_total=2,
        push_seconds_count=4,
        event_loop_lag_seconds_count=4,
        messages_total=5,
    )
    assert found["chat_swept_accounts_total outcome=away"] == 26
    assert found["chat_swept_accounts_total outcome=ended"] == 27
    assert found["chat_sockets_closed_total code=4002"] == 28
    assert found["chat_sockets_closed_total code=4004"] == 29
    assert found["chat_sockets_closed_total code=other"] == 31
    assert found["chat_limits_hit_total limit=unread_bytes"] == 28
    assert found["chat_limits_hit_total limit=handshake_seconds"] == 29
    for at, limit in enumerate(LIMITS):
        assert found[f"chat_limits_hit_total limit={limit}"] == 40 + at
    for code, times in ("0", 5), ("2", 6), ("closed", 7):
        labels = f"code={code} command=dialogue"
        assert found[f"chat_command_seconds_count {labels}"] == times
        assert round(found[f"chat_command_seconds_sum {labels}"], 6) == 0.002 * times


def test_a_bucket_holds_those_below_it() -> None:
    """What is beyond the last bound is in +Inf alone."""
    found = series(counted())
    for histogram, quick, slow in ("push", 3, 1), ("event_loop_lag", 4, 0):
        name = f"chat_{histogram}_seconds"
        assert found[f"{name}_bucket le=0.1"] == 0
        assert found[f"{name}_bucket le=0.25"] == found[f"{name}_bucket le=2.5"] == quick
        assert found[f"{name}_bucket le=+Inf"] == quick + slow


def test_what_may_come_is_there_from_the_start() -> None:
    """Or the first of it would be no change: answers, limits, close codes."""
    before, after = series(Counts()), series(counted())
    new = {name for name in after.keys() - before.keys() if "_bucket" not in name}
    assert new == {
        f"chat_command_seconds_{part} code=closed command=dialogue" for part in ("count", "sum")
    }
    for command in "create", "reconnect", "match", "match_cancel", "dialogue", "viewed", "leave":
        for code in "0", "2":
            assert before[f"chat_command_seconds_count code={code} command={command}"] == 0
    counts = Counts()
    counts.answered(Match, Code.SUCCESS, 0.1)
    assert series(counts).keys() == before.keys()
