"""A node on a store that is none, in a time that the test makes."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import pytest

from chat import lease
from chat import node as module
from chat.config import Settings
from chat.connection import Connection
from chat.errors import Code
from chat.node import Node
from chat.store.library import Generations
from chat.store.pools import Pools
from chat.store.upkeep import Leased
from tests.unit.fake_inboxes import FakeInboxes
from tests.unit.fake_socket import FakeTransport

LEASE = 10


class FakeStore(FakeInboxes):
    """Answers at once, as long as it is not ``down``; keeps what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.pools = Pools(1, 100)
        self.pools.add(0)
        self.upkeep = self
        self.moving = None  # nobody moves here
        self.leased = Leased.KEPT
        self.sweeps = 0
        self.unlinked = False
        self.presses: set[int] = set()
        self.current = Generations().current
        self.astray: set[int] = set()
        """Pools to which there is no link."""
        self.swept: list[tuple[int, int]] = []
        """What the next sweeps find."""
        self.holds: dict[int, int] | None = {}
        self.looked: list[int] = []
        """Pools in which it was asked what the node holds."""
        self.detached: list[tuple[int, int]] = []
        self.acks: list[tuple[int, int, int, int]] = []
        self.down = False

    async def start(self) -> None:
        pass

    def check_rights(self) -> None:
        pass

    def open_calls(self) -> int | None:
        return None if self.unlinked else 0

    def pressed(self, pool: int) -> bool:
        return pool in self.presses

    def linked(self, pool: int) -> bool:
        return not self.unlinked and pool not in self.astray

    async def look_for_pools(self) -> None: ...

    async def lease(self, pool: int, report: Mapping[str, str]) -> Leased:
        return self.leased

    async def sweep(self, pool: int, batch: int) -> tuple[int, int]:
        self.sweeps += 1
        return self.swept.pop(0) if self.swept else (0, 0)

    async def held(self, pool: int) -> dict[int, int] | None:
        self.looked.append(pool)
        return self.holds

    async def settled(self) -> None:
        pass

    def detach(
        self, pool: int, account: int, epoch: int, acked: int, goodbye: bool,
        done: Callable[[int, Sequence[Any]], None],
    ) -> None:  # fmt: skip
        self.detached.append((account, epoch))
        done(self._code, ())

    def ack(
        self, acks: Sequence[tuple[int, int, int, int]], done: Callable[[int, Sequence[Any]], None]
    ) -> None:
        self.acks += acks
        done(self._code, ())

    @property
    def _code(self) -> int:
        return Code.INTERNAL if self.down else Code.SUCCESS


class World:
    """A node on a store that is none, in a time that the test makes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
        self.now = 100.0
        self.passes = 0.0
        """Seconds, each time somebody asks what time it is."""
        self.store = FakeStore()
        monkeypatch.setattr(module, "open_store", lambda *_: self.store)
        monkeypatch.setattr(module, "TICK_SECONDS", 0)
        monkeypatch.setattr(module, "LOOK_SECONDS", 0)
        monkeypatch.setattr(lease, "TICK_SECONDS", 0)
        monkeypatch.setattr(module, "DRAIN_STEP_SECONDS", 1e-9)
        self.node = Node(
            Settings(node_lease_seconds=LEASE, **settings),
            name="node", clock=self._clock, rng=random.Random(1),
        )  # fmt: skip
        self.transports: dict[Connection, FakeTransport] = {}

    def _clock(self) -> float:
        self.now += self.passes
        return self.now

    def join(self, account: int = 1000, epoch: int = 1) -> Connection:
        """A socket with that account."""
        node, transport = self.node, FakeTransport()
        connection = Connection(transport, "", node._limits, self.now, node._closed)
        self.transports[connection] = transport
        node._connections.add(connection)
        node._hub.expect(0, account)
        connection.bind(0, account, epoch, 0)
        node._hub.bind(connection)
        return connection

    async def ticks(self) -> None:
        """A tick, at least, and a look for strays if there may be some."""
        await turns(self.node._tick())
        await turns(self.node._look_at_sockets())
        await turns(self.node._look_for_strays())

    async def swept(self) -> bool:
        """Whether the node sweeps now."""
        before = self.store.sweeps
        await turns(self.node._leases._leases[0].sweep())
        return self.store.sweeps > before

    async def renewed(self, after: float) -> None:
        """So much later the lease is taken again."""
        self.now += after
        await self.node._leases._leases[0].renew()


async def turns(work: Coroutine[Any, Any, None]) -> None:
    """A task for some turns of the event loop."""
    task = asyncio.create_task(work)
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
