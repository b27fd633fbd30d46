"""RedisLink when the connection breaks: nothing is repeated, nothing is forgotten, one gap is told."""

import asyncio
from collections.abc import Callable

import pytest

from chat.errors import StoreUnreachable
from chat.store.calls import LinkDown
from tests.link.calls import Heard, allow, ask, linked, redis_link, told, until
from tests.support.proxy import Passage, Proxy
from tests.support.servers import Server

CHANNEL = b"chat:{0}:push:%d"


def through(proxy: Proxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}"


def test_a_killed_connection(empty_server: Server) -> None:
    """Open calls get LinkDown; the link comes back by itself and tells one gap for each time."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, heard):
            with empty_server.client() as client:
                for turn in range(1, 4):
                    open_call = ask(link, "BLPOP", "nothing", 0)
                    await until(lambda: client.info("clients")["blocked_clients"], "it blocks")
                    client.client_kill_filter(_type="normal", skipme=True)
                    assert isinstance(await open_call, LinkDown)
                    await heard.until(lambda n=turn: heard.gaps == n, "a gap")  # type: ignore[misc]
                    assert await told(link, "PING") == b"PONG"
            assert heard.gaps == 3

    asyncio.run(scenario())


def test_channels_come_back(empty_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that are subscribed, with however many commands, and none that was given up; what is published
    after the gap arrives."""
    monkeypatch.setattr("chat.store.link.CHANNELS_AT_ONCE", 64)

    async def scenario() -> None:
        async with (
            Proxy(empty_server.port) as proxy,
            linked(through(proxy)) as (link, heard),
            linked(empty_server.url) as (other, _),
        ):
            for number in range(300):
                link.subscribe(CHANNEL % number)
            for number in range(0, 300, 3):
                link.unsubscribe(CHANNEL % number)
            await told(link, "PING")
            proxy.cut()
            await heard.until(lambda: heard.gaps == 1, "a gap")
            await told(link, "PING")
            for number in range(300):
                await told(other, "SPUBLISH", CHANNEL % number, number)
            await heard.until(lambda: len(heard.pushes) == 200, "every channel")
            wanted = [(CHANNEL % n, b"%d" % n) for n in range(300) if n % 3]
            assert heard.pushes == wanted

    asyncio.run(scenario())


def test_the_gap_is_told_after_the_subscriptions(empty_server: Server) -> None:
    """A call made when the gap is told finds them in force, so nothing falls in between."""

    async def scenario() -> None:
        async with (
            Proxy(empty_server.port) as proxy,
            linked(through(proxy)) as (link, heard),
        ):
            link.subscribe(CHANNEL % 1)
            link._on_gap = lambda pools: link.call(
                ("SPUBLISH", CHANNEL % 1, "now"), lambda _: heard.gap(pools)
            )
            proxy.cut()
            await heard.until(lambda: heard.pushes == [(CHANNEL % 1, b"now")], "the push")

    asyncio.run(scenario())


def test_the_backoff_is_jittered(empty_server: Server) -> None:
    """Every attempt waits a share, given by the jitter, of a pause that doubles up to a limit."""

    async def scenario() -> None:
        drawn: list[int] = []

        def jitter() -> float:
            drawn.append(1)
            return 0.0

        async with (
            Proxy(empty_server.port) as proxy,
            linked(through(proxy), jitter=jitter) as (link, heard),
        ):
            proxy.refusing = True
            proxy.cut()
            await until(lambda: proxy.accepted >= 10, "attempts")
            assert isinstance(await told(link, "PING"), LinkDown)
            assert heard.gaps == 0
            proxy.refusing = False
            await heard.until(lambda: heard.gaps == 1, "a gap")
            assert len(drawn) == proxy.accepted - 1

    asyncio.run(scenario())


def test_a_lost_answer_is_not_asked_for_again(empty_server: Server) -> None:
    """An INCR whose answer was swallowed has run once, and its caller is told that nobody knows."""

    async def scenario() -> None:
        async with (
            Proxy(empty_server.port) as proxy,
            linked(through(proxy), timeout=0.3) as (link, heard),
        ):
            proxy.swallowing = True
            assert isinstance(await told(link, "INCR", "counter"), LinkDown)
            proxy.swallowing = False
            await heard.until(lambda: heard.gaps == 1, "a gap")
            assert await told(link, "GET", "counter") == b"1"
            assert await told(link, "INCR", "counter") == 2

    asyncio.run(scenario())


def test_calls_without_a_connection(empty_server: Server) -> None:
    """Answered with LinkDown at once and never sent later; places get their turn."""

    async def scenario() -> None:
        async with (
            Proxy(empty_server.port) as proxy,
            linked(through(proxy)) as (link, heard),
        ):
            proxy.refusing = True
            proxy.cut()
            await until(lambda: proxy.accepted >= 2, "it tries")
            call = ask(link, "SET", "key", "value")
            assert call.done()
            turns: list[int] = []
            link.after_open_calls(lambda: turns.append(1))
            assert turns == [1]
            proxy.refusing = False
            await heard.until(lambda: heard.gaps == 1, "a gap")
            assert await told(link, "GET", "key") is None

    asyncio.run(scenario())


@pytest.mark.parametrize("when", ["before the start", "while it starts", "while it comes back"])
def test_subscribing_while_there_is_no_connection(empty_server: Server, when: str) -> None:
    """What was wanted meanwhile is subscribed once there is one; what was given up is not."""

    async def scenario() -> None:
        async with (
            Proxy(empty_server.port) as proxy,
            linked(empty_server.url) as (other, _),
        ):
            heard = Heard()
            link = redis_link(through(proxy), heard)

            def change() -> None:
                link.subscribe(CHANNEL % 1)
                link.subscribe(CHANNEL % 2)
                link.unsubscribe(CHANNEL % 2)

            if when == "before the start":
                change()
                await link.start()
            elif when == "while it starts":
                proxy.on_sent = once(change)
                await link.start()
            else:
                await link.start()
                proxy.on_sent = once(change)
                proxy.cut()
                await heard.until(lambda: heard.gaps == 1, "a gap")
            await told(link, "PING")
            await told(other, "SPUBLISH", CHANNEL % 2, "two")
            await told(other, "SPUBLISH", CHANNEL % 1, "one")
            await heard.until(lambda: bool(heard.pushes), "a push")
            assert heard.pushes == [(CHANNEL % 1, b"one")]
            await link.close()

    asyncio.run(scenario())


def once(work: Callable[[], None]) -> Callable[[Passage, bytes], None]:
    """Done when the first block of a connection passes the proxy."""
    todo = [work]

    def seen(passage: Passage, data: bytes) -> None:
        if todo:
            todo.pop()()

    return seen


def test_changes_of_mind(empty_server: Server) -> None:
    """Subscribed, given up and subscribed again in one tick, many times: the last word counts."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, heard):
            for _ in range(50):
                link.subscribe(CHANNEL % 1)
                link.unsubscribe(CHANNEL % 1)
            link.unsubscribe(CHANNEL % 2)
            replies = [ask(link, "ECHO", "in between")]
            link.subscribe(CHANNEL % 1)
            replies.append(ask(link, "SPUBLISH", CHANNEL % 1, "heard"))
            assert await asyncio.gather(*replies) == [b"in between", 1]
            await heard.until(lambda: heard.pushes == [(CHANNEL % 1, b"heard")], "the push")

    asyncio.run(scenario())


def test_a_refused_subscription(empty_server: Server) -> None:
    """A user that lost the right to a channel would be deaf to it: the connection is made anew, and
    calls are answered, each with its own reply or LinkDown."""

    async def scenario() -> None:
        with empty_server.client() as client:
            allow(client, "narrow", ">secret", "+@all", "~*", "resetchannels", "&chat:*")
        url = empty_server.url.replace("redis://", "redis://narrow:secret@")
        async with linked(url) as (link, heard):
            replies = [ask(link, "ECHO", "1")]
            link.subscribe(b"other:1")
            replies.append(ask(link, "ECHO", "2"))
            first, second = await asyncio.gather(*replies)
            assert first == b"1"
            assert isinstance(second, LinkDown)
            link.unsubscribe(b"other:1")
            link.subscribe(CHANNEL % 1)
            await heard.until(lambda: heard.gaps > 0, "it is back")
            await told(link, "SPUBLISH", CHANNEL % 1, "x")
            await heard.until(lambda: heard.pushes == [(CHANNEL % 1, b"x")], "the push")

    asyncio.run(scenario())


def test_a_user_without_channels(empty_server: Server) -> None:
    """Told at the start: such a node would hear nothing, and its functions would break off half-way."""

    async def scenario() -> None:
        with empty_server.client() as client:
            allow(client, "deaf", ">secret", "+@all", "~*", "resetchannels")
        url = empty_server.url.replace("redis://", "redis://deaf:secret@")
        with pytest.raises(StoreUnreachable, match=r"(?i)no permissions.*channel"):
            await redis_link(url, Heard()).start()

    asyncio.run(scenario())


def test_closing_while_it_comes_back(empty_server: Server) -> None:
    """Half-made connections are ended too, and no attempt follows."""

    async def scenario() -> None:
        async with Proxy(empty_server.port) as proxy:
            heard = Heard()
            link = redis_link(through(proxy), heard)
            await link.start()
            proxy.silent = True
            proxy.cut()
            await until(lambda: proxy.accepted == 2 and proxy.passages, "the next connection")
            await link.close()
            proxy.silent = False
            await until(lambda: not proxy.passages, "it is ended")
            assert proxy.accepted == 2
            assert heard.gaps == 0

    asyncio.run(scenario())


def test_a_link_that_breaks_in_the_moment_it_is_there(
    empty_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits longer each time: it does not come back a hundred times a second."""
    monkeypatch.setattr("chat.store.keeper.BACKOFF_SECONDS", (0.02, 0.3))

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with (
            Proxy(empty_server.port) as proxy,
            linked(through(proxy), jitter=lambda: 1) as (_, heard),
        ):
            began = loop.time()
            for turn in range(1, 7):
                proxy.cut()
                await heard.until(lambda n=turn: heard.gaps == n, "a gap")  # type: ignore[misc]
            assert loop.time() - began > 0.02 + 0.04 + 0.08 + 0.16 + 0.3

    asyncio.run(scenario())
