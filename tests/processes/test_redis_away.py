"""Redis that goes away and comes back, under a node that stays."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.support.frames import Frame
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import wait_until
from tests.support.proxy import Passage, Proxy, ProxyThread
from tests.support.servers import Server, available_servers
from tests.support.wire import Wire, pair

QUICK = {
    "CHAT_REDIS_TIMEOUT_SECONDS": "0.5",
    "CHAT_NODE_LEASE_SECONDS": "1.5",
    "CHAT_GRACE_SECONDS": "20",
}


@contextmanager
def house(settings: Mapping[str, str]) -> Iterator[tuple[Server, NodeProcess, NodeProcess]]:
    """A Redis that keeps its data, and two nodes on it."""
    env = {**NO_LIMITS, **QUICK, **settings}
    with Server(available_servers()[0], appendonly=True) as server:
        nodes = NodeProcess(server.url, env), NodeProcess(server.url, env)
        try:
            for node in nodes:
                node.launch()
            for node in nodes:
                node.wait_ready()
            yield server, *nodes
        finally:
            for node in nodes:
                node.close()


@contextmanager
def behind_a_proxy(
    settings: Mapping[str, str],
) -> Iterator[tuple[Server, ProxyThread, NodeProcess, NodeProcess]]:
    """A node whose Redis is reached through a proxy, and one that reaches it directly."""
    env = {**NO_LIMITS, **QUICK, **settings}
    with (
        Server(available_servers()[0]) as server,
        ProxyThread(server.port) as proxy,
        NodeProcess(f"redis://127.0.0.1:{proxy.port}/0", env) as node,
        NodeProcess(server.url, env) as other,
    ):
        yield server, proxy, node, other


async def until(condition: Callable[[], object], what: str) -> None:
    """The loop stays free meanwhile, so that pings are read."""
    await asyncio.to_thread(wait_until, condition, what, timeout=20)


def pause(server: Server) -> None:
    server.pause()


def stop(server: Server) -> None:
    server.stop()


def resume(server: Server) -> None:
    server.resume()


def start(server: Server) -> None:
    server.start()


@pytest.mark.parametrize(("gone", "back"), [(pause, resume), (stop, start)])
def test_redis_is_away_for_longer_than_a_lease(
    gone: Callable[[Server], None], back: Callable[[Server], None]
) -> None:
    """Code 2 meanwhile, sockets stay; then all goes on, and nobody was taken for away."""

    async def scenario(server: Server, one: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(one.url, other.url)
        await a.say(session, "before")
        await b.expect("PUSH_DIALOGUE_REQ", content="before")
        stranger = await Wire.open(one.url)
        gone(server)
        refusal = await a.say(session, "meanwhile", "r")
        assert refusal == {"cmd": "DIALOGUE_RESP", "code": 2, "requestId": "r"}
        assert await b.match() == {"cmd": "MATCH_RESP", "code": 2}
        answer = await stranger.request("CRT_ACCOUNT", nickName="Carol")
        assert answer == {"cmd": "CRT_ACCOUNT_RESP", "code": 2}
        await until(lambda: not one.ready() and not other.ready(), "the leases have run out")
        assert (await asyncio.to_thread(one.get, "/healthz"))[0] == 200
        await a.nothing()
        await b.nothing()
        back(server)
        await until(lambda: one.ready() and other.ready(), "the nodes are ready")
        assert (await a.say(session, "meanwhile", "r", retry=True))["msgId"] == 2
        await b.expect("PUSH_DIALOGUE_REQ", content="meanwhile")
        await somebody_sweeps(server)
        await a.nothing_from(b, session)
        await b.nothing_from(a, session)
        await stranger.create("Carol")
        assert (await stranger.match())["code"] in (0, 4)

    with house({}) as (server, one, other):
        asyncio.run(scenario(server, one, other))


async def somebody_sweeps(server: Server) -> None:
    """Returns when somebody has swept again: nodes spare each other for a while."""
    with server.client(decode_responses=True) as client:

        def swept() -> int:
            stats = client.info("commandstats").get("cmdstat_zrangebyscore", {})
            return int(stats.get("calls", 0))

        before = swept()
        await until(lambda: swept() > before, "a sweep")


def test_pushes_of_the_time_without_a_link() -> None:
    """What was recorded meanwhile by the other node is delivered, in order, once it is back."""

    async def scenario(proxy: ProxyThread, node: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(node.url, other.url)
        proxy.set(refusing=True)
        proxy.cut()
        for number in range(20):
            assert (await b.say(session, str(number)))["code"] == 0
        await a.nothing()
        proxy.set(refusing=False)
        for number in range(20):
            await a.expect("PUSH_DIALOGUE_REQ", content=str(number))
        await a.nothing_from(b, session)

    with behind_a_proxy({"CHAT_NODE_LEASE_SECONDS": "30"}) as (_, proxy, node, other):
        asyncio.run(scenario(proxy, node, other))


def test_a_link_that_breaks_while_the_gap_is_read() -> None:
    """The node goes on, and reads again when the link is back for good."""

    async def scenario(proxy: ProxyThread, node: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(node.url, other.url)

        def break_again(passage: Passage, data: bytes) -> None:
            if b"chat_1_resume" in data:
                inside.refusing = True
                inside.cut()

        inside: Proxy = proxy.do(lambda proxy: proxy)
        proxy.set(on_sent=break_again)
        proxy.cut()
        await until(lambda: inside.refusing, "the gap is read")
        tries = inside.accepted
        await until(lambda: inside.accepted > tries + 7, "it tries to come back")
        assert (await asyncio.to_thread(node.get, "/healthz"))[0] == 200
        assert (await b.say(session, "meanwhile"))["code"] == 0
        proxy.set(refusing=False, on_sent=lambda passage, data: None)
        await a.expect("PUSH_DIALOGUE_REQ", content="meanwhile", timeout=10)

    with behind_a_proxy({"CHAT_NODE_LEASE_SECONDS": "30"}) as (_, proxy, node, other):
        asyncio.run(scenario(proxy, node, other))


def test_a_lost_answer_is_code_2_and_a_retry_finds_the_message() -> None:
    """Recorded once: the retry gets its number, the partner has it once."""

    async def scenario(proxy: ProxyThread, node: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(node.url, other.url)
        proxy.set(swallowing=True)
        refusal = await a.say(session, "once", "r")
        assert refusal == {"cmd": "DIALOGUE_RESP", "code": 2, "requestId": "r"}
        await b.expect("PUSH_DIALOGUE_REQ", content="once")
        proxy.set(swallowing=False)
        answer: Frame = {"code": 2}
        async with asyncio.timeout(10):
            while answer["code"] == 2:
                answer = await a.say(session, "once", "r", retry=True)
        assert answer["msgId"] == 1
        await b.nothing_from(a, session)

    with behind_a_proxy({"CHAT_NODE_LEASE_SECONDS": "30"}) as (_, proxy, node, other):
        asyncio.run(scenario(proxy, node, other))


def test_no_key_is_left() -> None:
    """Of accounts whose answer was lost, and of people who left while there was no link."""

    async def scenario(
        server: Server, proxy: ProxyThread, node: NodeProcess, other: NodeProcess
    ) -> None:
        a, b, _ = await pair(node.url, other.url)
        late = await Wire.open(node.url)
        proxy.set(swallowing=True)
        answer = await late.request("CRT_ACCOUNT", nickName="nobody")
        assert answer == {"cmd": "CRT_ACCOUNT_RESP", "code": 2}
        again = await Wire.open(node.url)
        answer = await again.take_over(b)
        assert answer["code"] == 2
        await a.close(1000)
        await late.close(1000)
        b.abort()
        proxy.set(swallowing=False)
        with server.client(decode_responses=True) as client:
            await until(lambda: not client.keys("chat:*:account:*"), "everybody is gone")
            kept = {key for key in client.keys("*") if client.ttl(key) < 0}
            assert kept <= {f"chat:{{0}}:{name}" for name in ("last", "open", "nodes", "pools")}
            assert set(client.hvals("chat:{0}:open")) == {"0"}

    with behind_a_proxy({"CHAT_GRACE_SECONDS": "1"}) as (server, proxy, node, other):
        asyncio.run(scenario(server, proxy, node, other))
