"""Everybody asks for a match at the same moment, over several nodes: nobody is paired twice."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack
from itertools import zip_longest
from time import monotonic
from typing import Any

import pytest

from chat.store.address import Address
from chat.store.keys import probe_of
from chat.store.library import Generations, greet
from chat.store.link import RedisLink
from chat.store.store import Store
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.servers import KINDS, Kind, Server, available_servers
from tests.support.wire import Wire

PEOPLE = 500
NODES = 3
ROUNDS = 20


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of each real kind, for one test alone."""
    kind: Kind = request.param
    if kind not in available_servers():
        pytest.skip(f"there is no {kind} on this machine")
    with Server(kind) as server:
        yield server


class RacingNode:
    """A node's store on a connection of its own; what its people were told."""

    def __init__(self, url: str, name: str) -> None:
        def pushed(channel: bytes, payload: bytes) -> None:
            self.pushes.append(payload)

        link = RedisLink(
            Address.parse(url), greet, Generations(), pushed, lambda _: None, lambda _: None,
            probe=lambda pool: probe_of(pool, name), timeout=30,
        )  # fmt: skip
        self.store = Store(
            link, Generations(), name, lambda *_: None, pools=1, pool_accounts=100_000, grace=60, lease=60, inbox_length=100,
            sessions_per_account=8, accounts_per_minute=0, timeout=30, clock=monotonic,
        )  # fmt: skip
        self.people: dict[int, int] = {}  # with the epoch of the socket
        self.met: dict[int, tuple[int, int]] = {}  # who asked: session, partner
        self.waiting: set[int] = set()
        self.pushes: list[bytes] = []

    def come(self, number: int) -> None:
        """So many accounts are made, and their channels listened to."""

        def created(code: int, values: Any) -> None:
            assert code == 0
            self.people[values[0]] = values[1]
            self.store.subscribe(0, values[0])

        for name in range(number):
            self.store.create(b'"%d"' % name, "token", "address", created)

    def ask(self, account: int) -> None:
        def answered(code: int, values: Any) -> None:
            assert code in (0, 4)
            if code == 0:
                session, partner, *_ = values
                self.met[account] = session, partner
            else:
                self.waiting.add(account)

        self.store.match(0, account, self.people[account], answered)


def check_pairs(people: list[int], met: dict[int, tuple[int, int]], waited: set[int]) -> None:
    """Counts the winners: half of them asked and met somebody, each one a different other."""
    assert len(people) == len(set(people)) == PEOPLE
    assert len(met) == len(waited) == PEOPLE // 2
    assert met.keys() | waited == set(people)
    assert Counter(partner for _, partner in met.values()) == Counter(waited)
    assert len({session for session, _ in met.values()}) == PEOPLE // 2


@pytest.mark.slow
def test_three_nodes_at_once_pair_everybody_exactly_once(server: Server) -> None:
    """Over three connections; again and again, each time in an empty database."""

    for _ in range(ROUNDS):
        server.flush()
        asyncio.run(race(server))


async def race(server: Server) -> None:
    nodes = [RacingNode(server.url, f"node-{number}") for number in range(NODES)]
    for node in nodes:
        await node.store.start()
    for number, node in enumerate(nodes):
        node.come(PEOPLE // NODES + (number < PEOPLE % NODES))
    await settled(node.store.settled() for node in nodes)
    await settled(node.store.settled() for node in nodes)  # the subscriptions
    for asking in zip_longest(*(node.people for node in nodes)):
        for node, account in zip(nodes, asking, strict=True):
            if account is not None:
                node.ask(account)
    await settled(node.store.settled() for node in nodes)
    for node in nodes:
        await node.store.upkeep.held(
            0
        )  # its answer comes behind every push that was published before
    met = {asker: pair for node in nodes for asker, pair in node.met.items()}
    people = [account for node in nodes for account in node.people]
    check_pairs(people, met, {account for node in nodes for account in node.waiting})
    check_pushes([push for node in nodes for push in node.pushes], met)
    with server.client() as client:
        assert not client.exists("chat:{0}:queue")
        for asker, (session, partner) in met.items():
            for account in asker, partner:
                assert client.smembers(f"chat:{{0}}:sessions:{account}") == {b"%d" % session}
    for node in nodes:
        await node.store.close()


def check_pushes(pushes: list[bytes], met: dict[int, tuple[int, int]]) -> None:
    """Everybody who waited was told once, of the one who asked; each at the own node."""
    assert len(pushes) == len(met)
    for asker, (session, partner) in met.items():
        told = b'"senderId":%d,"sessionId":%d,"receiverId":%d,' % (asker, session, partner)
        assert sum(told in push for push in pushes) == 1


async def settled(waits: Iterator[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*waits)


@pytest.mark.slow
def test_five_hundred_sockets_on_three_nodes_are_paired_exactly_once(server: Server) -> None:
    """The same with real processes: who gets an answer and who gets NewSession are two halves."""

    async def scenario(nodes: list[NodeProcess]) -> None:
        wires = await asyncio.gather(
            *(Wire.open(nodes[number % NODES].url) for number in range(PEOPLE))
        )
        await asyncio.gather(*(wire.create(str(n)) for n, wire in enumerate(wires)))
        answers = await asyncio.gather(*(wire.match() for wire in wires))
        met, waited, told = {}, set(), {}
        for wire, answer in zip(wires, answers, strict=True):
            assert answer["code"] in (0, 4)
            if answer["code"] == 0:
                met[wire.account_id] = answer["sessionId"], answer["partnerId"]
            else:
                waited.add(wire.account_id)
                push = await wire.expect("PUSH_SIGNAL_REQ", signalType="NewSession", seq=1)
                told[push["senderId"]] = push["sessionId"], wire.account_id
        check_pairs([wire.account_id for wire in wires], met, waited)
        assert told == met
        await asyncio.gather(*(wire.nothing() for wire in wires))

    with ExitStack() as stack:
        nodes = [NodeProcess(server.url, NO_LIMITS) for _ in range(NODES)]
        for node in nodes:
            stack.callback(node.close)
            node.launch()
        for node in nodes:
            node.wait_ready()
        asyncio.run(scenario(nodes))
