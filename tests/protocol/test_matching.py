"""MATCH_REQ, MATCH_CANCEL_REQ and LEAVE_REQ."""

import asyncio

import pytest

from tests.protocol.conftest import Places
from tests.protocol.shapes import alone, exactly, hears, signal
from tests.support.wire import Wire, pair


def test_two_meet(places: Places) -> None:
    """The first one gets code 4 and later NewSession, the second one the partner at once."""

    async def scenario() -> None:
        a, b = await alone(places[0], "Alice"), await alone(places[1], "Bob")
        exactly(await a.match(), "MATCH_RESP", code=4)
        met = await b.match()
        session = met["sessionId"]
        exactly(
            met,
            "MATCH_RESP",
            code=0,
            partnerId=a.account_id,
            partnerName="Alice",
            sessionId=session,
        )
        assert type(session) is int
        assert 0 < session < 2**53
        data = {"accountId": b.account_id, "nickName": "Bob"}
        await signal(a, "NewSession", b.account_id, session, 1, data)
        await a.nothing_from(b, session)
        await b.nothing_from(a, session)

    asyncio.run(scenario())


def test_asking_again_while_waiting(places: Places) -> None:
    """Changes nothing: one place in the queue, one session."""

    async def scenario() -> None:
        a, b, c = await alone(places[0]), await alone(places[1]), await alone(places[0])
        for _ in range(5):
            exactly(await a.match(), "MATCH_RESP", code=4)
        session = (await b.match())["sessionId"]
        await a.expect("PUSH_SIGNAL_REQ", signalType="NewSession", sessionId=session)
        assert (await c.match())["code"] == 4
        await a.nothing_from(b, session)
        await c.match_cancel()

    asyncio.run(scenario())


def test_asking_again_in_a_new_session(places: Places) -> None:
    """Both get the session they have while no message was sent in it."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        for wire, partner in ((a, b), (b, a)):
            exactly(
                await wire.match(),
                "MATCH_RESP",
                code=0,
                partnerId=partner.account_id,
                partnerName=partner.name,
                sessionId=session,
            )
        await a.nothing_from(b, session)
        await b.nothing_from(a, session)

    asyncio.run(scenario())


def test_a_repeat_that_crosses_the_new_session(places: Places) -> None:
    """Requests already on their way open no second session, however many there are."""

    async def scenario() -> None:
        a, b = await alone(places[0]), await alone(places[1])
        await a.match()
        for wire in (b, a, a, b, a):
            wire.send({"cmd": "MATCH_REQ", "accountId": wire.account_id})
        session = (await b.expect("MATCH_RESP", code=0))["sessionId"]
        await b.expect("MATCH_RESP", code=0, sessionId=session)
        frames = [await a.receive() for _ in range(4)]
        assert {frame.get("sessionId", session) for frame in frames} == {session}
        assert sum(frame["cmd"] == "PUSH_SIGNAL_REQ" for frame in frames) == 1

    asyncio.run(scenario())


def test_several_sessions_at_once(places: Places) -> None:
    """After a word was said, the next request finds somebody else; both sessions go on."""

    async def scenario() -> None:
        a, b, first = await pair(*places)
        await a.say(first, "one")
        await hears(b, "one")
        assert (await a.match())["code"] == 4
        c = await alone(places[1])
        second = (await c.match())["sessionId"]
        assert second != first
        await a.expect("PUSH_SIGNAL_REQ", signalType="NewSession", senderId=c.account_id)
        await b.say(first, "from b")
        await c.say(second, "from c")
        pushes = [await a.expect("PUSH_DIALOGUE_REQ") for _ in range(2)]
        assert [(push["sessionId"], push["senderId"]) for push in pushes] == [
            (first, b.account_id),
            (second, c.account_id),
        ]

    asyncio.run(scenario())


def test_one_session_too_many(tight_places: Places) -> None:
    """Code 5 beyond the limit, and no place in the queue; after a LEAVE_REQ there is room again."""

    async def scenario() -> None:
        a = await alone(tight_places[0])
        sessions = []
        for _ in range(2):
            assert (await a.match())["code"] == 4
            partner = await alone(tight_places[1])
            session = (await partner.match())["sessionId"]
            await a.expect("PUSH_SIGNAL_REQ", signalType="NewSession")
            await a.say(session, "word")
            sessions.append(session)
        exactly(await a.match(), "MATCH_RESP", code=5)
        c = await alone(tight_places[1])
        assert (await c.match())["code"] == 4
        await a.leave(sessions[0])
        assert (await a.match())["partnerId"] == c.account_id

    asyncio.run(scenario())


def test_the_last_partner_again(places: Places) -> None:
    """Only if nobody else waits, but then yes."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.leave(session)
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit")
        assert (await a.match())["code"] == 4
        assert (await b.match())["partnerId"] == a.account_id

    asyncio.run(scenario())


def test_giving_up_the_place(places: Places) -> None:
    """MATCH_CANCEL_REQ is answered with 0, also when there was nothing to give up."""

    async def scenario() -> None:
        a, b = await alone(places[0]), await alone(places[1])
        exactly(await a.match_cancel(), "MATCH_CANCEL_RESP", code=0)
        await a.match()
        exactly(await a.match_cancel(), "MATCH_CANCEL_RESP", code=0)
        exactly(await a.match_cancel(), "MATCH_CANCEL_RESP", code=0)
        assert (await b.match())["code"] == 4
        assert (await a.match())["partnerId"] == b.account_id

    asyncio.run(scenario())


@pytest.mark.parametrize("back", [False, True])
def test_nobody_meets_one_who_is_away(places: Places, back: bool) -> None:
    """A lost socket gives up the place in the queue, until it is back."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.say(session, "word")
        await a.match()
        a.abort()
        await hears(b, "word")
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        c = await alone(places[1])
        if back:
            again = await Wire.open(places[1])
            assert (await again.take_over(a))["waiting"] is True
            assert (await c.match())["partnerId"] == a.account_id
            await again.expect("PUSH_SIGNAL_REQ", signalType="NewSession", senderId=c.account_id)
        else:
            assert (await c.match())["code"] == 4

    asyncio.run(scenario())


def test_everybody_meets_one_partner(places: Places) -> None:
    """Many ask at once at both nodes: each is in one session, with the one who is in it too."""

    async def scenario() -> None:
        wires = await asyncio.gather(*(alone(place) for place in places * 20))
        answers = await asyncio.gather(*(wire.match() for wire in wires))
        partners = {}
        for wire, answer in zip(wires, answers, strict=True):
            if answer["code"] == 4:
                push = await wire.expect("PUSH_SIGNAL_REQ", signalType="NewSession")
                partners[wire.account_id] = (push["senderId"], push["sessionId"])
            else:
                partners[wire.account_id] = (answer["partnerId"], answer["sessionId"])
        assert all(partners[p] == (account, sid) for account, (p, sid) in partners.items())
        assert len({session for _, session in partners.values()}) == len(wires) / 2

    asyncio.run(scenario())


def test_leaving(places: Places) -> None:
    """Is answered with 0, the partner gets PartnerExit; leaving again gets code 7, for both."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        exactly(await b.leave(session), "LEAVE_RESP", code=0)
        await signal(a, "PartnerExit", 0, session, 2, {"accountId": b.account_id})
        for wire in (a, b):
            exactly(await wire.leave(session), "LEAVE_RESP", code=7)
            await wire.nothing()

    asyncio.run(scenario())


def test_leaving_what_is_not_ones_own(places: Places) -> None:
    """Code 4 for an unknown session and for the session of others, which goes on."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        stranger = await alone(places[0])
        exactly(await stranger.leave(session), "LEAVE_RESP", code=4)
        exactly(await stranger.leave(2**53 - 1), "LEAVE_RESP", code=4)
        assert (await a.say(session, "still here"))["code"] == 0
        await hears(b, "still here")

    asyncio.run(scenario())


def test_the_next_stranger_without_a_word(places: Places) -> None:
    """LEAVE_REQ first, then MATCH_REQ: somebody else."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.leave(session)
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit")
        assert (await a.match())["code"] == 4
        c = await alone(places[1])
        assert (await c.match())["partnerId"] == a.account_id

    asyncio.run(scenario())
