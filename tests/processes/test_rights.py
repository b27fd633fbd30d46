"""``chat serve`` with a user of Redis that may not do what a node does: told at once; a node that runs goes on."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from chat.store.cluster import FIRST_SECONDS
from tests.link.calls import allow
from tests.support.cluster import Cluster, cluster
from tests.support.nodes import NO_LIMITS, ROOT, NodeProcess
from tests.support.process import HOST, wait_until
from tests.support.servers import Server

USER, PASSWORD = "ada", "secret"
ALL = "~*", "&*", "+@all"
WAITING = {"CHAT_REPLICAS_TO_WAIT": "1"}


@pytest.fixture(scope="module")
def made() -> Iterator[Cluster]:
    """For all tests here: nothing happens to it."""
    with cluster(primaries=2, replicas=1) as one:
        yield one


def may(servers: list[Server], *rules: str) -> None:
    """The user may do that, and nothing else; who is logged in as another has to do it again."""
    for server in servers:
        with server.client() as client:
            client.acl_deluser(USER)
            allow(client, USER, f">{PASSWORD}", *rules)


def url_of(made: Cluster) -> str:
    return made.url.replace("://", f"://{USER}:{PASSWORD}@")


def refused(url: str, env: dict[str, str]) -> str:
    """What ``chat serve`` says before it ends as for any wrong setting, without having waited for anything."""
    inherited = {name: value for name, value in os.environ.items() if name[:5] != "CHAT_"}
    ended = subprocess.run(
        [sys.executable, "-m", "chat.cli", "serve", "--redis-url", url],
        env={**inherited, "CHAT_PORT": "0", **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert PASSWORD not in ended.stderr
    *before, last = ended.stderr.splitlines()
    if before:
        first = datetime.fromisoformat(json.loads(before[0])["time"])
        assert (datetime.now(UTC) - first).total_seconds() < FIRST_SECONDS
    assert last.startswith("chat: cannot use Redis")
    assert last.endswith("(k8s/base/users.acl has all rights that a node needs)")
    return last


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("-function|load", "'function|load'"),
        ("-fcall", "'fcall'"),
        ("-wait", "'wait'"),
        ("-info", "'info'"),
        ("-ssubscribe", "'ssubscribe'"),
        ("-spublish", "'spublish'"),
        ("resetchannels", "channels"),
        ("-zadd", "chat_1_lease"),
    ],
)
def test_a_right_is_missing_in_a_cluster(made: Cluster, rule: str, said: str) -> None:
    """Which one is told, and of a server that lacks it nothing is waited for."""
    may([*made.servers], *ALL, rule)
    assert said in refused(url_of(made), WAITING)


def test_a_right_is_missing_at_one_server_of_several(made: Cluster) -> None:
    """It is named: each has users of its own."""
    may([*made.servers], *ALL)
    lacking = made.primary_of(1)
    may([lacking], *ALL, "-function|load")
    assert lacking.address in refused(url_of(made), {"CHAT_POOLS": "2"})


@pytest.mark.parametrize(
    ("rule", "said"), [("-function|load", "'function|load'"), ("-zadd", "_lease")]
)
def test_a_right_is_missing_at_one_redis(redis_server: Server, rule: str, said: str) -> None:
    """The same, also of what is done within a function."""
    with Server(redis_server.kind) as server:
        may([server], *ALL, rule)
        assert said in refused(f"redis://{USER}:{PASSWORD}@{HOST}:{server.port}", {})


def test_a_right_is_taken_from_a_node_that_runs(made: Cluster) -> None:
    """It says so and goes on, and is ready again when it has it again."""
    may([*made.servers], *ALL)
    with NodeProcess(url_of(made), {**NO_LIMITS, "CHAT_NODE_LEASE_SECONDS": "4"}) as node:
        may([*made.servers], *ALL, "-function|load")  # which ends its connections
        wait_until(lambda: "NOPERM" in node.log(), "it is told", timeout=20)
        wait_until(lambda: not node.ready(), "it is not ready", timeout=20)
        may([*made.servers], *ALL)
        wait_until(node.ready, "it is ready", timeout=20)
        assert node.running
