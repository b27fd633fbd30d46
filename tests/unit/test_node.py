"""``node``: when it sweeps and whom it believes, what it does once a second, who goes first."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import pytest

from chat import lease
from chat import node as module
from chat.config import Settings
from chat.connection import Connection
from chat.errors import Close, Code
from chat.node import Node
from chat.store.keys import channel_of
from chat.store.library import UNMARKED, Generations
from chat.store.pools import Pools
from chat.store.upkeep import Leased
from tests.unit.fake_inboxes import FakeInboxes, push
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

    def open_calls(self) -> int | None:
        return None if self.unlinked else 0

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


def test_what_is_swept_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """And swept on at once, whichever of the two there is more of; a sweep that finds nothing is none."""

    async def scenario() -> None:
        world, batch = World(monkeypatch), lease.SWEEP_BATCH
        await world.node.start()
        await world.renewed(LEASE - 1)
        await world.renewed(1)
        world.store.swept = [(batch, 1), (2, batch), (0, 3), (0, 0)]
        for left in 1, 0:  # a turn goes on for as long as there is more
            sweeping = asyncio.create_task(world.node._leases._leases[0].sweep())
            monkeypatch.setattr(lease, "TICK_SECONDS", 0)
            await asyncio.sleep(0)
            monkeypatch.setattr(lease, "TICK_SECONDS", 3600)  # the next turn does not come
            await turns(asyncio.sleep(3600))
            sweeping.cancel()
            assert len(world.store.swept) == left
        counts = world.node.counts
        assert counts.sweeps == 3
        assert counts.swept == {"away": batch + 2, "ended": batch + 4}

    asyncio.run(scenario())


def test_how_late_timers_come_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the clock says more than was slept."""

    async def scenario() -> None:
        world = World(monkeypatch)
        monkeypatch.setattr(module, "LAG_SECONDS", 0)
        world.passes = 0.5
        await turns(world.node._watch_lag())
        lag = world.node.counts.lag
        assert lag.number > 1
        assert lag.total == 0.5 * lag.number

    asyncio.run(scenario())


def test_others_are_spared_for_a_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the start on, after an interruption of the link, and after a lease that had run out."""

    async def scenario() -> None:
        world = World(monkeypatch)
        await world.node.start()
        for interrupted in (False, True):
            if interrupted:
                world.node._gap((0,))
            assert not await world.swept()
            await world.renewed(LEASE - 1)
            assert not await world.swept()
            await world.renewed(1)
            assert await world.swept()
        await world.renewed(LEASE)
        assert not await world.swept(), "its lease had run out: so have those of others"
        await world.renewed(LEASE - 1)
        await world.renewed(1)
        assert await world.swept()

    asyncio.run(scenario())


def test_without_a_lease_nothing_is_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that others take for dead does not judge them."""

    async def scenario() -> None:
        world = World(monkeypatch)
        await world.node.start()
        await world.renewed(LEASE)
        world.now += LEASE
        world.store.leased = Leased.UNKNOWN
        await world.renewed(1)
        assert not await world.swept()
        assert not world.node.ready()

    asyncio.run(scenario())


def test_nobody_is_sent_to_a_node_without_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, also while its lease is still good; nor to one that is leaving."""

    async def scenario() -> None:
        world = World(monkeypatch)
        await world.node.start()
        assert world.node.ready()
        world.store.unlinked = True
        assert not world.node.ready()
        world.store.unlinked = False
        assert world.node.ready()
        await world.node.drain()
        assert not world.node.ready()

    asyncio.run(scenario())


def test_without_a_lease_the_inbox_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was frozen finds pushes for accounts that others hold by now: it asks before it writes."""

    async def scenario() -> None:
        world = World(monkeypatch)
        await world.node.start()
        connection = world.join()
        world.node._pushed(channel_of(0, 1000), UNMARKED + push(1))
        assert world.transports[connection].frames == [push(1)]
        world.now += LEASE
        world.node._pushed(channel_of(0, 1000), UNMARKED + push(2))
        assert world.transports[connection].frames == [push(1)]
        assert world.store.asked[0][0] == [(0, 1000, 1, 1)]
        world.store.say_last(-1)
        assert connection.code == Close.REPLACED

    asyncio.run(scenario())


def test_a_lease_that_was_lost_is_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts may have been swept meanwhile: of each socket it is asked whether it still holds."""

    async def scenario() -> None:
        world = World(monkeypatch)
        await world.node.start()
        world.join()
        await world.renewed(1)
        assert world.store.asked == []
        world.store.leased = Leased.NEW
        await world.renewed(1)
        assert [sockets for sockets, _ in world.store.asked] == [[(0, 1000, 1, 0)]]

    asyncio.run(scenario())


def test_strays_after_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is here for them, so they are let go; those whose socket is here, or may come, are not."""

    async def scenario() -> None:
        world = World(monkeypatch)
        await world.node.start()
        world.join(1000, epoch=5)
        world.join(2000, epoch=5)
        world.node._hub.expect(0, 3000)
        world.store.holds = {1000: 5, 2000: 4, 3000: 4, 4000: 4}
        await world.ticks()
        assert world.store.detached == []
        world.node._gap((0,))
        world.store.say_last()
        await world.ticks()
        assert set(world.store.detached) == {(2000, 4), (4000, 4)}
        world.store.holds = {1000: 5, 3000: 4}
        world.store.detached.clear()
        world.node._hub.unexpect(0, 3000)
        await world.ticks()
        assert world.store.detached == [(3000, 4)], "it was looked at again"

    asyncio.run(scenario())


def test_strays_are_looked_for_until_there_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that is away again says nothing of them."""

    async def scenario() -> None:
        world = World(monkeypatch)
        await world.node.start()
        world.node._gap((0,))
        world.store.holds = None
        await world.ticks()
        world.store.holds = {4000: 4}
        await world.ticks()
        assert world.store.detached == [(4000, 4)]

    asyncio.run(scenario())


def test_what_is_owed_is_said_again_with_each_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """That a socket is gone, and what was acknowledged; whoever rested is read again."""

    async def scenario() -> None:
        world = World(monkeypatch)
        await world.node.start()
        gone, stays = world.join(1000), world.join(2000)
        world.store.down = True
        gone.closed(1006)
        stays.seq = stays.acked = 3
        world.node._acks.add(stays)
        await asyncio.sleep(0)  # the turn in which it is handed over
        world.node._backpressure.rest(stays)
        world.store.detached.clear()
        world.store.acks.clear()
        world.store.down = False
        await world.ticks()
        assert world.store.detached == [(1000, 1)]
        assert world.store.acks == [(0, 2000, 1, 3)]
        assert world.transports[stays].reading

    asyncio.run(scenario())


def test_under_pressure_who_sends_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent is acted on; the rest waits with the client."""
    world = World(monkeypatch)
    one, other = world.join(1000), world.join(2000)
    world.node._backpressure.press(True)
    world.node.received(one, b'{"cmd":"PING_RESP","accountId":1000}')
    assert not world.transports[one].reading
    assert world.transports[other].reading
    world.node._backpressure.press(False)
    world.node.received(one, b'{"cmd":"PING_RESP","accountId":1000}')
    assert world.transports[one].reading


def test_a_leaving_node_lets_go_of_the_idle_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was heard of last has the most to lose, and goes last; all with 1001."""

    async def scenario() -> None:
        world = World(monkeypatch, drain_seconds=4)
        world.passes = 0.5
        for account in (2000, 4000, 1000, 3000):
            world.join(account).heard = account
        await world.node.drain()
        assert [account for account, _ in world.store.detached] == [1000, 2000, 3000, 4000]
        assert {connection.code for connection in world.transports} == {Close.GOING_AWAY}

    asyncio.run(scenario())


def test_one_pool_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another has no server, sending people to other nodes would not help; a lease without a link to its
    pool is none."""

    async def scenario() -> None:
        world = World(monkeypatch)
        world.store.pools.add(7)
        await world.node.start()
        for astray, ready in (set(), True), ({0}, True), ({7}, True), ({0, 7}, False):
            world.store.astray = astray
            assert world.node.ready() == ready
            assert set(world.node.standing().pools) == {0, 7} - astray
        world.store.astray = {7}
        world.now += LEASE
        await world.node._leases._leases[7].renew()
        assert not world.node.ready()
        await world.renewed(0)
        assert world.node.ready()

    asyncio.run(scenario())


def test_an_interruption_is_one_of_its_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only there strays are looked for, and only its sockets asked after."""

    async def scenario() -> None:
        world = World(monkeypatch)
        world.store.pools.add(7)
        await world.node.start()
        world.join(1000)
        world.store.holds = {4000: 4}
        world.node._gap((7,))
        assert world.store.asked == []
        await world.ticks()
        assert world.store.detached == [(4000, 4)]
        assert world.store.looked == [7]

    asyncio.run(scenario())
