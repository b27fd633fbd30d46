"""Every profile against two real nodes: what it does is done, and nothing is lost."""

import asyncio

import pytest

from chat.load.crowd import Crowd
from chat.load.load import run
from chat.load.options import Options
from chat.load.result import Result
from tests.conftest import Nodes
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.servers import Server


def loaded(nodes: Nodes, **options: object) -> Result:
    urls = tuple(node.url for node in nodes)
    result = asyncio.run(run(Options(urls, **options)))  # type: ignore[arg-type]  # of all kinds
    tally = result.tally
    assert (result.ok, dict(tally.errors), dict(tally.troubles)) == (True, {}, {})
    assert tally.said == tally.confirmed == tally.arrived
    assert result.here == tally.accounts == 2 * result.options.pairs
    return result


def test_pairs_talk_at_the_rate_that_was_asked_for(two_nodes: Nodes) -> None:
    """Each message has its two times; each person is matched once."""
    tally = loaded(two_nodes, pairs=10, rate=200, duration=1.0).tally
    assert (tally.said, tally.held_back, tally.meetings) == (200, 0, 10)
    assert tally.answer.count == tally.delivery.count == 200
    assert (tally.connect.count, tally.match.count) == (20, 20)


def test_partners_sit_on_different_nodes(two_nodes: Nodes) -> None:
    """Where several are given: so every message passes from one to another."""

    async def scenario() -> None:
        async with Crowd([node.url for node in two_nodes]) as crowd:
            await crowd.come(10)
            await crowd.pair_off()
            assert all(crowd.people[p.partner].url != p.url for p in crowd.everybody)

    asyncio.run(scenario())


def test_as_fast_as_they_are_answered(two_nodes: Nodes) -> None:
    """A closed loop: never more than eight messages of a pair under way, and none is held back."""
    tally = loaded(two_nodes, pairs=3, rate=None, duration=1.0).tally
    assert tally.said > 100
    assert tally.held_back == 0


def test_pairs_of_different_pools(empty_server: Server) -> None:
    """Who was moved to a partner has met as anybody else: one of the two has the first word."""
    env = {**NO_LIMITS, "CHAT_POOLS": "4", "CHAT_POOL_ACCOUNTS": "1"}
    with NodeProcess(empty_server.url, env) as one, NodeProcess(empty_server.url, env) as other:
        tally = loaded((one, other), pairs=2, rate=20, duration=1.0).tally
        assert (tally.meetings, tally.match.count) == (2, 4)


@pytest.mark.parametrize("rate", [50.0, None])
def test_people_meet_and_leave_and_meet_again(two_nodes: Nodes, rate: float | None) -> None:
    """One message each time; at the end nobody is in a session."""
    tally = loaded(two_nodes, profile="churn", pairs=5, rate=rate, duration=1.0).tally
    assert tally.meetings >= 10
    assert rate is None or tally.meetings + tally.held_back == 50
    assert tally.said == tally.meetings
    assert tally.match.count == 2 * tally.meetings


@pytest.mark.parametrize("matched", [False, True])
def test_an_idle_crowd_is_silent(two_nodes: Nodes, matched: bool) -> None:
    """With a partner or without."""
    tally = loaded(two_nodes, profile="idle", pairs=10, matched=matched, duration=0.3).tally
    assert (tally.said, tally.meetings) == (0, 10 if matched else 0)


@pytest.mark.parametrize("rate", [300.0, None])
def test_after_a_storm_everybody_is_back_and_nothing_is_lost(
    two_nodes: Nodes, rate: float | None
) -> None:
    """All sockets are cut at once in the middle of the talk, at the ramp they come back."""
    result = loaded(two_nodes, profile="storm", pairs=10, rate=rate, ramp=100, duration=2.0)
    tally = result.tally
    assert (tally.cut, tally.came_back, tally.sockets_lost) == (20, 20, 0)
    assert (tally.accounts_lost, tally.unrecovered, tally.back.count) == (0, 0, 20)
    assert tally.all_back is not None
    assert tally.all_back >= 0.19
    assert tally.back.longest <= tally.all_back + 0.1


def test_every_push_is_acknowledged_at_once_where_that_is_asked_for(two_nodes: Nodes) -> None:
    """As the page does it; otherwise many together. Either way nobody's inbox grows."""
    for ack_each in (True, False):
        loaded(two_nodes, pairs=3, rate=100, duration=0.5, ack_each=ack_each)
