"""What ``/metrics`` of real nodes says of limits that were hit: each by the name of its setting."""

import asyncio

import pytest
from picows import WSHandshakeError

from chat.config import SETTINGS
from tests.processes.scrape import grows, nodes, read, value
from tests.support.nodes import NodeProcess
from tests.support.wire import Wire, pair


def test_limits_are_counted_by_the_setting_that_they_are() -> None:
    """Each by the name of its setting, but for the bytes that wait unread."""

    async def scenario(node: NodeProcess) -> None:
        wire = await Wire.open(node.url)
        await wire.create("Alice")
        for _ in range(9):
            wire.send({"cmd": "MATCH_CANCEL_REQ", "accountId": wire.account_id})
        while (await wire.receive())["code"] != 6:
            pass
        second = await Wire.open(node.url)
        answer = await second.request("CRT_ACCOUNT", nickName="Bob")
        assert answer["code"] == 6
        with pytest.raises(WSHandshakeError):
            await Wire.open(node.url)  # a third from this address
        with pytest.raises(WSHandshakeError):
            await Wire.open(node.url, {"Origin": "https://elsewhere.example"})

    limits = {
        "CHAT_COMMANDS_PER_SECOND": "1",
        "CHAT_COMMANDS_BURST": "5",
        "CHAT_ACCOUNTS_PER_MINUTE": "1",
        "CHAT_SOCKETS_PER_ADDRESS": "2",
        "CHAT_HANDSHAKE_SECONDS": "1",
    }
    with nodes(1, **limits) as (_, (node,)):
        asyncio.run(scenario(node))
        names = {setting.name for setting in SETTINGS} | {"unread_bytes"}
        for limit in (
            "commands_per_second",
            "accounts_per_minute",
            "sockets_per_address",
            "allowed_origins",
        ):
            assert limit in names
            assert grows(node, "chat_limits_hit_total", 1, limit=limit) >= 1
        assert value(read(node), "chat_limits_hit_total", limit="unread_bytes") == 0


def test_limits_of_accounts_are_counted_too() -> None:
    """Sessions, what waits in an inbox, and who has no account yet."""

    async def scenario(node: NodeProcess) -> None:
        a, b, session = await pair(node.url, node.url)
        while (await b.say(session, "hello"))["code"] == 0:
            pass
        a.acknowledge(await a.expect("PUSH_DIALOGUE_REQ"))
        assert (await b.match())["code"] == 5
        lonely = [await Wire.open(node.url) for _ in range(2)]
        with pytest.raises(WSHandshakeError):
            await Wire.open(node.url)
        for wire in lonely:
            await wire.close(1000)

    limits = {
        "CHAT_SESSIONS_PER_ACCOUNT": "1",
        "CHAT_INBOX_LENGTH": "2",
        "CHAT_SOCKETS_WITHOUT_ACCOUNT": "2",
    }
    with nodes(1, **limits) as (_, (node,)):
        asyncio.run(scenario(node))
        found = read(node)
        for limit in "sessions_per_account", "inbox_length", "sockets_without_account":
            assert value(found, "chat_limits_hit_total", limit=limit) == 1, limit


def test_a_socket_without_an_account_is_counted_as_one() -> None:
    """With its close code, and as the setting that it is."""

    async def scenario(node: NodeProcess) -> None:
        await Wire.open(node.url)
        await asyncio.to_thread(grows, node, "chat_limits_hit_total", 1, limit="handshake_seconds")

    with nodes(1, CHAT_HANDSHAKE_SECONDS="1") as (_, (node,)):
        asyncio.run(scenario(node))
        assert value(read(node), "chat_sockets_closed_total", code="4004") == 1
