"""Two nodes, one of which dies, leaves or freezes."""

import asyncio
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from picows import WSHandshakeError

from tests.support.bare_wire import WireClosed
from tests.support.frames import Frame
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import wait_until
from tests.support.servers import Server, available_servers
from tests.support.wire import Wire, pair

QUICK = {
    "CHAT_NODE_LEASE_SECONDS": "1.5",
    "CHAT_REDIS_TIMEOUT_SECONDS": "1",
    "CHAT_GRACE_SECONDS": "20",
}


@contextmanager
def two_nodes(settings: Mapping[str, str]) -> Iterator[tuple[Server, NodeProcess, NodeProcess]]:
    """For one test: it kills one of them."""
    env = {**NO_LIMITS, **QUICK, **settings}
    with Server(available_servers()[0]) as server:
        one, other = NodeProcess(server.url, env), NodeProcess(server.url, env)
        try:
            one.launch()
            other.launch()
            one.wait_ready()
            other.wait_ready()
            yield server, one, other
        finally:
            one.close()
            other.close()


def test_a_killed_node() -> None:
    """The partner at the other node gets PartnerAway, and after the grace time PartnerExit."""

    async def scenario(one: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(one.url, other.url)
        one.kill()
        who = {"accountId": a.account_id}
        away = {"signalType": "PartnerAway", "sessionId": session, "data": who}
        await b.expect("PUSH_SIGNAL_REQ", timeout=10, **away)
        await b.expect("PUSH_SIGNAL_REQ", timeout=10, **{**away, "signalType": "PartnerExit"})

    with two_nodes({"CHAT_GRACE_SECONDS": "1"}) as (server, one, other):
        asyncio.run(scenario(one, other))
        with server.client() as client:  # all that is left is of the node that lives
            wait_until(lambda: not client.keys("chat:*:account:*"), "everybody is gone")
            assert client.zcard("chat:{0}:nodes") == 1
            assert not client.keys("chat:*:inbox:*") + client.keys("chat:*:node:*")


def test_from_a_killed_node_to_the_other() -> None:
    """With everything that was said before and meanwhile, in order, once."""

    async def scenario(one: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(one.url, other.url)
        await b.say(session, "before")
        push = await a.expect("PUSH_DIALOGUE_REQ", content="before")
        assert (await a.say(session, "last words"))["code"] == 0
        one.kill()
        await a.closed()
        for number in range(5):
            assert (await b.say(session, str(number)))["code"] == 0
        await b.expect("PUSH_DIALOGUE_REQ", content="last words")
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway", timeout=10)
        assert (await b.say(session, "5"))["code"] == 0
        again = await Wire.open(other.url)
        answer = await again.take_over(a, push["seq"])
        assert answer["recovered"] is True
        assert [known["sessionId"] for known in answer["sessions"]] == [session]
        for number in range(6):
            await again.expect("PUSH_DIALOGUE_REQ", content=str(number))
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack")
        await again.nothing_from(b, session)

    with two_nodes({}) as (_, one, other):
        asyncio.run(scenario(one, other))


def test_back_before_the_death_was_noticed() -> None:
    """The partner sees neither away nor back, also after the dead node's lease has run out."""

    async def scenario(server: Server, one: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(one.url, other.url)
        one.kill()
        again = await Wire.open(other.url)
        await again.take_over(a)
        await again.expect("PUSH_SIGNAL_REQ", signalType="NewSession")
        with server.client() as client:
            await asyncio.to_thread(
                wait_until, lambda: client.zcard("chat:{0}:nodes") == 1, "the lease has run out"
            )
        await b.nothing_from(again, session)
        await again.nothing_from(b, session)

    with two_nodes({}) as (server, one, other):
        asyncio.run(scenario(server, one, other))


def test_sigterm() -> None:
    """Not ready and no new sockets at once; sockets closed with 1001 a few at a time; exit code 0."""

    async def scenario(one: NodeProcess, other: NodeProcess) -> None:
        pairs = [await pair(one.url, other.url) for _ in range(10)]
        one.signal(signal.SIGTERM)
        staying = {asyncio.create_task(a.closed(20)): (a, b) for a, b, _ in pairs}
        first, _ = await asyncio.wait(staying, return_when=asyncio.FIRST_COMPLETED)
        began = time.monotonic()
        assert len(first) < len(pairs)
        assert (await asyncio.to_thread(one.get, "/readyz"))[0] == 503
        assert (await asyncio.to_thread(one.get, "/healthz"))[0] == 200
        with pytest.raises(WSHandshakeError):
            await Wire.open(one.url)
        a, b = staying[next(iter(first))]
        again = await Wire.open(other.url)
        assert (await again.take_over(a))["code"] == 0
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack")
        assert await asyncio.gather(*staying) == [1001] * 10
        assert time.monotonic() - began > 1.5, (
            "over the whole drain time, not all in its first second"
        )

    with two_nodes({"CHAT_DRAIN_SECONDS": "3"}) as (server, one, other):
        asyncio.run(scenario(one, other))
        assert one.wait(10) == 0
        assert "Traceback" not in one.log()
        with server.client(decode_responses=True) as client:
            assert client.zcard("chat:{0}:nodes") == 1
            (name,) = client.zrange("chat:{0}:nodes", 0, -1)
            assert set(client.keys("chat:{0}:node:*")) <= {f"chat:{{0}}:node:{name}"}


def test_a_second_signal_hurries() -> None:
    """The rest is let go at once, also with 1001."""

    async def scenario(one: NodeProcess) -> None:
        wires = [await Wire.open(one.url) for _ in range(20)]
        for wire in wires:
            await wire.create()
        one.signal(signal.SIGTERM)
        ends = [asyncio.create_task(wire.closed(20)) for wire in wires]
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) < 20
        one.signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            assert await asyncio.gather(*ends) == [1001] * 20

    with two_nodes({"CHAT_DRAIN_SECONDS": "100"}) as (_, one, _other):
        asyncio.run(scenario(one))
        assert one.wait(10) == 0


def test_a_frozen_node() -> None:
    """Awake again, it closes its sockets and hands nothing on for accounts that went elsewhere."""

    async def scenario(one: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(one.url, other.url)
        c, d, second = await pair(one.url, other.url)  # c does not go elsewhere
        one.freeze()
        assert (await b.say(session, "while frozen"))["code"] == 0
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway", timeout=10)
        await d.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway", timeout=10)
        again = await Wire.open(other.url)
        await again.take_over(a)
        await again.expect("PUSH_SIGNAL_REQ", signalType="NewSession")
        await again.expect("PUSH_DIALOGUE_REQ", content="while frozen")
        assert (await b.say(session, "after"))["code"] == 0
        await again.expect("PUSH_DIALOGUE_REQ", content="after")
        a.send({"cmd": "LEAVE_REQ", "accountId": a.account_id, "sessionId": session})
        one.thaw()
        assert await a.closed(10) == 4001
        assert await c.closed(10) == 1001
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack")
        await b.nothing_from(again, session)
        late = await Wire.open(one.url)
        assert (await late.take_over(c))["code"] == 0
        await d.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack", sessionId=second)
        assert await unread(a) == []

    with two_nodes({}) as (_, one, other):
        asyncio.run(scenario(one, other))


async def unread(wire: Wire) -> list[Frame]:
    """What a closed socket still had for its client, pings left out."""
    frames = []
    try:
        while True:
            frames.append(await wire.receive())
    except WireClosed:
        return [frame for frame in frames if frame["cmd"] != "PING_REQ"]
