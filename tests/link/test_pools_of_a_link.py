"""RedisLink with several pools: each begins, and what the server does not serve is told, or ends the connection."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

import hiredis
import pytest

from chat.errors import StoreUnreachable
from chat.store.address import Address
from chat.store.calls import Ask, LinkDown, Part
from chat.store.link import RedisLink
from tests.link.calls import Heard, probe, told, until
from tests.support.deafness import deaf
from tests.support.process import HOST
from tests.support.proxy import Proxy
from tests.support.servers import Server


class Beginnings:
    """What pools have begun with, in order; some are refused."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, bytes, bytes]] = []
        self.begun_with: dict[int, Any] = {}
        self.refused: set[int] = set()

    def begin(self, pool: int, run: bytes, before: bytes = b"") -> Sequence[Part]:
        self.asked.append((pool, run, before))
        return ("NOT-HERE",) if pool in self.refused else ("ECHO", pool)

    def begun(self, pool: int, reply: Any) -> None:
        self.begun_with[pool] = reply

    def taken(self) -> list[tuple[int, bytes, bytes]]:
        """What was asked since this was asked before."""
        asked, self.asked = self.asked, []
        return asked


class Told(Heard):
    """And which pools a gap is of, what strays, how often the connection was lost."""

    def __init__(self) -> None:
        super().__init__()
        self.of: list[list[int]] = []
        self.astray: list[tuple[int, str]] = []
        self.lost = 0

    def gap(self, pools: Collection[int]) -> None:
        self.of.append(sorted(pools))
        self.gaps += 1
        self._news.set()

    def strays(self, pool: int, why: str) -> None:
        self.astray.append((pool, why))
        self._news.set()

    def is_lost(self) -> None:
        self.lost += 1


def link_to(
    url: str, told: Told, begins: Beginnings, *, alone: bool, timeout: float = 2
) -> RedisLink:
    """Not started. ``alone``: there is no other server that a pool could be on."""
    runs = iter((b"run 1", b"run 2", b"run 3"))

    async def greet(ask: Ask) -> bytes:
        return next(runs)

    on_astray: Callable[[int, str], None] | None = None if alone else told.strays
    return RedisLink(
        Address.parse(url), greet, begins, told.push, told.gap, told.press,
        probe=probe, timeout=timeout, jitter=lambda: 0.1, on_lost=told.is_lost, on_astray=on_astray,
    )  # fmt: skip


@asynccontextmanager
async def started(link: RedisLink, *pools: int) -> AsyncIterator[None]:
    for pool in pools:
        link.serve(pool)
    await link.start()
    try:
        yield
    finally:
        await link.close()


async def served(link: RedisLink, pool: int, before: bytes = b"") -> Any:
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    link.serve(pool, before, answer.set_result)
    async with asyncio.timeout(5):
        return await answer


def subscribed(server: Server) -> set[bytes]:
    with server.client() as client:
        return set(client.execute_command("PUBSUB", "SHARDCHANNELS"))


def test_all_pools_begin_with_every_connection(empty_server: Server) -> None:
    """With what names the process, before anything is subscribed or said; the gap is one of all of them."""

    async def scenario() -> None:
        heard, begins = Told(), Beginnings()
        async with Proxy(empty_server.port) as proxy:
            link = link_to(f"redis://127.0.0.1:{proxy.port}", heard, begins, alone=True)
            async with started(link, 7, 0, 12):
                assert begins.taken() == [(pool, b"run 1", b"") for pool in (0, 7, 12)]
                assert begins.begun_with == {pool: b"%d" % pool for pool in (0, 7, 12)}
                assert sorted(link.pools) == [0, 7, 12]
                assert (heard.of, heard.lost) == ([], 0)
                proxy.cut()
                await heard.until(lambda: heard.gaps == 1, "a gap")
                assert begins.taken() == [(pool, b"run 2", b"") for pool in (0, 7, 12)]
                assert (heard.of, heard.lost) == ([[0, 7, 12]], 1)
                assert link.run == b"run 2"

    asyncio.run(scenario())


@pytest.mark.parametrize("alone", [False, True])
def test_the_log_says_which_pools_are_concerned(
    empty_server: Server, caplog: pytest.LogCaptureFixture, alone: bool
) -> None:
    """When the link is lost, and when it is back. Where there is no other server, they are all that there are."""

    async def scenario() -> None:
        heard = Told()
        async with Proxy(empty_server.port) as proxy:
            link = link_to(f"redis://{HOST}:{proxy.port}", heard, Beginnings(), alone=alone)
            async with started(link, 7, 0, 12):
                proxy.cut()
                await heard.until(lambda: heard.gaps == 1, "a gap")

    asyncio.run(scenario())
    lost, back = caplog.messages
    assert lost.startswith(f"lost the link to redis://{HOST}:")
    assert " is back after " in back
    pools = "" if alone else " (pools 0, 7, 12)"
    assert lost.partition(" (")[1:] == back.partition(" (")[1:] == pools.partition(" (")[1:]


def test_many_pools_at_a_server_that_is_far_away(empty_server: Server) -> None:
    """They begin together: one after the other they would take longer than there is to connect."""

    async def scenario() -> None:
        heard, begins = Told(), Beginnings()
        async with Proxy(empty_server.port) as proxy:
            proxy.delay = 0.01
            link = link_to(f"redis://127.0.0.1:{proxy.port}", heard, begins, alone=True)
            async with asyncio.timeout(2), started(link, *range(1000)):
                assert len(begins.begun_with) == 1000

    asyncio.run(scenario())


def test_a_pool_that_comes_later_begins_at_once(empty_server: Server) -> None:
    """And with the next connection again: then nobody has handed it over."""

    async def scenario() -> None:
        heard, begins = Told(), Beginnings()
        link = link_to(empty_server.url, heard, begins, alone=False)
        assert isinstance(await served(link, 5), LinkDown), "there is no connection yet"
        async with started(link, 0):
            begins.taken()
            assert await served(link, 7, b"before") == b"7"
            assert begins.taken() == [(7, b"run 1", b"before")]
            assert begins.begun_with[7] == b"7"
            assert link._wire is not None
            link._wire.drop("a test")
            await heard.until(lambda: heard.gaps == 1, "a gap")
            assert begins.taken() == [(pool, b"run 2", b"") for pool in (0, 5, 7)]

    asyncio.run(scenario())


def test_pools_that_the_server_does_not_serve(empty_server: Server) -> None:
    """Each is told, with why; the others go on, and nothing of those is subscribed."""

    async def scenario() -> None:
        heard, begins = Told(), Beginnings()
        begins.refused = {0, 12}
        link = link_to(empty_server.url, heard, begins, alone=False)
        for pool in 0, 7, 12:
            link.subscribe(b"chat:{%d}:push:1" % pool)
        async with started(link, 0, 7, 12):
            assert [pool for pool, _ in heard.astray] == [0, 12]
            assert all("NOT-HERE" in why for _, why in heard.astray)
            assert begins.begun_with == {7: b"7"}
            await told(link, "PING")
            assert subscribed(empty_server) == {b"chat:{7}:push:1", probe(7)}
            refused = await served(link, 12)
            assert isinstance(refused, hiredis.ReplyError)
            assert await told(link, "PING") == b"PONG"
            assert heard.lost == 0

    asyncio.run(scenario())


def test_where_there_is_no_other_server(empty_server: Server) -> None:
    """A pool that cannot begin is the end of the connection: at the start, and later."""

    async def scenario() -> None:
        heard, begins = Told(), Beginnings()
        begins.refused = {7}
        link = link_to(empty_server.url, heard, begins, alone=True)
        link.serve(7)
        with pytest.raises(StoreUnreachable, match="NOT-HERE"):
            await link.start()
        await link.close()
        link = link_to(empty_server.url, heard, begins, alone=True)
        async with started(link, 0):
            assert isinstance(await served(link, 7), hiredis.ReplyError)
            begins.refused.clear()
            await heard.until(lambda: heard.gaps == 1, "a gap")
            assert begins.begun_with[7] == b"7"

    asyncio.run(scenario())


def test_a_pool_that_leaves_takes_its_channels_along(empty_server: Server) -> None:
    """They do not come back with the next connection; those of others stay."""

    async def scenario() -> None:
        heard, begins = Told(), Beginnings()
        link = link_to(empty_server.url, heard, begins, alone=False)
        async with started(link, 0, 7):
            await served(link, 7)
            link.subscribe(b"chat:{0}:push:1")
            link.subscribe_all({b"chat:{7}:push:%d" % number for number in range(3)})
            await told(link, "PING")
            assert len(subscribed(empty_server)) == 5
            link.leave(7)
            await told(link, "PING")
            left = {b"chat:{0}:push:1", probe(0)}
            assert subscribed(empty_server) == left
            begins.taken()
            assert link._wire is not None
            link._wire.drop("a test")
            await heard.until(lambda: heard.gaps == 1, "a gap")
            await told(link, "PING")
            assert (begins.taken(), heard.of) == ([(0, b"run 2", b"")], [[0]])
            assert subscribed(empty_server) == left

    asyncio.run(scenario())


def test_that_pushes_arrive_is_shown_by_another_pool(empty_server: Server) -> None:
    """Where the one that showed it has left; and by the first that comes, where none was there."""

    async def scenario() -> None:
        heard, begins = Told(), Beginnings()
        begins.refused = {0}
        async with Proxy(empty_server.port) as proxy:
            url = f"redis://127.0.0.1:{proxy.port}"
            link = link_to(url, heard, begins, alone=False, timeout=0.4)
            async with started(link, 0):
                await told(link, "PING")
                assert subscribed(empty_server) == set()
                link.leave(0)
                for pool in 7, 12:
                    await served(link, pool)
                await told(link, "PING")
                assert subscribed(empty_server) == {probe(7)}
                link.leave(7)
                await told(link, "PING")
                assert subscribed(empty_server) == {probe(12)}
                await published(empty_server, 4)
                assert heard.lost == 0, "they arrive"
                deaf(proxy, True)
                await until(lambda: heard.lost == 1, "it is noticed that they do not")
                deaf(proxy, False, only_new=True)
                await heard.until(lambda: heard.gaps == 1, "a gap")

    asyncio.run(scenario())


async def published(server: Server, number: int) -> None:
    """So many probes more."""
    with server.client() as client:

        def calls() -> int:
            return int(client.info("commandstats")["cmdstat_spublish"]["calls"])

        before = calls()
        await until(lambda: calls() >= before + number, "probes")
