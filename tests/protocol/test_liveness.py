"""Pings, silence, and sockets that never get an account."""

import asyncio

import pytest

from tests.protocol.conftest import Places
from tests.protocol.shapes import alone, exactly, hears
from tests.support.frames import PING
from tests.support.wire import Wire, pair


def test_a_client_may_ping(places: Places) -> None:
    """It is answered with its own id and no code; another id gets ERROR_RESP with code 5."""

    async def scenario() -> None:
        wire = await alone(places[0])
        wire.send({"cmd": "PING_REQ", "accountId": wire.account_id})
        exactly(await wire.receive(), "PING_RESP", accountId=wire.account_id)
        wire.send({"cmd": "PING_REQ", "accountId": wire.account_id + 1000})
        answer = await wire.receive()
        exactly(answer, "ERROR_RESP", code=5, msg=answer["msg"], ref="PING_REQ")
        wire.send({"cmd": "PING_REQ"})
        answer = await wire.receive()
        exactly(answer, "ERROR_RESP", code=1, msg=answer["msg"], ref="PING_REQ")

    asyncio.run(scenario())


def test_a_websocket_ping(places: Places) -> None:
    """Is answered by a pong with the same payload."""

    async def scenario() -> None:
        wire = await Wire.open(places[0])
        wire.frame(PING, b"there?")
        assert await wire.pong() == b"there?"

    asyncio.run(scenario())


def test_a_quiet_socket_is_pinged(wakeful_places: Places) -> None:
    """With its account's id; one that answers stays."""

    async def scenario() -> None:
        wire = await alone(wakeful_places[0])
        for _ in range(4):
            exactly(await wire.receive(), "PING_REQ", accountId=wire.account_id)
            wire.send({"cmd": "PING_RESP", "accountId": wire.account_id})
        await wire.nothing()

    asyncio.run(scenario())


def test_a_silent_socket_is_lost(wakeful_places: Places) -> None:
    """Pinged, then closed with 1001; its partner is told; the account can come back."""

    async def scenario() -> None:
        a, b, _ = await pair(*wakeful_places)
        listening = asyncio.create_task(
            a.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway", timeout=10)
        )
        exactly(await b.receive(), "PING_REQ", accountId=b.account_id)
        assert await b.closed(10) == 1001
        push = await listening
        assert push["data"] == {"accountId": b.account_id}
        again = await Wire.open(wakeful_places[0])
        assert (await again.take_over(b))["code"] == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("sending", [False, True])
def test_no_account_in_time(wakeful_places: Places, sending: bool) -> None:
    """Closed with 4004, whatever else it says."""

    async def scenario() -> None:
        wire = await Wire.open(wakeful_places[0])
        if sending:
            wire.send({"cmd": "MATCH_REQ", "accountId": 1})
            await wire.expect("MATCH_RESP", code=5)
        assert await wire.closed() == 4004

    asyncio.run(scenario())


def test_an_unacknowledged_push_is_asked_about(places: Places) -> None:
    """A ping within 3 s; its answer acknowledges every push written before it, not those after."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        b.answer_pings = False
        await a.say(session, "1")
        await hears(b, "1")
        exactly(await b.expect("PING_REQ", timeout=3), "PING_REQ", accountId=b.account_id)
        await a.say(session, "2")
        await hears(b, "2")
        b.send({"cmd": "PING_RESP", "accountId": b.account_id})
        await b.nothing()
        b.abort()
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        again = await Wire.open(places[0])
        await again.take_over(b)
        await hears(again, "2")
        await again.nothing_from(a, session)

    asyncio.run(scenario())


def test_who_acknowledges_is_not_asked(places: Places) -> None:
    """No ping within the 3 s in which one that does not acknowledge gets one."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        other = await alone(
            places[1]
        )  # the clock: an old client's ping tells that the time is over
        await a.match()
        await a.say(session, "x")
        b.acknowledge(*await hears(b, "x"))
        await a.match()
        await other.match()
        second = await a.expect("PUSH_SIGNAL_REQ", senderId=other.account_id)
        other.answer_pings = b.answer_pings = False
        await a.say(second["sessionId"], "x")
        await hears(other, "x")
        await other.expect("PING_REQ", timeout=3)
        await b.nothing()

    asyncio.run(scenario())


def test_a_ping_of_ones_own_acknowledges_nothing(places: Places) -> None:
    """Nor does an answer to a ping that was not asked, or one for another id."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        b.answer_pings = False
        b.send({"cmd": "PING_RESP", "accountId": b.account_id})
        await a.say(session, "1")
        await hears(b, "1")
        b.send({"cmd": "PING_REQ", "accountId": b.account_id})
        await b.expect("PING_RESP")
        b.send({"cmd": "PING_RESP", "accountId": a.account_id})
        b.send({"cmd": "PING_RESP"})
        b.send({"cmd": "PING_RESP", "accountId": b.account_id})
        await b.nothing()
        again = await Wire.open(places[0])
        await again.take_over(b)
        await hears(again, "1")

    asyncio.run(scenario())


def test_reading_acknowledges(places: Places) -> None:
    """A VIEWED_ACK_REQ says that everything up to that message's push has arrived."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        for text in "123":
            await a.say(session, text)
        await hears(b, *"123")
        await b.viewed(session, 2)
        again = await Wire.open(places[0])
        await again.take_over(b)
        await hears(again, "3")
        await again.nothing_from(a, session)

    asyncio.run(scenario())


@pytest.mark.parametrize("request_name", ["DIALOGUE", "TYPING", "VIEWED_ACK"])
def test_a_command_acknowledges_its_new_session(places: Places, request_name: str) -> None:
    """Who speaks in a session has seen NewSession: it is not repeated, what came after it is."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await b.say(session, "1")
        await hears(a, "1")
        if request_name == "DIALOGUE":
            await a.say(session, "x")
        elif request_name == "TYPING":
            await a.typing(session, True)
        else:
            await a.viewed(session, 1)
        await a.nothing()
        again = await Wire.open(places[1])
        await again.take_over(a)
        if request_name != "VIEWED_ACK":
            await hears(again, "1")
        await again.nothing_from(b, session)

    asyncio.run(scenario())
