"""A client that comes back goes on where it was, and says what it could not get back."""

import asyncio

import pytest

from chat.client import inbox
from chat.client.events import (
    AccountLost,
    ConnectionLost,
    Message,
    Missed,
    PartnerLeft,
    Reconnected,
)
from tests.client.scene import BOB, soon, talking
from tests.support.scripted_node import listed


def test_resume_tells_the_last_number_and_drops_what_is_known() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.message(1, 1, "one")
            assert await talk.next() == Message(BOB, 1, "one")
            talk.peer.close(1011, "trouble")
            frame = await talk.come_back(sessions=[listed()])
            assert (frame["accountId"], frame["token"], frame["seq"]) == (1000, "secret", 1)
            talk.peer.message(1, 1, "one")
            talk.peer.message(2, 2, "two")
            assert await talk.next() == Reconnected(True, False, (BOB,))
            assert await talk.next() == Message(BOB, 2, "two")

    asyncio.run(scenario())


def test_number_counts_as_arrived_before_it_is_taken() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.message(1, 1, "one")
            await talk.settled()
            talk.peer.abort()
            talk.peer = await talk.node.accept()
            assert (await talk.peer.resume(sessions=[listed()]))["seq"] == 1
            assert await talk.next() == Message(BOB, 1, "one")
            await talk.settled()

    asyncio.run(scenario())


def test_not_recovered_takes_any_number_next() -> None:
    """A node that lost something may count from below what the client has."""

    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            for seq in (1, 2, 3):
                talk.peer.message(seq, seq, "x")
                await talk.next()
            talk.peer.abort()
            await talk.come_back(recovered=False, sessions=[listed()])
            talk.peer.message(2, 4, "four")
            talk.peer.message(3, 5, "five")
            assert await talk.next() == Reconnected(False, False, (BOB,))
            assert await talk.next() == Message(BOB, 4, "four")
            assert await talk.next() == Message(BOB, 5, "five")

    asyncio.run(scenario())


def test_not_recovered_tells_which_sessions_have_ended() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.abort()
            await talk.come_back(recovered=False)
            assert await talk.next() == Reconnected(False, False, ())
            assert await talk.next() == PartnerLeft(BOB)

    asyncio.run(scenario())


def test_gap_is_asked_for_once_more_and_then_told() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.message(3, 3, "three")
            assert (await talk.come_back(sessions=[listed()]))["seq"] == 0
            assert isinstance(await talk.next(), Reconnected)
            talk.peer.message(3, 3, "three")
            assert await talk.next() == Missed(1, 2)
            assert await talk.next() == Message(BOB, 3, "three")

    asyncio.run(scenario())


def test_lost_account_is_replaced_by_a_new_one() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.message(1, 1, "untaken")
            await talk.settled()
            talk.peer.abort()
            talk.peer = await talk.node.accept()
            await talk.peer.receive("RECONNECT_REQ")
            talk.peer.send("RECONNECT_RESP", code=4)
            assert (await talk.peer.welcome(1001, "other"))["nickName"] == "Ada"
            assert await talk.next() == Message(BOB, 1, "untaken")
            assert isinstance(await talk.next(), ConnectionLost)
            assert await talk.next() == AccountLost(1000, (BOB,))
            assert (talk.me.account_id, talk.me.sessions) == (1001, ())
            await talk.settled()
            assert talk.peer.unread() == []  # a number of the old account is not acknowledged

    asyncio.run(scenario())


def test_match_goes_on_with_a_new_account() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            await talk.settled()
            talk.peer.abort()
            peer = await talk.node.accept()
            await peer.receive("RECONNECT_REQ")
            peer.send("RECONNECT_RESP", code=4)
            await peer.welcome(1001)
            assert (await peer.receive("MATCH_REQ"))["accountId"] == 1001
            peer.send("MATCH_RESP", code=0, **listed())
            assert await matching == BOB

    asyncio.run(scenario())


def test_slow_reader_does_not_have_more_waiting_after_each_reconnect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A node that keeps 4 unacknowledged pushes fills the queue here once, however often it is lost."""
    monkeypatch.setattr(inbox, "LAG_LIMIT", 3)
    monkeypatch.setattr(inbox, "EVENTS_LIMIT", 20)

    async def scenario() -> None:
        async with talking() as talk:
            _, session = await asyncio.gather(talk.peer.pair(), talk.me.match())
            acknowledged = 0
            for _ in range(5):
                for seq in range(acknowledged + 1, acknowledged + 5):
                    talk.peer.message(seq, seq, str(seq))
                await talk.settled()
                talk.peer.abort()
                talk.peer = await talk.node.accept()
                acknowledged = int(str((await talk.peer.resume(sessions=[listed()]))["seq"]))
                await talk.settled()
            talk.peer.message(5, 5, "5")
            await talk.settled()
            taken = [await talk.next() for _ in range(1 + 5 + 2 * 5)]
            assert [event for event in taken if isinstance(event, Message)] == [
                Message(session, number, str(number)) for number in range(1, 6)
            ]

    asyncio.run(scenario())


def test_number_that_is_given_anew_to_a_slow_reader_is_a_push_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The node is told what was taken, so it cannot know that its data set is older than that."""
    monkeypatch.setattr(inbox, "LAG_LIMIT", 2)

    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            for seq in (1, 2, 3):
                talk.peer.message(seq, seq, str(seq))
            await talk.settled()
            talk.peer.abort()
            talk.peer = await talk.node.accept()
            assert (await talk.peer.resume(sessions=[listed()]))["seq"] == 0
            for seq, content in ((1, "1"), (2, "another"), (3, "3")):
                talk.peer.message(seq, seq, content)
            await talk.settled()
            taken = [await talk.next() for _ in range(7)]
            words = [event.content for event in taken if isinstance(event, Message)]
            assert words == ["1", "2", "3", "another", "3"]
            seqs = [(await talk.peer.receive("PUSH_DIALOGUE_RESP"))["seq"] for _ in range(2)]
            assert seqs == [2, 3]

    asyncio.run(scenario())
