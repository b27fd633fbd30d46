"""The first connection: which address, for how long, and what ends the attempt."""

import asyncio
from http import HTTPStatus

import pytest
from picows import WSUpgradeResponse, WSUpgradeResponseWithListener, ws_create_server

from chat.client.client import Client
from chat.client.events import Closed, ConnectionFailed, ConnectionLost, Reconnected, Timing
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


def test_a_connection_that_is_closed_at_once_has_failed() -> None:
    """As by a node that dies during a handshake: nobody waits for an answer that cannot come."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def scenario() -> None:
        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            client = Client(url_of(server), timing=Timing(connect=0.2))
            with pytest.raises(ConnectionFailed, match=": the connection was closed without an"):
                await client.__aenter__()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "ws://127.0.0.1:99999/ws",
        "ws://127.0.0.1:port/ws",
        "ws://[::1/ws",
        "ws://a..b/ws",
        "ws:///ws",
    ],
)
def test_address_that_cannot_work_fails_at_once(url: str) -> None:
    async def scenario() -> None:
        with pytest.raises(ConnectionFailed, match="isn't a valid URL") as failed:
            await Client(url, timing=Timing(connect=2)).__aenter__()
        assert str(failed.value).startswith(url)

    asyncio.run(scenario())


async def answering(status: HTTPStatus) -> asyncio.Server:
    """A web server that has no socket to offer."""
    refusal = WSUpgradeResponse.create_error_response(status, b"no")
    return await ws_create_server(
        lambda _: WSUpgradeResponseWithListener(refusal, None), "127.0.0.1", 0
    )


def url_of(server: asyncio.Server) -> str:
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/here"


def test_path_that_is_none_fails_at_once() -> None:
    async def scenario() -> None:
        async with await answering(HTTPStatus.NOT_FOUND) as server:
            with pytest.raises(ConnectionFailed, match=r"/here answers with HTTP 404.* path /ws"):
                await Client(url_of(server), timing=Timing(connect=2)).__aenter__()

    asyncio.run(scenario())


@pytest.mark.parametrize("status", [HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY])
def test_server_that_is_busy_or_starts_is_tried_again(status: HTTPStatus) -> None:
    async def scenario() -> None:
        async with await answering(status) as server, ScriptedNode() as node:
            client = Client(url_of(server), urls=[node.url], sleep=Pauses())
            _, me = await asyncio.gather(welcomed(node), client.__aenter__())
            await me.aclose()

    asyncio.run(scenario())


def test_address_that_worked_is_tried_again_whatever_it_says() -> None:
    """A load balancer may say 404 while its nodes are replaced."""

    async def scenario() -> None:
        async with await answering(HTTPStatus.NOT_FOUND) as server, ScriptedNode() as node:
            pauses = Pauses()
            client = Client(node.url, urls=[url_of(server)], sleep=pauses)
            peer, me = await asyncio.gather(welcomed(node), client.__aenter__())
            peer.abort()
            await (await node.accept()).resume()
            events = me.events()
            assert isinstance(await anext(events), ConnectionLost)
            assert isinstance(await anext(events), Reconnected)
            assert len(pauses.taken) == 2
            await me.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize(("wait", "when"), [({"retryAfterMs": 61_500}, "in 62 s"), ({}, "later")])
def test_too_many_accounts_are_told_in_words(wait: dict[str, int], when: str) -> None:
    """At once where the time to wait is longer than anybody would."""

    async def scenario() -> None:
        async with ScriptedNode() as node:
            entering = soon(Client(node.url, timing=Timing(connect=0.2)).__aenter__())
            peer = await node.accept()
            await peer.receive("CRT_ACCOUNT_REQ")
            peer.send("CRT_ACCOUNT_RESP", code=6, **wait)
            with pytest.raises(
                ConnectionFailed, match=f": too many new accounts from here, try again {when}$"
            ):
                await entering

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
