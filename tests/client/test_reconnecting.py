"""When a client comes back, after which pause, and when it stays away."""

import asyncio

import pytest

from chat.client.client import Client
from chat.client.events import Banned, Closed, ConnectionLost, Event, Reconnected, Replaced, Timing
from tests.client.scene import BOB, IMPATIENT, Pauses, soon, talking, welcomed
from tests.support.scripted_node import ScriptedNode, listed


def test_going_away_is_left_at_once_for_the_next_address() -> None:
    async def scenario() -> None:
        async with ScriptedNode() as first, ScriptedNode() as second:
            pauses = Pauses()
            client = Client(first.url, "Ada", urls=[second.url], sleep=pauses)
            peer, me = await asyncio.gather(welcomed(first), client.__aenter__())
            peer.close(1001, "node stops")
            await (await second.accept()).resume()
            events = me.events()
            assert await anext(events) == ConnectionLost(1001, "node stops")
            assert await anext(events) == Reconnected(True, False, ())
            assert pauses.taken == []
            await me.aclose()

    asyncio.run(scenario())


def test_going_away_again_and_again_is_not_answered_without_a_pause() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            for _ in range(3):
                talk.peer.close(1001)
                await talk.come_back()
                await talk.next()
            assert talk.pauses.taken == [1.0, 2.0]

    asyncio.run(scenario())


def test_backoff_grows_to_its_limit_with_full_jitter() -> None:
    async def scenario() -> None:
        async with talking(Timing(backoff_base=1.0, backoff_cap=5.0)) as talk:
            talk.peer.abort()
            for code in (2, 6, 2, 2):
                peer = await talk.node.accept()
                await peer.receive("RECONNECT_REQ")
                told = {"retryAfterMs": 9000} if code == 6 else {}
                peer.send("RECONNECT_RESP", code=code, **told)
            await (await talk.node.accept()).resume()
            await talk.next()
            assert isinstance(await talk.next(), Reconnected)
            assert talk.pauses.taken == [1.0, 2.0, 9.0, 5.0, 5.0]

    asyncio.run(scenario())


def test_connection_that_lived_long_starts_the_backoff_anew() -> None:
    async def scenario() -> None:
        now = 0.0
        async with talking(clock=lambda: now) as talk:
            for now in (1.0, 2.0, 100.0):  # noqa: B007 - the clock reads it
                talk.peer.abort()
                await talk.come_back()
                await talk.next()
            assert talk.pauses.taken == [0.5, 1.0, 0.5]

    asyncio.run(scenario())


def test_time_out_is_a_lost_connection() -> None:
    async def scenario() -> None:
        async with talking(Timing(request=IMPATIENT)) as talk:
            await talk.matched()
            saying = soon(talk.me.say(BOB, "hello"))
            first = await talk.peer.receive("DIALOGUE_REQ")
            assert await talk.next() == ConnectionLost(1006, "no answer to DIALOGUE_REQ")
            assert await talk.peer.gone() == 1006
            peer = await talk.node.accept()
            await peer.resume(sessions=[listed()])
            assert await peer.record(1) == {**first, "retry": True}
            assert await saying == 1

    asyncio.run(scenario())


def test_silent_node_is_noticed() -> None:
    """It stops answering pings, as a node behind a cable that was cut."""

    async def scenario() -> None:
        async with talking(Timing(quiet=0.05, request=IMPATIENT)) as talk:
            transport = talk.peer._transport
            assert transport is not None
            transport.underlying_transport.pause_reading()
            assert isinstance(await talk.next(), ConnectionLost)
            await (await talk.node.accept()).receive("RECONNECT_REQ")

    asyncio.run(scenario())


@pytest.mark.parametrize(("code", "last"), [(4001, Replaced()), (4003, Banned())])
def test_some_close_codes_are_the_end(code: int, last: Event) -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            matching, saying = soon(talk.me.match()), soon(talk.me.say(BOB, "hello"))
            await talk.peer.receive("MATCH_REQ")
            talk.peer.close(code)
            assert await talk.next() == last
            with pytest.raises(StopAsyncIteration):
                await talk.next()
            for call in (matching, saying):
                with pytest.raises(Closed):
                    await call
            assert talk.node.sockets == 1

    asyncio.run(scenario())


def test_ban_while_coming_back_is_the_end() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            talk.peer.abort()
            peer = await talk.node.accept()
            await peer.receive("RECONNECT_REQ")
            peer.close(4003)
            assert isinstance(await talk.next(), ConnectionLost)
            assert await talk.next() == Banned()

    asyncio.run(scenario())
