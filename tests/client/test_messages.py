"""Requests and their answers: messages exactly once and in order, refusals, hints."""

import asyncio

import pytest

from chat.client.events import Refused
from tests.client.scene import BOB, EVE, soon, talking
from tests.support.scripted_node import listed


def test_message_is_confirmed() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            saying = soon(talk.me.say(BOB, "hello\n"))
            frame = await talk.peer.record(1)
            assert await saying == 1
            assert (frame["content"], frame["senderId"], frame["sessionId"]) == (
                "hello\n", 1000, 7000,
            )  # fmt: skip
            assert "retry" not in frame

    asyncio.run(scenario())


def test_unanswered_message_is_repeated_with_its_request_id() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            saying = soon(talk.me.say(BOB, "hello"))
            first = await talk.peer.receive("DIALOGUE_REQ")
            talk.peer.abort()
            await talk.come_back(sessions=[listed()])
            again = await talk.peer.record(1)
            assert await saying == 1
            assert again == {**first, "retry": True}

    asyncio.run(scenario())


def test_message_is_repeated_after_code_2() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            saying = soon(talk.me.say(BOB, "hello"))
            first = await talk.peer.receive("DIALOGUE_REQ")
            talk.peer.send("DIALOGUE_RESP", code=2, requestId=first["requestId"])
            again = await talk.peer.receive("DIALOGUE_REQ")
            assert again == {**first, "retry": True}
            talk.peer.send("DIALOGUE_RESP", code=2)
            await talk.peer.record(1)
            assert await saying == 1
            assert talk.pauses.taken == [0.5, 1.0]

    asyncio.run(scenario())


def test_message_waits_as_told_after_code_6() -> None:
    """It was not accepted, so the second is no repeat."""

    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            saying = soon(talk.me.say(BOB, "hello"))
            first = await talk.peer.receive("DIALOGUE_REQ")
            talk.peer.send("DIALOGUE_RESP", code=6, requestId=first["requestId"], retryAfterMs=1500)
            assert await talk.peer.record(1) == first
            assert await saying == 1
            assert talk.pauses.taken == [1.5]

    asyncio.run(scenario())


def test_messages_of_a_session_keep_their_order_over_a_loss() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            saying = [soon(talk.me.say(BOB, word)) for word in ("one", "two", "three")]
            await talk.peer.receive("DIALOGUE_REQ")
            talk.peer.abort()
            await talk.come_back(sessions=[listed()])
            words = [(await talk.peer.record(number))["content"] for number in (1, 2, 3)]
            assert words == ["one", "two", "three"]
            assert [await said for said in saying] == [1, 2, 3]

    asyncio.run(scenario())


def test_answers_find_their_requests_by_request_id() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            to_bob, to_eve = soon(talk.me.say(BOB, "b")), soon(talk.me.say(EVE, "e"))
            first = await talk.peer.receive("DIALOGUE_REQ")
            second = await talk.peer.receive("DIALOGUE_REQ")
            talk.peer.send("DIALOGUE_RESP", code=0, requestId=second["requestId"], msgId=2)
            talk.peer.send("DIALOGUE_RESP", code=7, requestId=first["requestId"])
            assert await to_eve == 2
            with pytest.raises(Refused) as refused:
                await to_bob
            assert refused.value.code == 7

    asyncio.run(scenario())


def test_answers_without_request_id_are_taken_in_order() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            first, second = soon(talk.me.viewed(BOB, 1)), soon(talk.me.viewed(BOB, 9))
            await talk.peer.receive("VIEWED_ACK_REQ")
            await talk.peer.receive("VIEWED_ACK_REQ")
            talk.peer.send("VIEWED_ACK_RESP", code=0)
            talk.peer.send("VIEWED_ACK_RESP", code=4)
            await first
            with pytest.raises(Refused):
                await second

    asyncio.run(scenario())


@pytest.mark.parametrize("content", ["x" * 11_000, "\x01" * 2000, "\ud83d"])
def test_message_that_would_close_the_connection_is_not_sent(content: str) -> None:
    async def scenario() -> None:
        async with talking() as talk:
            with pytest.raises(Refused) as refused:
                await talk.me.say(BOB, content)
            assert refused.value.code == 1
            await talk.settled()

    asyncio.run(scenario())


def test_leaving_what_has_ended_is_no_error() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            leaving = soon(talk.me.leave(BOB))
            await talk.peer.receive("LEAVE_REQ")
            talk.peer.send("LEAVE_RESP", code=7)
            await leaving
            assert talk.me.sessions == ()

    asyncio.run(scenario())


def test_typing_waits_for_nothing() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            await talk.me.typing(BOB, True)
            assert (await talk.peer.receive("TYPING_REQ"))["typing"] is True
            talk.peer.send("TYPING_RESP", code=6, retryAfterMs=10)  # concerns nobody
            await talk.settled()

    asyncio.run(scenario())
