"""Fixtures: two nodes behind a balancer, with Chromium before it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from tests.conftest import Nodes
from tests.support.balancer import Nginx, find
from tests.support.browser import chromium
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.servers import Server, available_servers

# A short grace time, so that what happens after it can be waited for; long enough for a reload.
QUICK = {**NO_LIMITS, "CHAT_GRACE_SECONDS": "6", "CHAT_NODE_LEASE_SECONDS": "3"}


@dataclass(frozen=True, slots=True)
class House:
    """Two nodes of one Redis, and the address that people know."""

    server: Server
    nodes: Nodes
    balancer: Nginx

    @property
    def http(self) -> str:
        return self.balancer.http

    def homes(self) -> list[str]:
        """The nodes that hold somebody, by name."""
        with self.server.client(decode_responses=True) as client:
            accounts = client.keys("chat:{0}:account:*")
            return sorted({str(client.hget(account, "node")) for account in accounts})


@pytest.fixture(autouse=True)
def _browser() -> None:
    if chromium() is None or find("nginx") is None:
        pytest.skip("there is no Chromium, or no nginx, on this machine")


@pytest.fixture
def house() -> Iterator[House]:
    """New for each test, so that nobody waits from the last one, and everything may be broken."""
    with open_house() as house:
        yield house


@contextmanager
def open_house() -> Iterator[House]:
    """Starts a Redis, two nodes and a balancer."""
    with Server(available_servers()[0]) as server:
        first, second = NodeProcess(server.url, QUICK), NodeProcess(server.url, QUICK)
        try:
            first.launch()
            second.launch()
            first.wait_ready()
            second.wait_ready()
            with Nginx((first, second)) as balancer:
                yield House(server, (first, second), balancer)
        finally:
            first.close()
            second.close()
