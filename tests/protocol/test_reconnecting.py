"""RECONNECT_REQ: the account goes on, on another socket, at any place."""

import asyncio

import pytest

from tests.protocol.conftest import Places
from tests.protocol.shapes import exactly, hears
from tests.support.wire import Wire, pair


def test_what_the_answer_says(places: Places) -> None:
    """The name, that nothing is missing, that nobody is waited for, and the sessions."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        b.abort()
        again = await Wire.open(places[0])
        exactly(
            await again.take_over(b),
            "RECONNECT_RESP",
            code=0,
            nickName="Bob",
            recovered=True,
            waiting=False,
            sessions=[{"sessionId": session, "partnerId": a.account_id, "partnerName": "Alice"}],
        )
        await again.nothing_from(a, session)

    asyncio.run(scenario())


@pytest.mark.parametrize("there", [0, 1])
def test_a_takeover(places: Places, there: int) -> None:
    """The older socket is closed with 4001; the partners notice nothing; the new one gets all."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        again = await Wire.open(places[there])
        assert (await again.take_over(b))["code"] == 0
        assert await b.closed() == 4001
        await a.say(session, "to the new one")
        await hears(again, "to the new one")
        await a.nothing_from(again, session)

    asyncio.run(scenario())


def test_takeovers_one_after_the_other(places: Places) -> None:
    """Only the last socket stays."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        wires = [b]
        for turn in range(6):
            again = await Wire.open(places[turn % 2])
            await again.take_over(b)
            wires.append(again)
        for old in wires[:-1]:
            assert await old.closed() == 4001
        await a.say(session, "x")
        await hears(wires[-1], "x")
        await a.nothing_from(wires[-1], session)

    asyncio.run(scenario())


def test_two_takeovers_at_once(places: Places) -> None:
    """One socket stays, the other is closed with 4001."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        rivals = [await Wire.open(place) for place in places]
        for rival in rivals:
            rival.send({"cmd": "RECONNECT_REQ", "accountId": b.account_id, "token": b.token})
        assert await b.closed() == 4001
        ends = [asyncio.create_task(rival.closed(timeout=20)) for rival in rivals]
        lost, stayed = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        assert (len(lost), len(stayed)) == (1, 1)
        assert lost.pop().result() == 4001
        winner = rivals[ends.index(stayed.pop())]
        winner.account_id = b.account_id
        await winner.expect("RECONNECT_RESP", code=0)
        await a.say(session, "x")
        await hears(winner, "x")

    asyncio.run(scenario())


def test_messages_of_the_time_away(places: Places) -> None:
    """Are recorded, and arrive in order after the answer; none twice, none of before."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.say(session, "before")
        (push,) = await hears(b, "before")
        b.abort()
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        for number in range(50):
            assert (await a.say(session, f"away {number}"))["code"] == 0
        again = await Wire.open(places[0])
        answer = await again.take_over(b, push["seq"])
        assert answer["recovered"] is True
        pushes = await hears(again, *(f"away {number}" for number in range(50)))
        assert [push["seq"] for push in pushes] == list(range(2, 52))
        await a.say(session, "after")
        await hears(again, "after")
        await again.nothing_from(a, session)

    asyncio.run(scenario())


def test_replay_begins_after_what_is_acknowledged(places: Places) -> None:
    """By an answer to a push; by seq in the request; a lower number brings nothing back."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        for number in range(1, 7):
            await a.say(session, str(number))
        pushes = await hears(b, *"123456")
        b.acknowledge(pushes[1])
        b.acknowledge(pushes[0])
        await b.nothing()
        b.abort()
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        second = await Wire.open(places[0])
        await second.take_over(b)
        await hears(second, *"3456")
        third = await Wire.open(places[1])
        await third.take_over(b, 4)
        await hears(third, *"56")
        fourth = await Wire.open(places[0])
        assert (await fourth.take_over(b, 1))["recovered"] is True
        await hears(fourth, *"56")
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack")
        await fourth.nothing_from(a, session)

    asyncio.run(scenario())


def test_a_takeover_right_after_an_acknowledgement(places: Places) -> None:
    """The node has heard it while the older socket was open: nothing acknowledged is repeated."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.say(session, "x")
        b.acknowledge(*await hears(b, "x"))
        await b.nothing()
        again = await Wire.open(places[0])
        await again.take_over(b)
        await again.nothing_from(a, session)

    asyncio.run(scenario())


def test_an_acknowledgement_of_what_was_never_sent(places: Places) -> None:
    """Numbers beyond the last push, wrong types and none at all acknowledge nothing."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.say(session, "x")
        await hears(b, "x")
        for seq in (2, 2**53 - 1, 0, -1, "1", 1.0, True, None):
            b.send({"cmd": "PUSH_DIALOGUE_RESP", "seq": seq})
        b.send({"cmd": "PUSH_DIALOGUE_RESP"})
        await b.nothing()
        again = await Wire.open(places[0])
        await again.take_over(b)
        await hears(again, "x")

    asyncio.run(scenario())


def test_a_number_beyond_the_last_push(places: Places) -> None:
    """Counts as absent: everything not acknowledged comes."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.say(session, "x")
        await hears(b, "x")
        again = await Wire.open(places[0])
        assert (await again.take_over(b, 1000))["code"] == 0
        await hears(again, "x")
        await again.nothing_from(a, session)

    asyncio.run(scenario())


def test_a_session_that_ended_meanwhile(places: Places) -> None:
    """Is not listed; its PartnerExit arrives."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        b.abort()
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        await a.leave(session)
        again = await Wire.open(places[0])
        assert (await again.take_over(b))["sessions"] == []
        await again.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit", sessionId=session)

    asyncio.run(scenario())


def test_a_lost_answer(places: Places) -> None:
    """A message sent just before the socket was lost is retried on the next one: once, same number."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        request = {
            "cmd": "DIALOGUE_REQ", "requestId": "r", "senderId": a.account_id,
            "sessionId": session, "content": "once",
        }  # fmt: skip
        a.send(request)
        await hears(b, "once")  # recorded; whether a has heard so is not looked at
        a.abort()
        again = await Wire.open(places[1])
        await again.take_over(a)
        assert (await again.say(session, "once", "r", retry=True))["msgId"] == 1
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack")
        await b.nothing_from(again, session)

    asyncio.run(scenario())


def test_requests_right_behind(places: Places) -> None:
    """What is sent together with RECONNECT_REQ is done after it, in order."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.say(session, "missed")
        b.abort()
        again = await Wire.open(places[0])
        again.send({"cmd": "RECONNECT_REQ", "accountId": b.account_id, "token": b.token})
        for number in range(20):
            again.send(
                {
                    "cmd": "DIALOGUE_REQ",
                    "requestId": str(number),
                    "senderId": b.account_id,
                    "sessionId": session,
                    "content": str(number),
                }
            )
        await again.expect("RECONNECT_RESP", code=0)
        await again.expect("PUSH_DIALOGUE_REQ", content="missed")
        for number in range(20):
            await again.expect("DIALOGUE_RESP", code=0, requestId=str(number), msgId=number + 2)

    asyncio.run(scenario())
