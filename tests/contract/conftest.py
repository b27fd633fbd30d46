"""The same contract over the embedded server, Redis and Valkey; over a primary that sentinels watch; and over a cluster
of three primaries, with the pools spread over them. Both have replicas."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from chat.store.embedded import EmbeddedServer
from tests.contract.pool import Pool
from tests.support.cluster import Cluster, cluster
from tests.support.sentinels import flock
from tests.support.servers import KINDS, Kind, Server, available_servers


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[Kind, Server]]:
    """A server of each real kind that is here, for these tests alone."""
    with ExitStack() as stack:
        yield {kind: stack.enter_context(Server(kind)) for kind in available_servers()}


@pytest.fixture(scope="session")
def primary() -> Iterator[Callable[[], Server]]:
    """The primary of a set that sentinels watch, which is started when it is asked for."""
    with ExitStack() as stack:
        birds = cache(lambda: stack.enter_context(flock(replicas=1)))
        yield lambda: birds().primary


class Spread:
    """The primaries of a cluster in which no pool moves, so that each has to be looked for only once."""

    def __init__(self, servers: Cluster) -> None:
        self.primaries = servers.primaries
        self.primary_of = cache(servers.primary_of)


@pytest.fixture(scope="session")
def spread() -> Iterator[Callable[[], Spread]]:
    """Three primaries with a replica each, which are started when they are asked for."""
    with ExitStack() as stack:
        yield cache(lambda: Spread(stack.enter_context(cluster())))


@pytest.fixture(params=["embedded", *KINDS, "sentinel", "cluster"])
def pool(
    request: pytest.FixtureRequest,
    servers: dict[Kind, Server],
    primary: Callable[[], Server],
    spread: Callable[[], Spread],
) -> Iterator[Pool]:
    """Pool 0 of an empty server of each kind, or of several."""
    if request.param == "embedded":
        with EmbeddedServer().client() as client:
            yield Pool(client)
    elif request.param == "cluster":
        yield from _pool_of(spread())
    elif request.param == "sentinel":
        yield from _pool_on(primary())
    elif request.param in servers:
        yield from _pool_on(servers[request.param])
    else:
        pytest.skip(f"there is no {request.param} on this machine")


def _pool_on(server: Server) -> Iterator[Pool]:
    server.flush()
    with server.client() as client:
        yield Pool(client)
        # Listeners are connections of this client's pool.
        client.connection_pool.disconnect()


def _pool_of(servers: Spread) -> Iterator[Pool]:
    with ExitStack() as stack:
        clients = {}
        for primary in servers.primaries:
            primary.flush()
            clients[primary] = stack.enter_context(primary.client())
            stack.callback(clients[primary].connection_pool.disconnect)

        def where(number: int) -> Any:
            return clients[servers.primary_of(number)]

        yield Pool(where(0), where=where)
