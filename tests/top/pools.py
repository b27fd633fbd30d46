"""Nodes with several pools, and what ``chat top`` says of them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.cluster import Cluster
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.servers import Server
from tests.support.wire import Wire
from tests.top.people import ran

POOLS = {
    **NO_LIMITS,
    "CHAT_POOLS": "3",
    "CHAT_POOL_ACCOUNTS": "2",
    "CHAT_NODE_LEASE_SECONDS": "2",
    "CHAT_REDIS_TIMEOUT_SECONDS": "0.5",
}

PATIENT = "--cluster-node-timeout", "10000"
"""So that one of three goes on for a while when two stand still."""

Place = tuple[Cluster, NodeProcess]


def looked_at(url: str) -> dict[str, Any]:
    ended = ran("--redis-url", url, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def ask(server: Server, command: str, *args: Any) -> Any:
    """The plain reply."""
    with server.client() as client:
        client.response_callbacks.clear()
        return client.execute_command(*command.split(), *args)


def by_pool(said: Mapping[str, Any], name: str) -> dict[int, Any]:
    return {pool["pool"]: pool[name] for pool in said["pools"]}


def whole(made: Cluster) -> bool:
    """As chat top sees it."""
    said = looked_at(made.url)
    return len(said["pools"]) == 3 and len(said["servers"]) == 3


async def people(node: NodeProcess, number: int) -> list[Wire]:
    wires = [await Wire.open(node.url) for _ in range(number)]
    for wire in wires:
        await wire.create("Somebody")
    return wires
