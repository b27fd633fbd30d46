"""What the tests of clusters share."""

from collections.abc import Iterator

import pytest

from tests.support.cluster import cluster as real_cluster
from tests.support.nodes import NodeProcess
from tests.support.servers import Server
from tests.top.pools import PATIENT, POOLS, Place


@pytest.fixture(scope="module")
def cluster(any_server: Server) -> Iterator[Place]:
    """Three primaries with a pool each, and a node."""
    with (
        real_cluster(*PATIENT, kind=any_server.kind, replicas=0) as made,
        NodeProcess(made.url, POOLS) as node,
    ):
        yield made, node
