"""``chat top`` prints what is true of real nodes on a real Redis, where people talk."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.nodes import NO_LIMITS, ROOT, NodeProcess
from tests.support.process import wait_until
from tests.support.sentinels import flock
from tests.support.servers import Server
from tests.support.wire import Wire, pair
from tests.top.people import looked, ran, talking
from tests.top.terminal import environment

QUICK = {**NO_LIMITS, "CHAT_NODE_LEASE_SECONDS": "1", "CHAT_REDIS_TIMEOUT_SECONDS": "0.5"}
RATES = "messages_per_second", "commands_per_second"


async def seen(url: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What it says as soon as that is so: a node says anew how it stands with each lease."""
    async with asyncio.timeout(20):
        while not condition(pool := await asyncio.to_thread(looked, url)):
            pass
    return pool


def test_what_it_says_is_true(empty_server: Server) -> None:
    """Of two nodes, two who talk, one who waits, one who is away: as JSON and as a picture."""
    url = empty_server.url
    with NodeProcess(url, QUICK) as first, NodeProcess(url, QUICK) as second:

        async def scenario() -> None:
            alice, bob, session = await pair(first.url, second.url)
            carol, dave = await Wire.open(second.url), await Wire.open(second.url)
            await carol.create("Carol")
            await dave.create("Dave")
            assert (await carol.match())["code"] == 4
            dave.abort()

            def all_said(pool: dict[str, Any]) -> bool:
                nodes = pool["nodes"]
                sockets = sorted(node["sockets"] or 0 for node in nodes)
                return sockets == [1, 2] and any(node["messages_per_second"] for node in nodes)

            async with talking(alice, bob, session):
                pool = await seen(url, all_said)
            assert (pool["pool"], pool["online"], pool["away"]) == (0, 3, 1)
            assert (pool["sessions"], pool["waiting"]) == (1, 1)
            assert [one["account"] for one in pool["queue"]] == [carol.account_id]
            assert 0 < pool["longest_wait_seconds"] < 60
            assert 0 < pool["queue"][0]["waited_seconds"] < 60
            names = [node["node"] for node in pool["nodes"]]
            assert names == sorted(names)
            for node in pool["nodes"]:
                assert 0 < node["lease_seconds"] <= 1
                assert node["accounts"] == node["sockets"]
                assert node["version"]
                assert "gone_seconds" not in node, "one look cannot know"
            assert "cpu_percent" not in pool["redis"]
            assert all(sum(node[rate] for node in pool["nodes"]) > 0 for rate in RATES)
            assert pool["redis"]["role"] == "primary"
            assert pool["redis"]["clients"] >= 3
            assert pool["redis"]["aof"] == "off"
            assert pool["redis"]["memory_used_bytes"] > 0

            picture = ran("--redis-url", url, "--once").stdout
            assert "3 online · 1 away · 1 session · 1 waiting" in picture
            assert "2 alive · 0 dead" in picture
            assert f"\nwaiting {carol.account_id} for " in picture
            assert "Carol" not in picture
            assert all(f"\n{name} " in picture for name in names)

        asyncio.run(scenario())


def test_it_writes_nothing(empty_server: Server) -> None:
    """Only what reads is asked: a replica could answer too."""
    with NodeProcess(empty_server.url, NO_LIMITS), empty_server.client() as client:
        before = client.info("commandstats")
        ran("--redis-url", empty_server.url)
        after = client.info("commandstats")

    def calls(stats: dict[str, Any], name: str) -> int:
        return int(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"])

    assert calls(after, "fcall_ro") == calls(before, "fcall_ro") + 2
    assert calls(after, "function|load") == calls(before, "function|load")


def test_a_killed_node_is_dead(empty_server: Server) -> None:
    """Until another one has swept it; what it said of itself is not known any more."""
    url = empty_server.url
    long_lease = {**NO_LIMITS, "CHAT_NODE_LEASE_SECONDS": "300"}
    with NodeProcess(url, long_lease) as sweeper, NodeProcess(url, QUICK) as victim:
        wait_until(lambda: len(looked(url)["nodes"]) == 2, "both are seen")
        sweeper.freeze()
        victim.kill()
        wait_until(lambda: min(lease(url)) < 0, "the lease of one has run out")
        alive, dead = sorted(looked(url)["nodes"], key=lambda node: -node["lease_seconds"])
        assert alive["lease_seconds"] > 100
        assert (dead["sockets"], dead["version"]) == (None, None)
        picture = ran("--redis-url", url).stdout
        assert "1 alive · 1 dead" in picture
        assert any(
            line.startswith(dead["node"]) and " dead " in line for line in picture.splitlines()
        )
        sweeper.thaw()


def lease(url: str) -> list[float]:
    return [node["lease_seconds"] for node in looked(url)["nodes"]]


@pytest.mark.parametrize("what", ["--once", "--json"])
def test_a_pipe_that_nobody_reads(redis_server: Server, two_nodes: object, what: str) -> None:
    """As ``head`` leaves it behind: no word about it."""
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [sys.executable, "-m", "chat.cli", "top", "--redis-url", redis_server.url, what],
        env=environment(),
        cwd=ROOT,
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=30,
        check=False,
    )
    os.close(write)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_what_is_no_terminal_gets_one_picture(redis_server: Server, two_nodes: object) -> None:
    """The same with --once and without; no escape sequences, no key that ends it."""
    for arguments in ((), ("--once",), ("--every", "1")):
        ended = ran("--redis-url", redis_server.url, *arguments)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith("chat top  ")
        assert "\x1b" not in ended.stdout
        assert "q ends" not in ended.stdout
        assert max(map(len, ended.stdout.splitlines())) <= 120


def test_how_wide_it_may_be(redis_server: Server, two_nodes: object) -> None:
    """COLUMNS says it, as everywhere."""
    picture = ran("--redis-url", redis_server.url, env={"COLUMNS": "60"}).stdout
    assert max(map(len, picture.splitlines())) <= 60


def test_the_address_from_the_environment(redis_server: Server, two_nodes: object) -> None:
    """As for chat serve: the command line wins, and an empty value is none."""
    url = redis_server.url
    assert json.loads(ran("--json", env={"CHAT_REDIS_URL": url}).stdout)["pools"]
    wrong = {"CHAT_REDIS_URL": "redis://127.0.0.1:1"}
    assert json.loads(ran("--json", "--redis-url", url, env=wrong).stdout)["pools"]
    assert ran("--json", env={"CHAT_REDIS_URL": ""}).returncode == 2


def test_sentinels_say_where_to_look() -> None:
    """As for nodes; after a fail-over at the new primary. Where no sentinel knows any it says so."""
    with flock(replicas=1) as made, NodeProcess(made.url, NO_LIMITS):
        assert len(looked(made.url)["nodes"]) == 1
        old = made.primary
        old.kill()
        made.until_another_is_primary(old)
        pool = asyncio.run(seen(made.url, lambda pool: len(pool["nodes"]) == 1))
        assert pool["redis"]["role"] == "primary"
        for sentinel in made.sentinels:
            sentinel.kill()
        ended = ran("--redis-url", made.url, "--once")
        assert (ended.returncode, ended.stdout) == (1, "")
        (line,) = ended.stderr.splitlines()
        assert line.startswith("chat: cannot look at Redis at redis+sentinel://")
        assert "no sentinel" in line
