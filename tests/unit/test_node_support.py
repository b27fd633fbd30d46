"""The nodes that other tests stand on: as processes, which start, stop, freeze and say what is wrong."""

import asyncio
from pathlib import Path

import pytest

from tests.conftest import Nodes
from tests.support.nodes import NodeProcess
from tests.support.process import ProcessFailed
from tests.support.wire import pair


def test_a_node_starts_and_stops() -> None:
    """Ready to begin with; after SIGTERM it ends well."""
    with NodeProcess() as node:
        assert node.get("/healthz")[0] == 200
        assert node.rss() > 1_000_000
        assert node.stop() == 0


def test_a_node_that_cannot_start_says_why() -> None:
    """Its output is in the exception."""
    node = NodeProcess(None, None, 0, "--no-such-option")
    with pytest.raises(ProcessFailed, match="no-such-option"), node:
        pytest.fail("it started")


def test_a_frozen_node_thaws(embedded_node: NodeProcess) -> None:
    """Not ready while it stands still."""
    embedded_node.freeze()
    assert not embedded_node.ready()
    embedded_node.thaw()
    assert embedded_node.get("/readyz", timeout=10)[0] == 200


def test_two_strangers_on_two_nodes(two_nodes: Nodes) -> None:
    """The pair that most other tests begin with."""

    async def scenario() -> None:
        a, b, session = await pair(two_nodes[0].url, two_nodes[1].url)
        await a.nothing()
        await b.nothing_from(a, session)
        assert (await a.say(session, "hello"))["code"] == 0
        await b.expect("PUSH_DIALOGUE_REQ", senderId=a.account_id, content="hello")

    asyncio.run(scenario())


def test_the_environment_of_the_developer_does_not_reach_nodes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Redis URL set in a shell must not change what is tested."""
    monkeypatch.setenv("CHAT_REDIS_URL", "redis://nowhere.invalid")
    with NodeProcess() as node:
        environment = Path(f"/proc/{node.pid}/environ").read_bytes()
        assert b"CHAT_REDIS_URL" not in environment
