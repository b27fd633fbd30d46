"""Where the protocol is spoken: one node with the embedded server, and two nodes on one Redis.

A test of ``places`` runs in both; it gets two addresses, which are the same for one node. Nodes
are started once for each kind and settings, so a test leaves nobody waiting in the queue.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.servers import Server
from tests.support.servers import available_servers as available
from tests.support.wire import Wire

Places = tuple[str, str]

BRIEF = {"CHAT_GRACE_SECONDS": "1", "CHAT_NODE_LEASE_SECONDS": "3"}
TIGHT = {"CHAT_INBOX_LENGTH": "6", "CHAT_SESSIONS_PER_ACCOUNT": "2"}
LIMITED = {
    "CHAT_COMMANDS_PER_SECOND": "20",
    "CHAT_COMMANDS_BURST": "8",
    "CHAT_ACCOUNTS_PER_MINUTE": "5",
}
WAKEFUL = {
    "CHAT_PING_INTERVAL_SECONDS": "0.5",
    "CHAT_PING_TIMEOUT_SECONDS": "4",
    "CHAT_HANDSHAKE_SECONDS": "2",
}


class Houses:
    """Nodes by kind and settings."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._built: dict[tuple[str, str], Places] = {}

    def places(self, kind: str, settings: Mapping[str, str]) -> Places:
        name = (kind, repr(settings))
        if name not in self._built:
            self._built[name] = self._build(kind, {**NO_LIMITS, **settings})
        places = self._built[name]
        for url in places:
            asyncio.run(_nobody_waits(url))
        return places

    def _build(self, kind: str, settings: Mapping[str, str]) -> Places:
        if kind == "embedded":
            url = self._stack.enter_context(NodeProcess(env=settings)).url
            return url, url
        server = self._stack.enter_context(Server(available()[0]))
        nodes = NodeProcess(server.url, settings), NodeProcess(server.url, settings)
        for node in nodes:
            self._stack.callback(node.close)
            node.launch()
        for node in nodes:
            node.wait_ready()
        return nodes[0].url, nodes[1].url


async def _nobody_waits(url: str) -> None:
    """The last test's people are gone from this node, and from the queue.

    The node has seen the end of their sockets before it sees this new one.
    """
    wire = await Wire.open(url)
    await wire.create()
    while (met := await wire.match())["code"] == 0:
        await wire.leave(met["sessionId"])
    await wire.match_cancel()
    await wire.close(1000)


@pytest.fixture(scope="session")
def _houses() -> Iterator[Houses]:
    with ExitStack() as stack:
        yield Houses(stack)


@pytest.fixture(params=["embedded", "two-nodes"])
def kind(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def places(_houses: Houses, kind: str) -> Places:
    """Without limits, with the default times."""
    return _houses.places(kind, {})


@pytest.fixture
def brief_places(_houses: Houses, kind: str) -> Places:
    """A grace time of one second."""
    return _houses.places(kind, BRIEF)


@pytest.fixture
def tight_places(_houses: Houses, kind: str) -> Places:
    """Room for six pushes in an inbox and for two sessions."""
    return _houses.places(kind, TIGHT)


@pytest.fixture
def limited_places(_houses: Houses, kind: str) -> Iterator[Places]:
    """Few commands at once, few accounts in a minute: for one test only."""
    with ExitStack() as stack:
        yield Houses(stack).places(kind, LIMITED)


@pytest.fixture
def wakeful_places(_houses: Houses, kind: str) -> Places:
    """Pings after half a second, the end after four; an account within two."""
    return _houses.places(kind, WAKEFUL)
