"""How a client ends: by goodbye, by a refusal, by a fault of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chat.client import link
from chat.client.account import Account
from chat.client.client import Client
from chat.client.events import Closed, ConnectionLost, Reconnected, Refused
from tests.client.scene import BOB, Pauses, soon, talking, welcomed
from tests.support.scripted_node import Peer, ScriptedNode, listed


def test_goodbye_ends_calls_and_events() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            await talk.me.aclose()
            assert await talk.peer.gone() == 1000
            with pytest.raises(Closed):
                await matching
            assert [event async for event in talk.me.events()] == []
            with pytest.raises(Closed):
                await talk.me.match()

    asyncio.run(scenario())


def test_goodbye_while_nobody_is_connected() -> None:
    """It comes back for that, and for nothing else."""

    async def scenario() -> None:
        async with talking() as talk:
            talk.peer.abort()
            await talk.next()
            await talk.node.accept()
            saying = soon(talk.me.say(BOB, "hello"))
            closing = soon(talk.me.aclose())
            peer = await talk.node.accept()
            frame = await peer.resume()
            assert (frame["accountId"], frame["token"]) == (1000, "secret")
            assert await peer.gone() == 1000
            await closing
            with pytest.raises(Closed):
                await saying
            assert peer.unread() == []
        assert [task for task in asyncio.all_tasks() if task.get_name() == "chat client"] == []

    asyncio.run(scenario())


def test_goodbye_in_the_moment_of_coming_back() -> None:
    """The socket that has just got the account is the one to say it on."""

    async def scenario() -> None:
        async with talking() as talk:
            talk.peer.abort()
            await talk.come_back()
            assert isinstance(await talk.next(), Reconnected)
            await talk.me.aclose()
            assert await talk.peer.gone() == 1000
            assert talk.node.sockets == 2

    asyncio.run(scenario())


def test_goodbye_of_an_account_that_is_gone_makes_no_new_one() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            talk.peer.abort()
            await talk.next()
            await talk.node.accept()
            closing = soon(talk.me.aclose())
            peer = await talk.node.accept()
            await peer.receive("RECONNECT_REQ")
            peer.send("RECONNECT_RESP", code=4)
            await closing
            await peer.gone()
            assert peer.unread() == []

    asyncio.run(scenario())


def test_goodbye_waits_for_a_silent_node_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "GOODBYE_SECONDS", 0.05)

    async def scenario() -> None:
        async with talking() as talk:
            talk.peer.abort()
            await talk.next()
            await talk.node.accept()
            await soon(talk.me.aclose())
            peer = await talk.node.accept()
            await peer.receive("RECONNECT_REQ")
            assert await peer.gone() == 1006

    asyncio.run(scenario())


@pytest.mark.parametrize("code", [4001, 4003])
def test_goodbye_does_not_come_back_where_it_is_not_wanted(code: int) -> None:
    async def scenario() -> None:
        async with talking() as talk:
            talk.peer.close(code)
            await talk.next()
            await talk.me.aclose()
            assert talk.node.sockets == 1

    asyncio.run(scenario())


@asynccontextmanager
async def failing() -> AsyncIterator[tuple[ScriptedNode, Client, Peer]]:
    """A client whose goodbye raises what it failed with."""
    async with ScriptedNode() as node:
        me = Client(node.url, sleep=Pauses())
        peer, _ = await asyncio.gather(welcomed(node), me.__aenter__())
        yield node, me, peer


def test_refusal_to_come_back_is_raised_to_the_user() -> None:
    async def scenario() -> None:
        async with failing() as (node, me, first):
            first.abort()
            peer = await node.accept()
            await peer.receive("RECONNECT_REQ")
            peer.send("RECONNECT_RESP", code=5)
            events = me.events()
            assert isinstance(await anext(events), ConnectionLost)
            with pytest.raises(Refused):
                await anext(events)
            with pytest.raises(Refused):
                await me.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("reconnecting", [False, True])
def test_crash_is_raised_to_the_user(monkeypatch: pytest.MonkeyPatch, reconnecting: bool) -> None:
    """A fault of the client is no reason to connect again, and again."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    async def scenario() -> None:
        async with failing() as (node, me, first):
            matching = soon(me.match())
            await first.receive("MATCH_REQ")
            if reconnecting:
                first.abort()
            peer = await node.accept() if reconnecting else first
            monkeypatch.setattr(Account, "_answered", broken)
            if reconnecting:
                await peer.resume()
            else:
                peer.send("MATCH_RESP", code=0, **listed())
            with pytest.raises(Closed) as closed:
                await matching
            assert isinstance(closed.value.__cause__, ZeroDivisionError)
            with pytest.raises(ZeroDivisionError):
                await me.aclose()
            assert await peer.gone() == 1006

    asyncio.run(scenario())
