"""``match`` and ``cancel``, over answers that are lost."""

import asyncio

import pytest

from chat.client.events import MatchCancelled, Matched, Reconnected, Refused
from tests.client.scene import BOB, EVE, soon, talking
from tests.support.scripted_node import listed


def test_match_at_once() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            assert talk.me.sessions == (BOB,)

    asyncio.run(scenario())


def test_match_waits_for_a_new_session() -> None:
    """The push may be in the same packet as the answer."""

    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            talk.peer.signal("NewSession", {"accountId": 2000, "nickName": "Bob"}, seq=1)
            assert await matching == BOB
            assert await talk.next() == Matched(BOB)
            assert (await talk.peer.receive("PUSH_SIGNAL_RESP"))["seq"] == 1

    asyncio.run(scenario())


def test_match_asks_again_when_its_answer_was_lost() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.abort()
            await talk.come_back()
            await talk.peer.pair()
            assert await matching == BOB

    asyncio.run(scenario())


def test_match_takes_the_session_of_a_lost_answer() -> None:
    """Asking again could open a second session."""

    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.abort()
            await talk.come_back(sessions=[listed()])
            assert await matching == BOB
            await talk.settled()
            assert talk.peer.unread() == []
            assert await talk.next() == Reconnected(True, False, (BOB,))
            assert await talk.next() == Matched(BOB)

    asyncio.run(scenario())


@pytest.mark.parametrize("waiting", [True, False])
def test_match_does_not_ask_again_when_the_node_has_done_so(waiting: bool) -> None:
    """Not waiting means here that a NewSession is on its way."""

    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            await talk.settled()
            talk.peer.abort()
            await talk.come_back(waiting=waiting)
            await talk.settled()
            assert talk.peer.unread() == []
            talk.peer.signal("NewSession", {"accountId": 2000, "nickName": "Bob"}, seq=1)
            assert await matching == BOB

    asyncio.run(scenario())


def test_match_asks_again_when_its_place_is_lost() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            await talk.settled()
            talk.peer.abort()
            await talk.come_back(recovered=False)
            await talk.peer.pair()
            assert await matching == BOB

    asyncio.run(scenario())


def test_cancel_ends_the_wait() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            cancelling = soon(talk.me.cancel())
            await talk.peer.receive("MATCH_CANCEL_REQ")
            talk.peer.send("MATCH_CANCEL_RESP", code=0)
            await cancelling
            with pytest.raises(MatchCancelled):
                await matching

    asyncio.run(scenario())


def test_answer_after_the_caller_was_cancelled_still_counts() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = asyncio.create_task(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            matching.cancel()
            await asyncio.wait([matching])
            talk.peer.send("MATCH_RESP", code=0, **listed())
            assert await talk.next() == Matched(BOB)

    asyncio.run(scenario())


def test_match_refused_for_good() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("ERROR_RESP", code=5, msg="no", ref="MATCH_REQ")
            with pytest.raises(Refused) as refused:
                await matching
            assert (refused.value.code, refused.value.command) == (5, "MATCH_REQ")

    asyncio.run(scenario())


def test_match_goes_on_over_a_reconnect_that_lists_an_older_session() -> None:
    """Only a session that is new ends it."""

    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            await talk.settled()
            talk.peer.abort()
            await talk.come_back(sessions=[listed()], waiting=True)
            await talk.settled()
            assert talk.peer.unread() == []
            assert not matching.done()
            partner = {"accountId": EVE.partner_id, "nickName": EVE.partner_name}
            talk.peer.signal("NewSession", partner, seq=1, session_id=EVE.id)
            assert await matching == EVE

    asyncio.run(scenario())


def test_match_asks_again_where_a_reconnect_lists_only_older_sessions() -> None:
    """Its own answer was lost, and no session began with it."""

    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.abort()
            await talk.come_back(sessions=[listed()])
            await talk.peer.pair(EVE.id, EVE.partner_id, EVE.partner_name)
            assert await matching == EVE

    asyncio.run(scenario())


def test_match_takes_the_new_one_of_the_sessions_that_a_reconnect_lists() -> None:
    """It began while its announcement was lost."""

    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            await talk.settled()
            talk.peer.abort()
            eve = listed(EVE.id, EVE.partner_id, EVE.partner_name)
            await talk.come_back(sessions=[listed(), eve])
            assert await matching == EVE
            assert talk.me.sessions == (BOB, EVE)

    asyncio.run(scenario())


def test_match_takes_the_same_session_where_the_node_answers_so() -> None:
    """Nothing was said there yet."""

    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            matching = soon(talk.me.match())
            await talk.peer.pair()
            assert await matching == BOB

    asyncio.run(scenario())


def test_cancelled_match_does_not_ask_again_with_a_new_account() -> None:
    """The cancellation waits for the connection too, and would be first on it."""

    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            await talk.settled()
            talk.peer.abort()
            peer = await talk.node.accept()
            await peer.receive("RECONNECT_REQ")
            cancelling = soon(talk.me.cancel())
            await asyncio.sleep(0)
            peer.send("RECONNECT_RESP", code=4)
            await peer.welcome(1001)
            await peer.receive("MATCH_CANCEL_REQ")
            peer.send("MATCH_CANCEL_RESP", code=0)
            await cancelling
            with pytest.raises(MatchCancelled):
                await matching
            assert peer.unread() == []

    asyncio.run(scenario())
