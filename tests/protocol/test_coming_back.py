"""RECONNECT_REQ of one who waited, of one who is gone, and of one who is somebody else."""

import asyncio

from tests.protocol.conftest import Places
from tests.protocol.shapes import alone, exactly, hears
from tests.support.wire import Wire, pair


def test_one_who_waited_waits_again(places: Places) -> None:
    """waiting is true, and the next one who asks is the partner."""

    async def scenario() -> None:
        a, b = await alone(places[0], "Alice"), await alone(places[1], "Bob")
        await a.match()
        a.abort()
        again = await Wire.open(places[1])
        exactly(
            await again.take_over(a),
            "RECONNECT_RESP",
            code=0,
            nickName="Alice",
            recovered=True,
            waiting=True,
            sessions=[],
        )
        assert (await b.match())["partnerId"] == a.account_id
        await again.expect("PUSH_SIGNAL_REQ", signalType="NewSession", senderId=b.account_id)

    asyncio.run(scenario())


def test_a_takeover_of_one_who_waits(places: Places) -> None:
    """The place in the queue is kept."""

    async def scenario() -> None:
        a, b = await alone(places[0]), await alone(places[1])
        await a.match()
        again = await Wire.open(places[1])
        assert (await again.take_over(a))["waiting"] is True
        assert await a.closed() == 4001
        assert (await b.match())["partnerId"] == a.account_id
        await again.expect("PUSH_SIGNAL_REQ", signalType="NewSession", senderId=b.account_id)

    asyncio.run(scenario())


def test_one_who_waited_meets_who_waits_now(places: Places) -> None:
    """Paired at once: waiting is false, the session is listed, then NewSession to both."""

    async def scenario() -> None:
        p, a, met = await pair(*places)
        await a.say(met, "word")
        await a.match()
        a.abort()
        await hears(p, "word")
        await p.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        c = await alone(places[0], "Carol")
        assert (await c.match())["code"] == 4
        again = await Wire.open(places[1])
        assert (await again.take_over(a))["waiting"] is False
        session = (
            await again.expect(
                "PUSH_SIGNAL_REQ",
                signalType="NewSession",
                senderId=c.account_id,
                data={"accountId": c.account_id, "nickName": "Carol"},
            )
        )["sessionId"]
        await c.expect(
            "PUSH_SIGNAL_REQ",
            signalType="NewSession",
            sessionId=session,
            data={"accountId": a.account_id, "nickName": "Bob"},
        )
        assert (await c.say(session, "hello"))["msgId"] == 1
        await hears(again, "hello")

    asyncio.run(scenario())


def test_a_cancelled_place_is_not_given_back(places: Places) -> None:
    """Who no longer waited when the socket was lost does not wait afterwards."""

    async def scenario() -> None:
        a, b = await alone(places[0]), await alone(places[1])
        await a.match()
        await a.match_cancel()
        a.abort()
        again = await Wire.open(places[1])
        assert (await again.take_over(a))["waiting"] is False
        assert (await b.match())["code"] == 4

    asyncio.run(scenario())


def test_a_wrong_token(places: Places) -> None:
    """Code 4, as for an unknown account; the account and its socket are not touched."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        thief = await Wire.open(places[0])
        for account, token in (
            (b.account_id, "wrong"),
            (b.account_id, a.token),
            (b.account_id, b.token[:-1]),
            (2**53 - 1, b.token),
            (1, b.token),
        ):
            exactly(await thief.reconnect(account, token), "RECONNECT_RESP", code=4)
        await a.say(session, "x")
        await hears(b, "x")
        await a.nothing_from(b, session)
        await thief.create("an account of one's own")

    asyncio.run(scenario())


def test_an_account_that_is_gone(brief_places: Places) -> None:
    """After the grace time code 4; a new account can be had on the same socket."""

    async def scenario() -> None:
        a, b, _ = await pair(*brief_places)
        b.abort()
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit")
        again = await Wire.open(brief_places[0])
        exactly(await again.take_over(b), "RECONNECT_RESP", code=4)
        await again.create("Bob")

    asyncio.run(scenario())
