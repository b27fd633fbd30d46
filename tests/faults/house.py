"""The real parts of a trial: a Redis, nodes, and between them proxies that can misbehave."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Self

from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import HOST, wait_until
from tests.support.proxy import Proxy
from tests.support.servers import Server, available_servers

LEASE_SECONDS = 4.0
"""As many time-outs as with the defaults, nearly: a Redis that stands still for one must not cost a node
its lease, on a slow machine either."""
TIMEOUT_SECONDS = 1.0
GRACE_SECONDS = 20.0
DRAIN_SECONDS = 2.0

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
    """``async with House(3)``: nodes on a Redis that writes everything down before it answers."""

    def __init__(self, nodes: int, settings: Mapping[str, str], *, keeps: bool = True) -> None:
        self._number = nodes
        self._settings = {**SETTINGS, **settings}
        self._stack = contextlib.AsyncExitStack()
        self.server = Server(available_servers()[0], appendonly=keeps)
        self.proxies: list[Proxy] = []
        self.nodes: list[NodeProcess] = []

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self.server.close)
            await asyncio.to_thread(self.server.start)
            for _ in range(self._number):
                proxy = await stack.enter_async_context(Proxy(self.server.port))
                self.proxies.append(proxy)
                node = NodeProcess(f"redis://{HOST}:{proxy.port}/0", self._settings)
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
        with self.server.client(decode_responses=True) as client:
            return sorted(
                key
                for key in client.scan_iter("*")
                if key not in ("chat:{0}:last", "chat:{0}:nodes") and client.ttl(key) < 0
                if key != "chat:{0}:open" or set(client.hvals(key)) != {"0"}
            )

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
