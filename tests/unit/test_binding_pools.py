"""``binding``: in which pool an account is asked for: where its number says, where it has moved to, or nowhere."""

import asyncio
import json

import pytest

from chat.binding import HOPS
from chat.commands import Create, Reconnect
from chat.connection import State
from chat.errors import Close, Code
from tests.unit.binding_scene import World, play
from tests.unit.fake_socket import Made


def test_an_account_is_asked_for_where_its_number_says_and_then_where_it_has_moved_to() -> None:
    """As often as it has; its pushes are wanted wherever it is asked for, and at last where it is."""

    async def scenario() -> None:
        world = World()
        made = world.comes(1005)
        assert world.inboxes.subscribed == [(5, 1005)]
        world.store.moved(7)
        assert world.inboxes.subscribed == [(7, 1005)]
        world.store.moved(3)
        assert world.inboxes.subscribed == [(3, 1005)]
        world.store.answer()
        assert (world.store.pools, world.store.here) == ([5, 7, 3], [False] * 3)
        assert (made.connection.state, made.connection.pool) == (State.BOUND, 3)
        assert world.hub.epoch_of(3, 1005) == 7
        assert world.inboxes.subscribed == [(3, 1005)]
        assert world.counts.number(Reconnect, Code.SUCCESS) == 1
        assert world.counts.number(Reconnect, Code.MOVED) == 0

    play(scenario())


def test_pools_that_send_one_to_each_other() -> None:
    """An account that is in none of them is none; nobody is asked for ever, and nothing is left behind."""

    async def scenario() -> None:
        world = World()
        made = world.comes(1000)
        while world.store.asked:
            world.store.moved(7 if world.store.pools[-1] == 0 else 0)
        assert len(world.store.pools) == HOPS + 1
        assert world.store.here == [False, False] + [True] * (HOPS - 1)
        assert json.loads(made.transport.frames[0])["code"] == Code.NO_DATA
        assert (made.connection.state, world.inboxes.subscribed) == (State.NEW, [])

    play(scenario())


def test_who_goes_where_the_account_has_moved_to() -> None:
    """It loses its socket there; a goodbye is the end of what is known of it where it was made."""

    async def scenario() -> None:
        world = World()
        for code, goodbye, forgotten in (1006, False, []), (Close.GOODBYE, True, [(0, 1000)]):
            made = world.comes(1000)
            world.store.moved(7)
            world.store.answer()
            world.goes(made.connection, code)
            world.binding.let_go()
            assert world.store.detached.pop() == (7, 1000, 7, 0, goodbye)
            assert world.store.moving.forgotten == forgotten
        stays = world.comes(2000)
        world.store.answer()
        world.goes(stays.connection, Close.GOODBYE)
        world.binding.let_go()
        assert world.store.moving.forgotten == [(0, 1000)], (
            "who has not moved is known nowhere else"
        )

    play(scenario())


def test_who_goes_while_it_is_asked_elsewhere() -> None:
    """It is away where the account was found."""

    async def scenario() -> None:
        world = World()
        made = world.comes(1000)
        world.goes(made.connection, 1006)
        world.store.moved(7)
        world.store.answer()
        assert world.store.detached == [(7, 1000, 7, 0, False)]
        assert world.inboxes.subscribed == []

    play(scenario())


def test_a_new_account_lives_where_its_number_says() -> None:
    """The pool that made it has given it the number."""

    async def scenario() -> None:
        world = World()
        made = Made()
        world.binding.bind(made.connection, Create("x"))
        world.store.asked.pop()[2](Code.SUCCESS, (3012, 7))
        assert (made.connection.pool, made.connection.account) == (12, 3012)
        assert world.inboxes.subscribed == [(12, 3012)]

    play(scenario())


@pytest.mark.parametrize("code", [Code.NO_DATA, Code.INTERNAL])
def test_an_account_of_a_pool_that_is_not_there(code: Code) -> None:
    """A number that somebody made up: nothing is asked of that pool, nor subscribed there, and the next may come."""

    async def scenario() -> None:
        world = World()
        world.store.unknown[999] = code
        made = world.comes(1999)
        assert made.transport.frames == [b'{"cmd":"RECONNECT_RESP","code":%d}' % code], (
            made.transport.frames
        )
        assert (world.store.asked, world.inboxes.subscribed) == ([], [])
        world.comes(1000)
        assert [name for name, *_ in world.store.asked] == ["attach"]

    asyncio.run(scenario())
