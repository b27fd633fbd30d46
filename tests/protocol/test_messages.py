"""DIALOGUE_REQ: numbered, recorded, delivered once, unaltered."""

import asyncio

import pytest

from tests.protocol.conftest import Places
from tests.protocol.shapes import alone, exactly, hears
from tests.support.wire import Wire, pair


def test_a_message(places: Places) -> None:
    """The answer has the request's id and the message's number, the push all of it and its seq."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        exactly(
            await a.say(session, "hello", "req-1"),
            "DIALOGUE_RESP",
            code=0,
            requestId="req-1",
            msgId=1,
        )
        exactly(
            await b.expect("PUSH_DIALOGUE_REQ"),
            "PUSH_DIALOGUE_REQ",
            msgId=1,
            senderId=a.account_id,
            sessionId=session,
            content="hello",
            seq=1,
        )
        assert (await b.say(session, "hi"))["msgId"] == 2
        await a.expect("PUSH_DIALOGUE_REQ", msgId=2, senderId=b.account_id, content="hi", seq=2)

    asyncio.run(scenario())


def test_many_messages_both_ways(places: Places) -> None:
    """Numbers grow within the session, and each side gets the other's in order."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        count = 100
        for turn in range(count):
            for wire in (a, b):
                wire.send(
                    {
                        "cmd": "DIALOGUE_REQ",
                        "requestId": str(turn),
                        "senderId": wire.account_id,
                        "sessionId": session,
                        "content": f"{wire.name} {turn}",
                    }
                )
        numbers = set()
        for wire, partner in ((a, b), (b, a)):
            frames = [await wire.receive() for _ in range(2 * count)]
            said = [f for f in frames if f["cmd"] == "DIALOGUE_RESP"]
            heard = [f for f in frames if f["cmd"] == "PUSH_DIALOGUE_REQ"]
            assert [f["requestId"] for f in said] == [str(turn) for turn in range(count)]
            assert [f["content"] for f in heard] == [f"{partner.name} {n}" for n in range(count)]
            assert [f["msgId"] for f in heard] == sorted(f["msgId"] for f in heard)
            numbers |= {f["msgId"] for f in said}
        assert numbers == set(range(1, 2 * count + 1))

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "content",
    [
        " ",
        "\n",
        "a line\n",
        "\r\n\t mixed \r",
        'quote " backslash \\ slash / \\n',
        "ünïcödé 漢字 😀👨‍👩‍👧",
        "\u2028\u2029\ufeff",
        "<script>alert(1)</script>&amp;",
        '","seq":999}',
        "}}",
        "%s %d {} ${x}",
        "x" * 2000,
        "😀" * 2000,
        "1e3",
        "null",
    ],
)
def test_content_is_never_altered(places: Places, content: str) -> None:
    """Neither on the way to the partner nor on a replay."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        assert (await a.say(session, content))["code"] == 0
        await hears(b, content)
        b.abort()
        again = await Wire.open(places[1])
        await again.take_over(b, 0)
        await hears(again, content)

    asyncio.run(scenario())


@pytest.mark.parametrize("escape", ["\\u0000", "\\u001f", "\\u007f", "\\ud800", "\\udc00x"])
def test_strange_content_passes_or_is_refused(places: Places, escape: str) -> None:
    """Control characters and lone surrogates get code 1, or arrive as they are."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        a.send(
            f'{{"cmd":"DIALOGUE_REQ","requestId":"r","senderId":{a.account_id},'
            f'"sessionId":{session},"content":"{escape}"}}'
        )
        answer = await a.expect("DIALOGUE_RESP", requestId="r")
        assert answer["code"] in (0, 1)
        if answer["code"] == 0:
            await hears(b, escape.encode().decode("unicode_escape"))
        await b.nothing_from(a, session)

    asyncio.run(scenario())


def test_a_session_that_is_not_ones_own(places: Places) -> None:
    """Code 4 for an unknown session and for one of others, with the requestId."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        stranger = await alone(places[0])
        for wrong in (session, 2**53 - 1, 1):
            exactly(await stranger.say(wrong, "x", "r"), "DIALOGUE_RESP", code=4, requestId="r")
        await a.nothing_from(b, session)
        await b.nothing_from(a, session)

    asyncio.run(scenario())


def test_a_retry(places: Places) -> None:
    """Gets the number the message has, and is not delivered twice; another id is a new message."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        first = await a.say(session, "one", "r1", retry=True)  # nothing to be found: a new message
        exactly(first, "DIALOGUE_RESP", code=0, requestId="r1", msgId=1)
        exactly(await a.say(session, "one", "r1", retry=True), **first)
        assert (await a.say(session, "two", "r2", retry=True))["msgId"] == 2
        exactly(await a.say(session, "one", "r1", retry=True), **first)
        await hears(b, "one", "two")
        await b.nothing_from(a, session)

    asyncio.run(scenario())


def test_without_retry_a_message_is_new(places: Places) -> None:
    """Whatever its requestId; a later retry gets the number of one of them, and delivers nothing."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        assert (await a.say(session, "one", "r"))["msgId"] == 1
        assert (await a.say(session, "two", "r"))["msgId"] == 2
        assert (await a.say(session, "two", "r", retry=False))["msgId"] == 3
        assert (await a.say(session, "two", "r", retry=True))["msgId"] in (1, 2, 3)
        await hears(b, "one", "two", "two")
        await b.nothing_from(a, session)

    asyncio.run(scenario())


def test_a_request_id_is_the_senders(places: Places) -> None:
    """The partner's same id in the same session, or one's own in another, is another message."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        assert (await a.say(session, "from a", "r"))["msgId"] == 1
        assert (await b.say(session, "from b", "r", retry=True))["msgId"] == 2
        await a.match()
        c = await alone(places[1])
        second = (await c.match())["sessionId"]
        assert (await a.say(second, "to c", "r", retry=True))["msgId"] == 1
        await hears(c, "to c")

    asyncio.run(scenario())


def test_the_last_64_messages_are_remembered(places: Places) -> None:
    """Counted over the session, by whomever; ids may hold anything."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        ids = [f'{turn}:"a:%\n😀' for turn in range(64)]
        for number, request_id in enumerate(ids, 1):
            assert (await a.say(session, "x", request_id))["msgId"] == number
        for number, request_id in enumerate(ids, 1):
            assert (await a.say(session, "x", request_id, retry=True))["msgId"] == number
        await hears(b, *["x"] * 64)
        await b.nothing_from(a, session)

    asyncio.run(scenario())


def test_a_session_that_has_ended(places: Places) -> None:
    """Code 7 with the requestId; PartnerExit again to the one who was left, to nobody else."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await b.leave(session)
        await a.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit", seq=2)
        for seq in (3, 4):
            exactly(await a.say(session, "x", "r"), "DIALOGUE_RESP", code=7, requestId="r")
            exactly(
                await a.expect("PUSH_SIGNAL_REQ"),
                "PUSH_SIGNAL_REQ",
                signalType="PartnerExit",
                senderId=0,
                sessionId=session,
                receiverId=a.account_id,
                data={"accountId": b.account_id},
                seq=seq,
            )
        exactly(await b.say(session, "x", "r"), "DIALOGUE_RESP", code=7, requestId="r")
        await b.nothing()

    asyncio.run(scenario())


def test_a_retry_after_the_end(places: Places) -> None:
    """Everything in an ended session gets code 7."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.say(session, "x", "r")
        await hears(b, "x")
        await b.leave(session)
        exactly(await a.say(session, "x", "r", retry=True), "DIALOGUE_RESP", code=7, requestId="r")

    asyncio.run(scenario())


def test_a_full_inbox(tight_places: Places) -> None:
    """Code 6 with the requestId and the time to wait; after an acknowledgement it goes on."""

    async def scenario() -> None:
        a, b, session = await pair(*tight_places)
        b.answer_pings = False
        for number in range(1, 7):
            assert (await a.say(session, f"m{number}"))["msgId"] == number
        refusal = await a.say(session, "too many", "r")
        wait = refusal["retryAfterMs"]
        exactly(refusal, "DIALOGUE_RESP", code=6, requestId="r", retryAfterMs=wait)
        assert type(wait) is int
        assert wait > 0
        pushes = await hears(b, *(f"m{number}" for number in range(1, 7)))
        b.acknowledge(pushes[-1])
        async with asyncio.timeout(5):
            while (await a.say(session, "m7", "r", retry=True))["code"] == 6:
                await b.nothing()
        await hears(b, "m7")
        await b.nothing_from(a, session)

    asyncio.run(scenario())
