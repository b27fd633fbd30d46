"""RedisLink proves that pushes arrive, tells when Redis does not keep up, and survives what is strange."""

import asyncio

import pytest

from chat.store import wire
from chat.store.calls import LinkDown
from chat.store.library import greet
from tests.link.calls import PROBE, ask, linked, told
from tests.support.deafness import deaf
from tests.support.proxy import Proxy
from tests.support.servers import Server

CHANNEL = b"chat:{0}:push:1"


def test_a_subscription_that_died_silently(empty_server: Server) -> None:
    """Answers come, pushes do not: the probes tell, and a new connection brings a gap to be filled."""

    async def scenario() -> None:
        async with (
            Proxy(empty_server.port) as proxy,
            linked(f"redis://127.0.0.1:{proxy.port}", timeout=0.4) as (link, heard),
        ):
            link.subscribe(CHANNEL)
            await told(link, "PING")
            deaf(proxy, True)
            await told(link, "SPUBLISH", CHANNEL, "missed")
            assert await told(link, "PING") == b"PONG"
            deaf(proxy, False, only_new=True)
            await heard.until(lambda: heard.gaps == 1, "a gap")
            assert heard.pushes == []
            await told(link, "SPUBLISH", CHANNEL, "heard")
            await heard.until(lambda: heard.pushes == [(CHANNEL, b"heard")], "the push")

    asyncio.run(scenario())


def test_a_healthy_link_is_left_alone(empty_server: Server) -> None:
    """Over many probes nothing is told; others may be published to without being taken for one."""

    async def scenario() -> None:
        async with linked(empty_server.url, timeout=0.05) as (link, heard):
            with empty_server.client() as client:
                probes = client.execute_command("PUBSUB", "SHARDNUMSUB", PROBE)
                assert probes == [PROBE, 1]
                before = client.info("commandstats")["cmdstat_spublish"]["calls"]
                while client.info("commandstats")["cmdstat_spublish"]["calls"] < before + 20:
                    await told(link, "PING")
            assert heard.gaps == 0
            assert heard.pushes == []

    asyncio.run(scenario())


def test_a_subscription_that_the_server_ends(empty_server: Server) -> None:
    """Nobody asked for that: the connection is made anew, with all its channels."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, heard):
            link.subscribe(CHANNEL)
            # On RESP3 the confirmation is a push like the one of a server that moved the slot away.
            assert link._wire is not None
            link._wire._write(
                b"*2\r\n$12\r\nSUNSUBSCRIBE\r\n$%d\r\n%b\r\n" % (len(CHANNEL), CHANNEL)
            )
            await heard.until(lambda: heard.gaps == 1, "a gap")
            await told(link, "SPUBLISH", CHANNEL, "heard")
            await heard.until(lambda: heard.pushes == [(CHANNEL, b"heard")], "the push")

    asyncio.run(scenario())


def test_a_redis_that_does_not_keep_up(
    empty_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told once when too many calls are open, and once when it has caught up."""
    monkeypatch.setattr(wire, "PRESSED_CALLS", 100)
    monkeypatch.setattr(wire, "RELIEVED_CALLS", 50)

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, heard):
            empty_server.pause()
            replies = [ask(link, "ECHO", number) for number in range(200)]
            assert heard.presses == [True]
            empty_server.resume()
            await asyncio.gather(*replies)
            assert heard.presses == [True, False]

    asyncio.run(scenario())


def test_a_redis_that_does_not_read(empty_server: Server) -> None:
    """Large calls fill the way out long before there are many; a lost link is no pressure any more."""

    async def scenario() -> None:
        async with linked(empty_server.url, timeout=0.5) as (link, heard):
            empty_server.pause()
            replies = [ask(link, "ECHO", b"x" * 1_000_000) for _ in range(10)]
            await heard.until(lambda: heard.presses == [True], "pressure")
            await heard.until(lambda: heard.presses == [True, False], "the link is given up")
            assert all(isinstance(reply, LinkDown) for reply in await asyncio.gather(*replies))
            empty_server.resume()
            await heard.until(lambda: heard.gaps == 1, "it is back")

    asyncio.run(scenario())


def test_a_callback_that_raises(empty_server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and costs nobody else an answer."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, heard):

            def fails(reply: object) -> None:
                raise RuntimeError("a fault of ours")

            link.call(("PING",), fails)
            assert await told(link, "ECHO", "next") == b"next"
            assert heard.gaps == 0
        assert "a fault of ours" in caplog.text

    asyncio.run(scenario())


def test_a_user_that_may_not_ask_for_the_servers_name(empty_server: Server) -> None:
    """INFO is refused to it: the library is loaded and works all the same."""

    async def scenario() -> None:
        with empty_server.client() as client:
            client.execute_command(
                "ACL", "SETUSER", "poor", "on", ">secret", "+@all", "-info", "~chat:*", "&chat:*"
            )
        url = empty_server.url.replace("redis://", "redis://poor:secret@")
        async with linked(url) as (link, _):
            assert await greet(link._wire.ask) == b""  # type: ignore[union-attr]
            assert await told(link, "FCALL", "chat_1_held", 1, "chat:{0}", "nobody", 0) == [
                0,
                0,
                [],
            ]

    asyncio.run(scenario())
