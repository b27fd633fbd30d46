"""The first connection: which address, for how long, and what ends the attempt."""

import asyncio

import pytest

from chat.client.client import Client
from chat.client.events import Closed, ConnectionFailed, Timing
from tests.client.scene import Jitter, Pauses, soon, welcomed
from tests.support.process import free_port
from tests.support.scripted_node import ScriptedNode


def test_account_has_the_name_that_the_node_accepted() -> None:
    async def scenario() -> None:
        async with ScriptedNode() as node:
            client = Client(node.url)
            peer, me = await asyncio.gather(welcomed(node), client.__aenter__())
            assert (me.account_id, me.name) == (1000, "Quiet Otter")
            await me.aclose()
            assert await peer.gone() == 1000

    asyncio.run(scenario())


def test_connection_fails_in_the_stated_time() -> None:
    async def scenario() -> None:
        client = Client(f"ws://127.0.0.1:{free_port()}/ws", timing=Timing(connect=0.05))
        with pytest.raises(ConnectionFailed, match=r"cannot connect in 0\.05 s: .*refused|failed"):
            await client.__aenter__()
        with pytest.raises(Closed):
            await client.match()
        await client.aclose()

    asyncio.run(scenario())


def test_address_that_cannot_work_fails_at_once() -> None:
    async def scenario() -> None:
        with pytest.raises(ConnectionFailed, match="isn't a valid URL"):
            await Client("http://127.0.0.1/").__aenter__()

    asyncio.run(scenario())


def test_first_connection_tries_the_other_addresses() -> None:
    async def scenario() -> None:
        async with ScriptedNode() as node:
            dead = f"ws://127.0.0.1:{free_port()}/ws"
            client = Client(dead, urls=[node.url], sleep=Pauses())
            _, me = await asyncio.gather(welcomed(node), client.__aenter__())
            await me.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("code", [2, 6])
def test_first_connection_tries_again_when_told(code: int) -> None:
    async def scenario() -> None:
        async with ScriptedNode() as node:
            pauses = Pauses()
            client = Client(node.url, "Ada", random=Jitter(), sleep=pauses)
            entering = soon(client.__aenter__())
            peer = await node.accept()
            await peer.receive("CRT_ACCOUNT_REQ")
            peer.send("CRT_ACCOUNT_RESP", code=code, retryAfterMs=700)
            await welcomed(node)
            await entering
            assert pauses.taken == [0.7]
            await client.aclose()

    asyncio.run(scenario())


def test_ban_ends_the_first_connection_at_once() -> None:
    async def scenario() -> None:
        async with ScriptedNode() as node:
            entering = soon(Client(node.url).__aenter__())
            peer = await node.accept()
            await peer.receive("CRT_ACCOUNT_REQ")
            peer.close(4003, "banned")
            with pytest.raises(ConnectionFailed, match="banned"):
                await entering

    asyncio.run(scenario())


def test_call_before_the_connection_says_what_to_do() -> None:
    async def scenario() -> None:
        with pytest.raises(Closed, match="async with"):
            await Client("ws://127.0.0.1:1/ws").match()

    asyncio.run(scenario())
