"""``node``: what it may do with a lease and without one, and what follows an interruption: whom it sweeps, whom it
believes, who is looked for."""

import asyncio

import pytest

from chat.errors import Close
from chat.store.keys import channel_of
from chat.store.library import UNMARKED
from chat.store.upkeep import Leased
from tests.unit.fake_inboxes import push
from tests.unit.node_scene import LEASE, World


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
