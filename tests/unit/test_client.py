"""The client against a node that follows a script."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest
from picows import WSMsgType

from chat.client import inbox as client_inbox
from chat.client.account import Account
from chat.client.client import Client
from chat.client.events import (
    AccountLost,
    Banned,
    Closed,
    ConnectionFailed,
    ConnectionLost,
    Event,
    MatchCancelled,
    Matched,
    Message,
    Missed,
    PartnerAway,
    PartnerBack,
    PartnerLeft,
    Reconnected,
    Refused,
    Replaced,
    Session,
    Timing,
    Typing,
    Viewed,
)
from chat.client.inbox import Inbox, Receipt, Turn
from tests.support.scripted_node import PATIENCE, Peer, ScriptedNode, listed

BOB = Session(7000, 2000, "Bob")
EVE = Session(7001, 3000, "Eve")


class Jitter(Random):
    """The longest wait each time, so that waits show the limits."""

    def random(self) -> float:
        return 1.0


class Pauses:
    """In place of sleeping: writes down for how long, and goes on at once."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        await asyncio.sleep(0)


class Talk:
    """A client, its node, and the first socket, which has an account."""

    def __init__(self, node: ScriptedNode, me: Client, peer: Peer, pauses: Pauses) -> None:
        self.node, self.me, self.peer, self.pauses = node, me, peer, pauses
        self.events = me.events()

    async def next(self) -> Event:
        async with asyncio.timeout(PATIENCE):
            return await anext(self.events)

    async def matched(self) -> None:
        """Talk with Bob."""
        _, session = await asyncio.gather(self.peer.pair(), self.me.match())
        assert session == BOB
        assert await self.next() == Matched(BOB)

    async def come_back(self, **fields: object) -> dict[str, object]:
        """The client reconnects; the peer is then that of the new socket."""
        assert isinstance(await self.next(), ConnectionLost)
        self.peer = await self.node.accept()
        return await self.peer.resume(**fields)

    async def settled(self) -> None:
        """Whatever the node has sent before has arrived, and been answered."""
        self.peer.send("PING_REQ", accountId=1000)
        await self.peer.receive("PING_RESP")


@asynccontextmanager
async def talking(
    timing: Timing | None = None, clock: Callable[[], float] = lambda: 0.0
) -> AsyncIterator[Talk]:
    pauses = Pauses()
    async with ScriptedNode() as node:
        me = Client(node.url, "Ada", timing=timing, random=Jitter(), sleep=pauses, clock=clock)
        peer, _ = await asyncio.gather(welcomed(node), me.__aenter__())
        try:
            yield Talk(node, me, peer, pauses)
        finally:
            await me.aclose()


async def welcomed(node: ScriptedNode, account_id: int = 1000) -> Peer:
    peer = await node.accept()
    await peer.welcome(account_id)
    return peer


def soon(awaitable: Awaitable[object]) -> "asyncio.Task[object]":
    async def waiting() -> object:
        async with asyncio.timeout(PATIENCE):
            return await awaitable

    return asyncio.create_task(waiting())


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


# -- the first connection


def test_account_has_the_name_that_the_node_accepted() -> None:
    async def scenario() -> None:
        async with ScriptedNode() as node:
            client = Client(node.url)
            peer, me = await asyncio.gather(welcomed(node), client.__aenter__())
            assert (me.account_id, me.name) == (1000, "Quiet Otter")
            await me.aclose()
            assert await peer.gone() == 1000

    asyncio.run(scenario())


def test_connection_fails_in_the_stated_time() -> None:
    async def scenario() -> None:
        client = Client(f"ws://127.0.0.1:{free_port()}/ws", timing=Timing(connect=0.05))
        with pytest.raises(ConnectionFailed, match=r"cannot connect in 0\.05 s: .*refused|failed"):
            await client.__aenter__()
        with pytest.raises(Closed):
            await client.match()
        await client.aclose()

    asyncio.run(scenario())


def test_address_that_cannot_work_fails_at_once() -> None:
    async def scenario() -> None:
        with pytest.raises(ConnectionFailed, match="isn't a valid URL"):
            await Client("http://127.0.0.1/").__aenter__()

    asyncio.run(scenario())


def test_first_connection_tries_the_other_addresses() -> None:
    async def scenario() -> None:
        async with ScriptedNode() as node:
            dead = f"ws://127.0.0.1:{free_port()}/ws"
            client = Client(dead, urls=[node.url], sleep=Pauses())
            _, me = await asyncio.gather(welcomed(node), client.__aenter__())
            await me.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("code", [2, 6])
def test_first_connection_tries_again_when_told(code: int) -> None:
    async def scenario() -> None:
        async with ScriptedNode() as node:
            pauses = Pauses()
            client = Client(node.url, "Ada", random=Jitter(), sleep=pauses)
            entering = soon(client.__aenter__())
            peer = await node.accept()
            await peer.receive("CRT_ACCOUNT_REQ")
            peer.send("CRT_ACCOUNT_RESP", code=code, retryAfterMs=700)
            await welcomed(node)
            await entering
            assert pauses.taken == [0.7]
            await client.aclose()

    asyncio.run(scenario())


def test_ban_ends_the_first_connection_at_once() -> None:
    async def scenario() -> None:
        async with ScriptedNode() as node:
            entering = soon(Client(node.url).__aenter__())
            peer = await node.accept()
            await peer.receive("CRT_ACCOUNT_REQ")
            peer.close(4003, "banned")
            with pytest.raises(ConnectionFailed, match="banned"):
                await entering

    asyncio.run(scenario())


def test_call_before_the_connection_says_what_to_do() -> None:
    async def scenario() -> None:
        with pytest.raises(Closed, match="async with"):
            await Client("ws://127.0.0.1:1/ws").match()

    asyncio.run(scenario())


# -- matching


def test_match_at_once() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            assert talk.me.sessions == (BOB,)

    asyncio.run(scenario())


def test_match_waits_for_a_new_session() -> None:
    """The push may be in the same packet as the answer."""

    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            talk.peer.signal("NewSession", {"accountId": 2000, "nickName": "Bob"}, seq=1)
            assert await matching == BOB
            assert await talk.next() == Matched(BOB)
            assert (await talk.peer.receive("PUSH_SIGNAL_RESP"))["seq"] == 1

    asyncio.run(scenario())


def test_match_asks_again_when_its_answer_was_lost() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.abort()
            await talk.come_back()
            await talk.peer.pair()
            assert await matching == BOB

    asyncio.run(scenario())


def test_match_takes_the_session_of_a_lost_answer() -> None:
    """Asking again could open a second session."""

    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.abort()
            await talk.come_back(sessions=[listed()])
            assert await matching == BOB
            await talk.settled()
            assert talk.peer.unread() == []
            assert await talk.next() == Reconnected(True, False, (BOB,))
            assert await talk.next() == Matched(BOB)

    asyncio.run(scenario())


@pytest.mark.parametrize("waiting", [True, False])
def test_match_does_not_ask_again_when_the_node_has_done_so(waiting: bool) -> None:
    """Not waiting means here that a NewSession is on its way."""

    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            await talk.settled()
            talk.peer.abort()
            await talk.come_back(waiting=waiting)
            await talk.settled()
            assert talk.peer.unread() == []
            talk.peer.signal("NewSession", {"accountId": 2000, "nickName": "Bob"}, seq=1)
            assert await matching == BOB

    asyncio.run(scenario())


def test_match_asks_again_when_its_place_is_lost() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            await talk.settled()
            talk.peer.abort()
            await talk.come_back(recovered=False)
            await talk.peer.pair()
            assert await matching == BOB

    asyncio.run(scenario())


def test_cancel_ends_the_wait() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            cancelling = soon(talk.me.cancel())
            await talk.peer.receive("MATCH_CANCEL_REQ")
            talk.peer.send("MATCH_CANCEL_RESP", code=0)
            await cancelling
            with pytest.raises(MatchCancelled):
                await matching

    asyncio.run(scenario())


def test_answer_after_the_caller_was_cancelled_still_counts() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = asyncio.create_task(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            matching.cancel()
            await asyncio.wait([matching])
            talk.peer.send("MATCH_RESP", code=0, **listed())
            assert await talk.next() == Matched(BOB)

    asyncio.run(scenario())


def test_match_refused_for_good() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("ERROR_RESP", code=5, msg="no", ref="MATCH_REQ")
            with pytest.raises(Refused) as refused:
                await matching
            assert (refused.value.code, refused.value.command) == (5, "MATCH_REQ")

    asyncio.run(scenario())


# -- messages


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


# -- pushes


def test_pushes_become_events_and_are_acknowledged_when_taken() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.message(1, 1, "hi")
            talk.peer.send("PUSH_VIEWED_ACK_REQ", seq=2, sessionId=7000, accountId=2000, msgId=1)
            for seq, kind in enumerate(("PartnerAway", "PartnerBack", "PartnerExit"), 3):
                talk.peer.signal(kind, {"accountId": 2000}, seq=seq)
            await talk.settled()
            expected = [
                Message(BOB, 1, "hi"),
                Viewed(BOB, 1),
                PartnerAway(BOB),
                PartnerBack(BOB),
                PartnerLeft(BOB),
            ]
            assert [await talk.next() for _ in expected] == expected
            names = ["DIALOGUE", "VIEWED_ACK", "SIGNAL", "SIGNAL", "SIGNAL"]
            for seq, name in enumerate(names, 1):
                assert (await talk.peer.receive(f"PUSH_{name}_RESP"))["seq"] == seq
            assert talk.me.sessions == ()

    asyncio.run(scenario())


def test_typing_notice_has_no_number() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.signal("Typing", {"accountId": 2000, "typing": True})
            assert await talk.next() == Typing(BOB, True)
            await talk.settled()

    asyncio.run(scenario())


def test_repeated_push_is_dropped_and_acknowledged_again() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.message(1, 1, "hi")
            assert await talk.next() == Message(BOB, 1, "hi")
            talk.peer.message(1, 1, "hi")
            talk.peer.message(2, 2, "there")
            assert await talk.next() == Message(BOB, 2, "there")
            seqs = [(await talk.peer.receive("PUSH_DIALOGUE_RESP"))["seq"] for _ in range(3)]
            assert seqs == [1, 1, 2]

    asyncio.run(scenario())


def test_unknown_signal_and_foreign_session_are_acknowledged() -> None:
    """Something later than this client, and something of a session it has left."""

    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.signal("Wave", {}, seq=1)
            talk.peer.message(2, 1, "late", session_id=99)
            talk.peer.message(3, 1, "hi")
            assert await talk.next() == Message(BOB, 1, "hi")
            seqs = [
                (await talk.peer.receive(f"PUSH_{name}_RESP"))["seq"]
                for name in ("SIGNAL", "DIALOGUE", "DIALOGUE")
            ]
            assert seqs == [1, 2, 3]

    asyncio.run(scenario())


def test_half_a_surrogate_pair_arrives_as_it_is() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.raw(
                b'{"cmd":"PUSH_DIALOGUE_REQ","seq":1,"msgId":1,"senderId":2000,'
                b'"sessionId":7000,"content":"\\ud83d"}'
            )
            assert await talk.next() == Message(BOB, 1, "\ud83d")

    asyncio.run(scenario())


def test_message_in_pieces() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            talk.peer.raw(b'{"cmd":"PING_REQ",', last=False)
            talk.peer.raw(b'"accountId":1000}', WSMsgType.CONTINUATION)
            await talk.peer.receive("PING_RESP")

    asyncio.run(scenario())


# -- coming back


def test_resume_tells_the_last_number_and_drops_what_is_known() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.message(1, 1, "one")
            assert await talk.next() == Message(BOB, 1, "one")
            talk.peer.close(1011, "trouble")
            frame = await talk.come_back(sessions=[listed()])
            assert (frame["accountId"], frame["token"], frame["seq"]) == (1000, "secret", 1)
            talk.peer.message(1, 1, "one")
            talk.peer.message(2, 2, "two")
            assert await talk.next() == Reconnected(True, False, (BOB,))
            assert await talk.next() == Message(BOB, 2, "two")

    asyncio.run(scenario())


def test_number_counts_as_arrived_before_it_is_taken() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.message(1, 1, "one")
            await talk.settled()
            talk.peer.abort()
            talk.peer = await talk.node.accept()
            assert (await talk.peer.resume(sessions=[listed()]))["seq"] == 1
            assert await talk.next() == Message(BOB, 1, "one")

    asyncio.run(scenario())


def test_not_recovered_takes_any_number_next() -> None:
    """A node that lost something may count from below what the client has."""

    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            for seq in (1, 2, 3):
                talk.peer.message(seq, seq, "x")
                await talk.next()
            talk.peer.abort()
            await talk.come_back(recovered=False, sessions=[listed()])
            talk.peer.message(2, 4, "four")
            talk.peer.message(3, 5, "five")
            assert await talk.next() == Reconnected(False, False, (BOB,))
            assert await talk.next() == Message(BOB, 4, "four")
            assert await talk.next() == Message(BOB, 5, "five")

    asyncio.run(scenario())


def test_not_recovered_tells_which_sessions_have_ended() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.abort()
            await talk.come_back(recovered=False)
            assert await talk.next() == Reconnected(False, False, ())
            assert await talk.next() == PartnerLeft(BOB)

    asyncio.run(scenario())


def test_gap_is_asked_for_once_more_and_then_told() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.message(3, 3, "three")
            assert (await talk.come_back(sessions=[listed()]))["seq"] == 0
            assert isinstance(await talk.next(), Reconnected)
            talk.peer.message(3, 3, "three")
            assert await talk.next() == Missed(1, 2)
            assert await talk.next() == Message(BOB, 3, "three")

    asyncio.run(scenario())


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


def test_lost_account_is_replaced_by_a_new_one() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.message(1, 1, "untaken")
            await talk.settled()
            talk.peer.abort()
            talk.peer = await talk.node.accept()
            await talk.peer.receive("RECONNECT_REQ")
            talk.peer.send("RECONNECT_RESP", code=4)
            assert (await talk.peer.welcome(1001, "other"))["nickName"] == "Ada"
            assert await talk.next() == Message(BOB, 1, "untaken")
            assert isinstance(await talk.next(), ConnectionLost)
            assert await talk.next() == AccountLost(1000, (BOB,))
            assert (talk.me.account_id, talk.me.sessions) == (1001, ())
            await talk.settled()
            assert talk.peer.unread() == []  # a number of the old account is not acknowledged

    asyncio.run(scenario())


def test_match_goes_on_with_a_new_account() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            talk.peer.send("MATCH_RESP", code=4)
            await talk.settled()
            talk.peer.abort()
            peer = await talk.node.accept()
            await peer.receive("RECONNECT_REQ")
            peer.send("RECONNECT_RESP", code=4)
            await peer.welcome(1001)
            assert (await peer.receive("MATCH_REQ"))["accountId"] == 1001
            peer.send("MATCH_RESP", code=0, **listed())
            assert await matching == BOB

    asyncio.run(scenario())


def test_time_out_is_a_lost_connection() -> None:
    async def scenario() -> None:
        async with talking(Timing(request=0.05)) as talk:
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
        async with talking(Timing(quiet=0.05, request=0.05)) as talk:
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


# -- nodes that misbehave


@pytest.mark.parametrize(
    "data",
    [
        b"not json",
        b"[1]",
        b'{"cmd": 3}',
        b"{}",
        b'"\xff"',
        b'{"cmd":"PUSH_DIALOGUE_REQ","seq":"one"}',
        b'{"cmd":"PUSH_SIGNAL_REQ","sessionId":null}',
        b'{"cmd":"NEW_THING_REQ"}',
        b'{"cmd":"MATCH_RESP","code":0}',
        b'{"cmd":"ERROR_RESP","code":1,"msg":"what?"}',
        b"[" * 100_000,
    ],
)
def test_malformed_frame_is_left_out(data: bytes) -> None:
    async def scenario() -> None:
        async with talking() as talk:
            talk.peer.raw(data)
            await talk.settled()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "fields", [{}, {"sessions": 3}, {"code": "0"}, {"sessions": [7]}, {"requestId": [1]}]
)
def test_malformed_answer_is_none(fields: dict[str, object]) -> None:
    """So the request runs into its time limit, and is repeated elsewhere."""

    async def scenario() -> None:
        async with talking(Timing(request=0.05)) as talk:
            talk.peer.abort()
            peer = await talk.node.accept()
            await peer.receive("RECONNECT_REQ")
            peer.send("RECONNECT_RESP", **({"code": 0, "sessions": [{}]} | fields))
            await (await talk.node.accept()).resume()
            await talk.next()
            assert isinstance(await talk.next(), Reconnected)

    asyncio.run(scenario())


def test_unreadable_push_is_told() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.send("PUSH_DIALOGUE_REQ", seq=1, sessionId=7000, msgId="x", content=None)
            assert await talk.next() == Missed(1, 1)
            assert (await talk.peer.receive("PUSH_DIALOGUE_RESP"))["seq"] == 1

    asyncio.run(scenario())


def test_events_that_nobody_takes_end_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(client_inbox, "EVENTS_LIMIT", 3)
        async with ScriptedNode() as node:
            client = Client(node.url)
            peer, me = await asyncio.gather(welcomed(node), client.__aenter__())
            matching = soon(me.match())
            await peer.pair()
            await matching
            for seq in range(1, 5):
                peer.message(seq, seq, "x")
            assert await peer.gone() == 1006
            with pytest.raises(OverflowError):
                [event async for event in me.events()]
            with pytest.raises(Closed, match="nobody takes them"):
                await me.match()
            with pytest.raises(OverflowError):
                await me.aclose()

    asyncio.run(scenario())


# -- the end


def test_goodbye_ends_calls_and_events() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            matching = soon(talk.me.match())
            await talk.peer.receive("MATCH_REQ")
            await talk.me.aclose()
            assert await talk.peer.gone() == 1000
            with pytest.raises(Closed):
                await matching
            assert [event async for event in talk.me.events()] == []
            with pytest.raises(Closed):
                await talk.me.match()

    asyncio.run(scenario())


def test_goodbye_while_nobody_is_connected() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            talk.peer.abort()
            await talk.next()
            await talk.node.accept()
            saying = soon(talk.me.say(BOB, "hello"))
            await talk.me.aclose()
            with pytest.raises(Closed):
                await saying
        assert [task for task in asyncio.all_tasks() if task.get_name() == "chat client"] == []

    asyncio.run(scenario())


@asynccontextmanager
async def failing() -> AsyncIterator[tuple[ScriptedNode, Client, Peer]]:
    """A client whose goodbye raises what it failed with."""
    async with ScriptedNode() as node:
        me = Client(node.url, sleep=Pauses())
        peer, _ = await asyncio.gather(welcomed(node), me.__aenter__())
        yield node, me, peer


def test_refusal_to_come_back_is_raised_to_the_user() -> None:
    async def scenario() -> None:
        async with failing() as (node, me, first):
            first.abort()
            peer = await node.accept()
            await peer.receive("RECONNECT_REQ")
            peer.send("RECONNECT_RESP", code=5)
            events = me.events()
            assert isinstance(await anext(events), ConnectionLost)
            with pytest.raises(Refused):
                await anext(events)
            with pytest.raises(Refused):
                await me.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("reconnecting", [False, True])
def test_crash_is_raised_to_the_user(monkeypatch: pytest.MonkeyPatch, reconnecting: bool) -> None:
    """A fault of the client is no reason to connect again, and again."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    async def scenario() -> None:
        async with failing() as (node, me, first):
            matching = soon(me.match())
            await first.receive("MATCH_REQ")
            if reconnecting:
                first.abort()
            peer = await node.accept() if reconnecting else first
            monkeypatch.setattr(Account, "_answered", broken)
            if reconnecting:
                await peer.resume()
            else:
                peer.send("MATCH_RESP", code=0, **listed())
            with pytest.raises(Closed) as closed:
                await matching
            assert isinstance(closed.value.__cause__, ZeroDivisionError)
            with pytest.raises(ZeroDivisionError):
                await me.aclose()
            assert await peer.gone() == 1006

    asyncio.run(scenario())


# -- numbers alone


def test_inbox_turns() -> None:
    inbox = Inbox(lambda _: None)
    assert [inbox.turn(seq) for seq in (1, 2, 2, 4, 1)] == [
        Turn.NEXT, Turn.NEXT, Turn.KNOWN, Turn.GAP, Turn.KNOWN,
    ]  # fmt: skip
    inbox.renumber(None)
    assert [inbox.turn(seq) for seq in (40, 41)] == [Turn.NEXT, Turn.NEXT]


def test_full_inbox_leaves_out_typing_notices_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_inbox, "EVENTS_LIMIT", 1)
    inbox = Inbox(lambda _: None)
    inbox.put(Matched(BOB))
    inbox.put(Typing(BOB, True))
    with pytest.raises(OverflowError):
        inbox.put(None, Receipt("PUSH_SIGNAL_RESP", 1))
