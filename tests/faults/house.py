"""The real parts of a trial: nodes, what they stand on, and between them proxies that can misbehave."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Self

from tests.faults.grounds import Ground
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import wait_until
from tests.support.servers import Server

LEASE_SECONDS = 4.0
"""As many time-outs as with the defaults, nearly: a Redis that stands still for one must not cost a node
its lease, on a slow machine either."""
TIMEOUT_SECONDS = 1.0
GRACE_SECONDS = 20.0
DRAIN_SECONDS = 2.0

EMPTY: Mapping[str, str] = {}
SETTINGS: Mapping[str, str] = {
    **NO_LIMITS,
    "CHAT_NODE_LEASE_SECONDS": f"{LEASE_SECONDS:g}",
    "CHAT_REDIS_TIMEOUT_SECONDS": f"{TIMEOUT_SECONDS:g}",
    "CHAT_GRACE_SECONDS": f"{GRACE_SECONDS:g}",
    "CHAT_DRAIN_SECONDS": f"{DRAIN_SECONDS:g}",
    "CHAT_PING_INTERVAL_SECONDS": "5",
    "CHAT_PING_TIMEOUT_SECONDS": "10",
}


class House:
    """``async with House(3, 16, OneRedis())``: nodes for so many people."""

    def __init__(
        self, nodes: int, people: int, ground: Ground, settings: Mapping[str, str] = EMPTY
    ) -> None:
        self._number = nodes
        self._settings = {**SETTINGS, **ground.settings(people), **settings}
        self._stack = contextlib.AsyncExitStack()
        self.ground = ground
        self.nodes: list[NodeProcess] = []

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self.ground)
            for number in range(self._number):
                node = NodeProcess(await self.ground.way(), self._settings)
                node.site = self.ground.site(number)
                stack.callback(node.close)
                node.launch()
                self.nodes.append(node)
            for node in self.nodes:
                await asyncio.to_thread(node.wait_ready)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]

    def memory(self) -> int:
        """Of all nodes that run, in bytes."""
        return sum(node.rss() for node in self.nodes if node.running)

    def left_over(self) -> list[str]:
        """Keys of people who are gone. What may stay: the counters, the nodes' leases, and what has an
        hour or a minute to live. And the counters of what there is, where they say that it is something."""
        return sorted(key for server in self.ground.primaries for key in _left_over(server))

    async def until(self, condition: Callable[[], object], what: str, timeout: float = 30) -> None:
        """The event loop, with the people in it, goes on meanwhile."""
        await asyncio.to_thread(wait_until, condition, what, timeout=timeout)

    def said(self, words: str) -> bool:
        """Whether a node has logged that."""
        return any(words in node.log() for node in self.nodes)

    def tracebacks(self) -> Iterator[str]:
        for node in self.nodes:
            log = node.log()
            if "Traceback" in log:
                yield log


def _left_over(server: Server) -> Iterator[str]:
    with server.client(decode_responses=True) as client:
        for key in client.scan_iter("*", count=1000):
            name = key.partition("}:")[2]
            if name in ("last", "nodes", "pools") or client.ttl(key) >= 0:
                continue
            if name != "open" or set(client.hvals(key)) != {"0"}:
                yield key
