"""The same contract over the embedded server, Redis and Valkey; and over a primary that sentinels watch and one of a
cluster, with their replicas. The one of the cluster has all pools, as a test may use several."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from chat.store.embedded import EmbeddedServer
from tests.contract.pool import Pool
from tests.support.cluster import cluster
from tests.support.sentinels import flock
from tests.support.servers import KINDS, Kind, Server, available_servers

Primary = Callable[[], Server]


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[Kind, Server]]:
    """A server of each real kind that is here, for these tests alone."""
    with ExitStack() as stack:
        yield {kind: stack.enter_context(Server(kind)) for kind in available_servers()}


@pytest.fixture(scope="session")
def sets() -> Iterator[dict[str, Primary]]:
    """The primary of a set with sentinels, and that of a cluster; each is started when it is asked for."""
    with ExitStack() as stack:
        made: dict[str, Primary] = {}

        def sentinel() -> Server:
            if "sentinel" not in made:
                birds = stack.enter_context(flock(replicas=1))
                made["sentinel"] = lambda: birds.primary
            return made["sentinel"]()

        def clustered() -> Server:
            if "cluster" not in made:
                whole = stack.enter_context(cluster(primaries=1))
                made["cluster"] = lambda: whole.primary_of(0)
            return made["cluster"]()

        yield {"sentinel": sentinel, "cluster": clustered}


@pytest.fixture(params=["embedded", *KINDS, "sentinel", "cluster"])
def pool(
    request: pytest.FixtureRequest, servers: dict[Kind, Server], sets: dict[str, Primary]
) -> Iterator[Pool]:
    """Pool 0 of an empty server of each kind."""
    if request.param == "embedded":
        with EmbeddedServer().client() as client:
            yield Pool(client)
        return
    if request.param in sets:
        server = sets[request.param]()
    elif request.param in servers:
        server = servers[request.param]
    else:
        pytest.skip(f"there is no {request.param} on this machine")
    server.flush()
    with server.client() as client:
        yield Pool(client)
        # Listeners are connections of this client's pool.
        client.connection_pool.disconnect()
