"""Backpressure, not memory: what cannot be served now waits at the clients' side."""

import asyncio
import json
import re
import time

from chat.store.wire import PRESSED_CALLS
from tests.link.calls import until
from tests.processes.test_pools import come, new_session, talk
from tests.support.cluster import Cluster, cluster
from tests.support.frames import TEXT, encode_frame
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.servers import Server, available_servers
from tests.support.wire import Wire, pair
from tests.wire.abuse import quiet_node

PATIENT = {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "20", "CHAT_NODE_LEASE_SECONDS": "60"}
TALKERS, MESSAGES = 10, 3000
BOUND = 30 * 1024 * 1024
"""Of 100 MB that are sent. What is open at most, about a thousand calls of 2 kB, is kept as a command, a call and
what is written; but what a process gave back to its allocator still counts as its own."""
NORMAL_SECONDS = 1.0
"""Two messages there and back, on a machine that does something else too."""


def message(wire: Wire, session: int, number: int) -> bytes:
    fields = {
        "cmd": "DIALOGUE_REQ", "requestId": str(number), "senderId": wire.account_id,
        "sessionId": session, "content": "x" * 2000,
    }  # fmt: skip
    return encode_frame(TEXT, json.dumps(fields).encode())


def test_a_redis_that_stands_still() -> None:
    """60 MB of messages from a few people, and 40 MB from one who waits for an account: the node takes a
    part, answers its health check, and everything is answered in its order when Redis goes on."""

    async def scenario(server: Server, node: NodeProcess) -> None:
        people = [await talker(node) for _ in range(TALKERS)]
        newcomer = await Wire.open(node.url)
        server.pause()
        try:
            before = node.rss()
            for wire, session in people:
                for number in range(MESSAGES):
                    wire.raw(message(wire, session, number))
            newcomer.send({"cmd": "CRT_ACCOUNT_REQ", "nickName": "Hasty"})
            newcomer.raw(encode_frame(TEXT, b'{"x":"%b"}' % (b"x" * 10_000)) * 4000)
            for _ in range(50):
                assert (await asyncio.to_thread(node.get, "/healthz"))[0] == 200
            assert node.rss() - before < BOUND
        finally:
            server.resume()
        await asyncio.gather(*(all_answered(wire) for wire, _ in people))
        await newcomer.expect("CRT_ACCOUNT_RESP", code=0, timeout=30)
        for _ in range(4000):
            await newcomer.expect("ERROR_RESP", code=1)

    with Server(available_servers()[0]) as server, quiet_node(PATIENT, server.url) as node:
        asyncio.run(scenario(server, node))


def test_a_pool_whose_server_stands_still() -> None:
    """Its people wait with all they have to say; those of another pool talk on as ever, and new ones come."""

    async def scenario(made: Cluster, node: NodeProcess) -> None:
        alice, ada, _, bob, carol = [await come(node, pool) for pool in (0, 0, 0, 1, 1)]
        waiting, talking = await met(alice, ada), await met(bob, carol)
        ada.abort()
        await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        server = made.primary_of(0)
        server.pause()
        try:
            for number in range(MESSAGES):
                alice.raw(message(alice, waiting, number))
            await until(lambda: open_calls(node) > PRESSED_CALLS, "there is pressure")
            for _ in range(20):
                began = time.monotonic()
                await talk(bob, carol, talking)
                assert time.monotonic() - began < NORMAL_SECONDS
            newcomer = await Wire.open(node.url)
            newcomer.send("nonsense")
            await newcomer.expect("ERROR_RESP", code=1)
            await newcomer.create()
            assert newcomer.account_id % 1000 == 1
            assert open_calls(node) < MESSAGES, "the rest is with its client"
        finally:
            server.resume()
        await all_answered(alice)
        await talk(bob, carol, talking)

    pools = {"CHAT_POOLS": "2", "CHAT_POOL_ACCOUNTS": "3"}
    with (
        cluster(primaries=2, replicas=0) as made,
        NodeProcess(made.url, {**PATIENT, **pools}) as node,
    ):
        asyncio.run(scenario(made, node))


async def met(one: Wire, other: Wire) -> int:
    """The session of two who are in the same pool."""
    await one.match()
    session: int = (await other.match())["sessionId"]
    await new_session(one, other)
    return session


def open_calls(node: NodeProcess) -> float:
    found = re.search(r"^chat_link_open_calls (\S+)", node.get("/metrics")[1], re.MULTILINE)
    assert found is not None
    return float(found[1])


async def talker(node: NodeProcess) -> tuple[Wire, int]:
    """Somebody whose partner is away: what is said waits for it, and is refused when its inbox is full."""
    wire, partner, session = await pair(node.url, node.url)
    partner.abort()
    await wire.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
    return wire, session


async def all_answered(wire: Wire) -> None:
    """In the order of the requests."""
    for number in range(MESSAGES):
        await wire.expect("DIALOGUE_RESP", requestId=str(number), timeout=60)
