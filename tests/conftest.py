"""Fixtures: real servers and nodes.

Servers and the pair of nodes are started once for the run. ``redis_server`` is never flushed, since
nodes live on it; what wants an empty server takes ``empty_server``. Tests that stop, kill or freeze
something start their own: ``with Server("redis") as server``, ``with NodeProcess(server.url) as node``.
"""

import os
from collections.abc import Iterator

import pytest

from tests.support.balancer import find
from tests.support.browser import chromium
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import wait_until
from tests.support.servers import KINDS, Kind, Server, available_servers, version

Nodes = tuple[NodeProcess, NodeProcess]


def pytest_report_header() -> str:
    found = [f"{kind} {version(kind)}" for kind in available_servers()]
    browser = "Chromium behind nginx" if chromium() and find("nginx") else "none"
    return f"real servers: {', '.join(found) or 'none'}; browser: {browser}"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under continuous integration all that can be installed is there, so what is skipped is hidden. An
    IPv6 network is nothing that the run could install."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [] if reporter is None else reporter.stats.get("skipped", [])
    hidden = [report for report in skipped if "IPv6" not in str(report.longrepr)]
    if os.environ.get("CI") and hidden:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    """The first kind of real server that is here; shared with the nodes, so never flushed."""
    kinds = available_servers()
    if not kinds:
        pytest.fail("there is neither Redis 7.0 nor Valkey on this machine")
    with Server(kinds[0]) as server:
        yield server


@pytest.fixture(scope="session", params=KINDS)
def any_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each kind of real server in turn."""
    kind: Kind = request.param
    if kind not in available_servers():
        pytest.skip(f"there is no {kind} on this machine")
    with Server(kind) as server:
        yield server


@pytest.fixture
def empty_server(any_server: Server) -> Server:
    """Each kind of real server in turn, without keys and functions."""
    any_server.flush()
    return any_server


@pytest.fixture(scope="session")
def _node_pair(redis_server: Server) -> Iterator[Nodes]:
    nodes = (
        NodeProcess(redis_server.url, NO_LIMITS),
        NodeProcess(redis_server.url, NO_LIMITS),
    )
    try:
        _start(nodes)
        yield nodes
    finally:
        for node in nodes:
            node.close()


@pytest.fixture
def two_nodes(_node_pair: Nodes, redis_server: Server) -> Nodes:
    """Two nodes on ``redis_server`` without limits, where nobody waits for a partner any more."""
    _start(_node_pair)
    with redis_server.client() as client:
        wait_until(lambda: not client.keys("chat:*:queue"), "the last test's people left the queue")
    return _node_pair


@pytest.fixture
def embedded_node() -> Iterator[NodeProcess]:
    """One node without a Redis, on its embedded server, without limits."""
    with NodeProcess(env=NO_LIMITS) as node:
        yield node


def _start(nodes: Nodes) -> None:
    """Start those that do not run, at the same time."""
    stopped = [node for node in nodes if not node.running]
    for node in stopped:
        node.launch()
    for node in stopped:
        node.wait_ready()
