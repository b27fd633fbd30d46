"""VIEWED_ACK_REQ: what was read, told once."""

import asyncio

import pytest

from tests.protocol.conftest import Places
from tests.protocol.shapes import alone, exactly, hears
from tests.support.wire import pair


def test_a_message_was_read(places: Places) -> None:
    """Answered with 0; the sender gets who has read, where, up to what."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await b.say(session, "x")
        await hears(a, "x")
        exactly(await a.viewed(session, 1), "VIEWED_ACK_RESP", code=0)
        exactly(
            await b.expect("PUSH_VIEWED_ACK_REQ"),
            "PUSH_VIEWED_ACK_REQ",
            sessionId=session,
            accountId=a.account_id,
            msgId=1,
            seq=1,
        )

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["msgId", "MsgId"])
def test_both_spellings(places: Places, name: str) -> None:
    """Older clients spell it MsgId."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.say(session, "x")
        await hears(b, "x")
        b.send({"cmd": "VIEWED_ACK_REQ", "sessionId": session, "accountId": b.account_id, name: 1})
        exactly(await b.receive(), "VIEWED_ACK_RESP", code=0)
        await a.expect("PUSH_VIEWED_ACK_REQ", msgId=1)

    asyncio.run(scenario())


def test_up_to_a_message(places: Places) -> None:
    """The last one stands for all before it; an earlier one then says nothing new."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        for number in range(1, 6):
            await a.say(session, str(number))
        await hears(b, "1", "2", "3", "4", "5")
        for number in (4, 4, 1, 3):
            exactly(await b.viewed(session, number), "VIEWED_ACK_RESP", code=0)
        await a.expect("PUSH_VIEWED_ACK_REQ", msgId=4)
        await a.nothing_from(b, session)
        await b.viewed(session, 5)
        await a.expect("PUSH_VIEWED_ACK_REQ", msgId=5)

    asyncio.run(scenario())


def test_both_have_read(places: Places) -> None:
    """Each side's mark is its own."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.say(session, "one")
        await b.say(session, "two")
        await hears(b, "one")
        await hears(a, "two")
        await b.viewed(session, 1)
        await a.expect("PUSH_VIEWED_ACK_REQ", msgId=1, accountId=b.account_id)
        await a.viewed(session, 2)
        await b.expect("PUSH_VIEWED_ACK_REQ", msgId=2, accountId=a.account_id)

    asyncio.run(scenario())


def test_what_was_not_said_yet(places: Places) -> None:
    """Code 4, and nothing is told."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        exactly(await b.viewed(session, 1), "VIEWED_ACK_RESP", code=4)
        await a.say(session, "x")
        await hears(b, "x")
        for number in (2, 2**53 - 1):
            exactly(await b.viewed(session, number), "VIEWED_ACK_RESP", code=4)
        await a.nothing_from(b, session)

    asyncio.run(scenario())


def test_a_session_that_is_not_ones_own(places: Places) -> None:
    """Code 4 where it is unknown or of others, 7 where it has ended."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.say(session, "x")
        await hears(b, "x")
        stranger = await alone(places[0])
        exactly(await stranger.viewed(session, 1), "VIEWED_ACK_RESP", code=4)
        exactly(await b.viewed(2**53 - 1, 1), "VIEWED_ACK_RESP", code=4)
        await a.nothing_from(b, session)
        await a.leave(session)
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit")
        exactly(await b.viewed(session, 1), "VIEWED_ACK_RESP", code=7)
        exactly(await a.viewed(session, 1), "VIEWED_ACK_RESP", code=7)
        await a.nothing()

    asyncio.run(scenario())
