"""Typing, PartnerAway, PartnerBack, PartnerExit. NewSession is in ``test_matching``."""

import asyncio

import pytest

from tests.protocol.conftest import Places
from tests.protocol.shapes import alone, exactly, signal
from tests.support.wire import Wire, pair


def test_typing(places: Places) -> None:
    """Unanswered; the partner's signal has no seq."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        for typing in (True, False):
            await a.typing(session, typing)
            exactly(
                await b.expect("PUSH_SIGNAL_REQ"),
                "PUSH_SIGNAL_REQ",
                signalType="Typing",
                senderId=a.account_id,
                sessionId=session,
                receiverId=b.account_id,
                data={"accountId": a.account_id, "typing": typing},
            )
        await a.nothing()

    asyncio.run(scenario())


def test_typing_is_not_stored(places: Places) -> None:
    """It takes no number, and a replay does not have it."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.typing(session, True)
        await a.say(session, "x")
        await b.expect("PUSH_SIGNAL_REQ", signalType="Typing")
        await b.expect("PUSH_DIALOGUE_REQ", seq=1)
        b.abort()
        again = await Wire.open(places[0])
        assert (await again.take_over(b, 0))["recovered"] is True
        await again.expect("PUSH_DIALOGUE_REQ", seq=1)
        await again.nothing_from(a, session)

    asyncio.run(scenario())


def test_typing_refused(places: Places) -> None:
    """TYPING_RESP with the code: 4 where the session is not one's own, 7 where it has ended."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        stranger = await alone(places[0])
        await stranger.typing(session, True)
        exactly(await stranger.receive(), "TYPING_RESP", code=4)
        await b.leave(session)
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit")
        for wire in (a, b):
            await wire.typing(session, True)
            exactly(await wire.receive(), "TYPING_RESP", code=7)
            await wire.nothing()

    asyncio.run(scenario())


def test_away_and_back(places: Places) -> None:
    """The partner is told of the lost socket, and of the return at the other place."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        b.abort()
        who = {"accountId": b.account_id}
        await signal(a, "PartnerAway", 0, session, 2, who)
        again = await Wire.open(places[0])
        await again.take_over(b)
        await signal(a, "PartnerBack", 0, session, 3, who)
        await a.nothing_from(again, session)

    asyncio.run(scenario())


def test_away_and_gone(brief_places: Places) -> None:
    """After the grace time PartnerExit, once; the session has ended."""

    async def scenario() -> None:
        a, b, session = await pair(*brief_places)
        b.abort()
        who = {"accountId": b.account_id}
        await signal(a, "PartnerAway", 0, session, 2, who)
        await signal(a, "PartnerExit", 0, session, 3, who)
        assert (await a.leave(session))["code"] == 7
        await a.nothing()

    asyncio.run(scenario())


def test_every_partner_is_told(places: Places) -> None:
    """In each session that is open, and in none that has ended."""

    async def scenario() -> None:
        a, b, first = await pair(*places)
        await a.say(first, "word")
        await a.match()
        c = await alone(places[1])
        second = (await c.match())["sessionId"]
        await a.say(second, "word")
        await a.match()
        d = await alone(places[0])
        third = (await d.match())["sessionId"]
        await d.leave(third)
        await b.expect("PUSH_DIALOGUE_REQ")
        await c.expect("PUSH_DIALOGUE_REQ")
        a.abort()
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway", sessionId=first)
        await c.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway", sessionId=second)
        again = await Wire.open(places[1])
        await again.take_over(a)
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack", sessionId=first)
        await c.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack", sessionId=second)
        await d.nothing()

    asyncio.run(scenario())


@pytest.mark.parametrize("code", [1001, 3000, None])
def test_closes_that_keep_the_grace_time(places: Places, code: int | None) -> None:
    """Every code but 1000, and none at all."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await b.close(code)
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway", sessionId=session)
        again = await Wire.open(places[0])
        assert (await again.take_over(b))["code"] == 0

    asyncio.run(scenario())


def test_goodbye(places: Places) -> None:
    """A socket closed with 1000 ends the account at once: PartnerExit, and code 4 for who returns."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        assert await b.close(1000) == 1000
        await signal(a, "PartnerExit", 0, session, 2, {"accountId": b.account_id})
        again = await Wire.open(places[0])
        exactly(await again.take_over(b), "RECONNECT_RESP", code=4)

    asyncio.run(scenario())
