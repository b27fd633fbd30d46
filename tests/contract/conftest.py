"""The same contract over the embedded server, Redis and Valkey."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chat.store.embedded import EmbeddedServer
from tests.contract.pool import Pool
from tests.support.servers import KINDS, Kind, Server, available_servers


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[Kind, Server]]:
    """A server of each real kind that is here, for these tests alone."""
    with ExitStack() as stack:
        yield {kind: stack.enter_context(Server(kind)) for kind in available_servers()}


@pytest.fixture(params=["embedded", *KINDS])
def pool(request: pytest.FixtureRequest, servers: dict[Kind, Server]) -> Iterator[Pool]:
    """Pool 0 of an empty server of each kind."""
    if request.param == "embedded":
        with EmbeddedServer().client() as client:
            yield Pool(client)
        return
    if request.param not in servers:
        pytest.skip(f"there is no {request.param} on this machine")
    server = servers[request.param]
    server.flush()
    with server.client() as client:
        yield Pool(client)
        # Listeners are connections of this client's pool.
        client.connection_pool.disconnect()
