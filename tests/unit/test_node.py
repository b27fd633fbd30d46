"""``node``: what it does once a second, when it is ready, who goes first (leases: test_node_leases)."""

import asyncio

import pytest

from chat import lease
from chat import node as module
from chat.errors import Close
from tests.unit.node_scene import LEASE, World, turns


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
    world.store.presses = {0}
    world.node._backpressure.press(True)
    world.node.received(one, b'{"cmd":"PING_RESP","accountId":1000}')
    assert not world.transports[one].reading
    assert world.transports[other].reading
    world.store.presses.clear()
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
