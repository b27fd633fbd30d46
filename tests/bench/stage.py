"""One node and a Redis as a test of size needs them: who runs where, what they used, how late the node was."""

import asyncio
import http.client
import signal
import time
from contextlib import ExitStack

from tests.bench.lag import Lag
from tests.bench.meter import Cores, cpu_ns, on_core, rss_bytes, waited_ns
from tests.bench.run import redis_server
from tests.bench.systems import HIGH_LIMITS
from tests.support.nodes import NodeProcess

LOOK_SECONDS = 0.25
"""How often a node that ends is asked once more, because nobody knows which answer is its last."""


class Stage:
    """A Redis beside the driver, and a node with a core of its own, where there are two."""

    def __init__(self, stack: ExitStack, settings: dict[str, str]) -> None:
        self.cores = Cores.here()
        with on_core(self.cores.redis):
            self.server = stack.enter_context(redis_server(appendonly=False))
        stack.enter_context(on_core(self.cores.driver))
        self.node = NodeProcess(self.server.url, {**HIGH_LIMITS, **settings})
        stack.callback(self.node.close)
        self.start()

    def start(self) -> None:
        """The node, for the first time or again, at the same port."""
        with on_core(self.cores.nodes):
            self.node.start()

    async def restart(self) -> None:
        """The node is gone without a word, and started again."""
        self.node.kill()
        await asyncio.to_thread(self.start)

    async def lag(self) -> Lag:
        """Since the node began. Raises OSError or HTTPException where it does not answer."""
        _, text = await asyncio.to_thread(self.node.get, "/metrics", 5)
        return Lag.read(text)

    async def end(self) -> tuple[Lag, float, int]:
        """The node is told to go. The lag when it was last asked (it answers until the last socket is closed; after
        that nobody is there whom it could keep waiting), for how many seconds it still answered, and its exit code."""
        began = time.monotonic()
        self.node.signal(signal.SIGTERM)
        lag, seen = Lag(), 0.0
        while self.node.running:
            try:
                lag = await self.lag()
                seen = time.monotonic() - began
            except (OSError, http.client.HTTPException):
                pass  # it does not listen any more: it has nothing left but to end
            await asyncio.sleep(LOOK_SECONDS)
        return lag, seen, self.node.wait()

    def rss(self) -> int:
        """Bytes of the node."""
        return rss_bytes(self.node.pid)

    def memory(self) -> int:
        """Bytes that Redis has allocated."""
        with self.server.client(decode_responses=True) as client:
            return int(client.info("memory")["used_memory"])

    def node_cpu(self) -> int:
        """ns so far."""
        return cpu_ns(self.node.pid)


class Watch:
    """What was used, and how late the node was, from one moment on."""

    def __init__(self, stage: Stage, lag: Lag) -> None:
        self._stage, self._lag = stage, lag
        self._began, self._cpu = time.monotonic(), stage.node_cpu()
        self._waited = waited_ns(stage.node.pid)
        self._redis, self._own = cpu_ns(stage.server.pid), time.process_time_ns()

    @classmethod
    async def begin(cls, stage: Stage) -> "Watch":
        """From now on."""
        return cls(stage, await stage.lag())

    @property
    def seconds(self) -> float:
        """So far."""
        return time.monotonic() - self._began

    def shares(self) -> dict[str, float]:
        """In % of a core, so far: what of it each had for itself; and for how much of the time the node could have
        run, and others had its core: it is late then through no fault of its own."""
        took = self.seconds * 1e9
        return {
            "node_percent": (self._stage.node_cpu() - self._cpu) / took * 100,
            "node_waited_percent": (waited_ns(self._stage.node.pid) - self._waited) / took * 100,
            "redis_percent": (cpu_ns(self._stage.server.pid) - self._redis) / took * 100,
            "driver_percent": (time.process_time_ns() - self._own) / took * 100,
        }

    async def lag(self) -> Lag:
        """Since then."""
        return (await self._stage.lag()).since(self._lag)
