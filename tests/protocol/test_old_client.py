"""The browser client of the system before this one, beside a new client. It must not notice."""

import asyncio

from tests.protocol.conftest import Places
from tests.protocol.shapes import alone, hears
from tests.support.old_client import OldClient
from tests.support.wire import Wire, pair


async def old_meets_new(places: Places) -> tuple[OldClient, Wire, int]:
    old = OldClient(places[0])
    await old.begin("Old")
    old.ask()
    await old.hear("MATCH_RESP", code=4)
    new = await alone(places[1], "New")
    session: int = (await new.match())["sessionId"]
    push = await old.hear("PUSH_SIGNAL_REQ", signalType="NewSession", sessionId=session)
    assert push["receiverId"] == old.account_id
    assert push["data"] == {"accountId": new.account_id, "nickName": "New"}
    return old, new, session


def test_a_talk(places: Places) -> None:
    """Both say something and read it."""

    async def scenario() -> None:
        old, new, session = await old_meets_new(places)
        old.say(session, "hello")
        await old.hear("DIALOGUE_RESP", code=0, requestId="hello", msgId=1)
        (push,) = await hears(new, "hello")
        assert push["senderId"] == old.account_id
        new.acknowledge(push)
        await new.viewed(session, 1)
        await old.hear("PUSH_VIEWED_ACK_REQ", sessionId=session, msgId=1)
        await new.say(session, "hi")
        said = await old.hear("PUSH_DIALOGUE_REQ", senderId=new.account_id, content="hi")
        old.read(said)
        await old.hear("VIEWED_ACK_RESP", code=0)
        await new.expect("PUSH_VIEWED_ACK_REQ", accountId=old.account_id, msgId=2)

    asyncio.run(scenario())


def test_it_repeats_its_request(places: Places) -> None:
    """While it waits nothing happens; a repeat that crosses NewSession opens no second window."""

    async def scenario() -> None:
        old = OldClient(places[0])
        await old.begin("Old")
        for _ in range(3):
            old.ask()
            await old.hear("MATCH_RESP", code=4)
        new = await alone(places[1])
        session = (await new.match())["sessionId"]
        old.ask()  # sent before it has seen NewSession
        await old.hear("PUSH_SIGNAL_REQ", signalType="NewSession", sessionId=session)
        await old.hear(
            "MATCH_RESP", code=0, sessionId=session, partnerId=new.account_id, partnerName=new.name
        )
        await old.nothing(new, session)
        await new.nothing()

    asyncio.run(scenario())


def test_an_answered_ping_acknowledges(places: Places) -> None:
    """After a reconnect neither NewSession, which would empty its window, nor a message again."""

    async def scenario() -> None:
        old, new, session = await old_meets_new(places)
        await new.say(session, "shown")
        await old.hear("PUSH_DIALOGUE_REQ", content="shown")
        await old.pinged()
        old.wire.abort()
        await new.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        await new.say(session, "missed")
        await old.again(places[1])
        await old.hear("PUSH_DIALOGUE_REQ", content="missed")
        await old.nothing(new, session)

    asyncio.run(scenario())


def test_every_push_is_asked_about(places: Places) -> None:
    """One ping after the other, each within 3 s of what came after the last one."""

    async def scenario() -> None:
        old, new, session = await old_meets_new(places)
        await old.pinged()
        for number in range(3):
            await new.say(session, str(number))
            await old.hear("PUSH_DIALOGUE_REQ", content=str(number))
            await old.pinged()
        old.wire.abort()
        await new.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        await old.again(places[1])
        await old.nothing(new, session)

    asyncio.run(scenario())


def test_reading_and_speaking_acknowledge(places: Places) -> None:
    """Without waiting for a ping: the message that was read, and the session that was spoken in."""

    async def scenario() -> None:
        old, new, session = await old_meets_new(places)
        old.say(session, "first")
        await old.hear("DIALOGUE_RESP", code=0)
        old.wire.abort()
        await old.again(places[1])
        await old.nothing(new, session)
        await new.say(session, "second")
        old.read(await old.hear("PUSH_DIALOGUE_REQ", content="second"))
        await old.hear("VIEWED_ACK_RESP", code=0)
        old.wire.abort()
        await old.again(places[0])
        await old.nothing(new, session)

    asyncio.run(scenario())


def test_closing_its_tab(places: Places) -> None:
    """1001: the partner sees it away, and it may come back, as after a reload."""

    async def scenario() -> None:
        old, new, session = await old_meets_new(places)
        await old.wire.close(1001)
        await new.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway", sessionId=session)
        await old.again(places[1])
        await new.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack", sessionId=session)

    asyncio.run(scenario())


def test_two_old_clients(places: Places) -> None:
    """They can talk with each other, too, and the one who is left hears of it."""

    async def scenario() -> None:
        one, two = OldClient(places[0]), OldClient(places[1])
        await one.begin("One")
        await two.begin("Two")
        one.ask()
        await one.hear("MATCH_RESP", code=4)
        two.ask()
        session = (await two.hear("MATCH_RESP", code=0, partnerName="One"))["sessionId"]
        await one.hear("PUSH_SIGNAL_REQ", signalType="NewSession")
        two.say(session, "hi")
        await two.hear("DIALOGUE_RESP", code=0)
        one.read(await one.hear("PUSH_DIALOGUE_REQ", content="hi"))
        await one.hear("VIEWED_ACK_RESP", code=0)
        await two.hear("PUSH_VIEWED_ACK_REQ", msgId=1)
        await two.wire.close(1000)
        await one.hear(
            "PUSH_SIGNAL_REQ", signalType="PartnerExit", data={"accountId": two.account_id}
        )

    asyncio.run(scenario())


def test_a_new_client_acknowledges_by_numbers_alone(places: Places) -> None:
    """Once it has said one, its answer to a ping is a sign of life: a push that it did not take, and did
    not acknowledge, is pushed again when it is back."""

    async def scenario() -> None:
        alice, bob, session = await pair(*places)
        await bob.say(session, "one")
        alice.acknowledge(await alice.expect("PUSH_DIALOGUE_REQ", content="one"))
        await bob.say(session, "two")
        await alice.expect("PUSH_DIALOGUE_REQ", content="two")
        await alice.expect("PING_REQ")
        alice.send({"cmd": "PING_RESP", "accountId": alice.account_id})
        await alice.nothing()
        alice.abort()
        again = await Wire.open(places[1])
        assert (await again.take_over(alice, seq=2))["recovered"] is True
        await again.expect("PUSH_DIALOGUE_REQ", content="two", seq=3)

    asyncio.run(scenario())
