"""One person at a node that does what a test says: coming back, and what is not to be forgiven."""

import asyncio
from collections.abc import Awaitable, Callable

import orjson
from picows import WSMsgType

from chat.load.crowd import Crowd
from chat.load.frames import TEXT
from chat.load.host import State
from tests.support.scripted_node import Peer, ScriptedNode

Script = Callable[[ScriptedNode, Peer, Crowd], Awaitable[None]]


def played(script: Script, answer_seconds: float = 10.0) -> Crowd:
    """The crowd of one person, whose account is 1000, after the script."""

    async def scenario() -> Crowd:
        async with (
            ScriptedNode() as node,
            Crowd([node.url], answer_seconds=answer_seconds) as crowd,
        ):
            coming = asyncio.create_task(crowd.come(1))
            peer = await node.accept()
            await peer.welcome()
            await coming
            await script(node, peer, crowd)
            for person in crowd.everybody:  # the scripted node hears no goodbye
                person.vanish()
        return crowd

    return asyncio.run(scenario())


def push(seq: int, number: int) -> dict[str, object]:
    return {"seq": seq, "msgId": seq, "content": f"{number} {TEXT}"}


async def say(crowd: Crowd, peer: Peer, number: int) -> None:
    """It says the next thing, and the node has it."""
    assert crowd.everybody[0].say(crowd.clock())
    frame = await peer.receive("DIALOGUE_REQ")
    assert (frame["requestId"], "retry" in frame) == (str(number), False)


async def pair(crowd: Crowd, peer: Peer) -> None:
    """With somebody from elsewhere, whom the crowd does not know."""
    crowd.everybody[0].match(crowd.clock())
    await peer.pair()
    assert await crowd.until(lambda: crowd.everybody[0].session, 5)


def test_what_has_no_answer_is_repeated_in_order_on_the_next_socket() -> None:
    """With ``retry``, and after what it has received; what is said meanwhile comes last."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        await pair(crowd, peer)
        for number in (1, 2, 3):
            await say(crowd, peer, number)
        peer.send("DIALOGUE_RESP", code=0, requestId="1", msgId=1)
        peer.message(seq=4, msg_id=2, content="Hello from elsewhere")
        await peer.receive("PUSH_DIALOGUE_RESP")
        peer.abort()
        assert await crowd.until(lambda: crowd.everybody[0].state is not State.HERE, 5, pause=0)
        crowd.everybody[0].say(crowd.clock())
        peer = await node.accept()
        frame = await peer.resume(sessions=[{"sessionId": 7000, "partnerId": 2000}])
        assert (frame["token"], frame["seq"]) == ("secret", 4)
        again = [await peer.receive("DIALOGUE_REQ") for _ in range(3)]
        assert [(f["requestId"], f["retry"]) for f in again] == [(n, True) for n in "234"]

    tally = played(script).tally
    assert (tally.sockets_lost, tally.came_back, tally.repeated) == (1, 1, 3)
    assert (tally.said, tally.confirmed) == (4, 1)


def test_code_2_is_asked_again_and_nothing_else_with_it() -> None:
    """Until it has an answer; what was said meanwhile may have been done."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        await pair(crowd, peer)
        for number in (1, 2):
            await say(crowd, peer, number)
        peer.send("DIALOGUE_RESP", code=2, requestId="1")
        frame = await peer.receive("DIALOGUE_REQ")
        assert (frame["requestId"], frame["retry"]) == ("1", True)
        for request in ("2", "1"):
            peer.send("DIALOGUE_RESP", code=0, requestId=request, msgId=1)
        assert await crowd.until(lambda: crowd.tally.confirmed == 2, 5)
        assert peer.unread() == []

    tally = played(script).tally
    assert tally.errors == {("DIALOGUE_REQ", 2): 1}
    assert (tally.repeated, tally.refused) == (1, 0)


async def answered(peer: Peer, answers: int) -> None:
    """So many times with code 2, then not at all, until it has left."""
    while not peer.closed.done():
        if peer.unread() and answers > 0:
            answers -= 1
            peer.send("DIALOGUE_RESP", code=2, requestId="1")
        await asyncio.wait([peer.closed], timeout=0.02)


def test_a_node_that_answers_nothing_but_code_2_is_left() -> None:
    """And is not said to be silent."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        await pair(crowd, peer)
        assert crowd.everybody[0].say(crowd.clock())
        await answered(peer, 1000)

    assert "DIALOGUE_REQ answered with code 2 for 1 s" in played(script, 1.0).tally.troubles


def test_a_node_that_falls_silent_after_code_2_is_left_later() -> None:
    """When there has been nothing for as long, and it is not said to answer."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        await pair(crowd, peer)
        assert crowd.everybody[0].say(crowd.clock())
        began = crowd.clock()
        await answered(peer, 1)
        assert crowd.clock() - began > 1.0

    assert "no answer to DIALOGUE_REQ for 1 s" in played(script, 1.0).tally.troubles


def test_an_answer_ends_what_was_answered_with_code_2() -> None:
    """Otherwise a node would be left for what was long ago."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        await pair(crowd, peer)
        (person,) = crowd.everybody
        await say(crowd, peer, 1)
        peer.send("DIALOGUE_RESP", code=2, requestId="1")
        assert await crowd.until(lambda: person.undone, 5)
        await peer.record(2)
        assert await crowd.until(lambda: person.undone is None, 5)

    played(script)


def test_whom_no_node_knows_any_more_becomes_somebody_new() -> None:
    """And that an account was lost is counted."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        await pair(crowd, peer)
        peer.abort()
        peer = await node.accept()
        await peer.receive("RECONNECT_REQ")
        peer.send("RECONNECT_RESP", code=4)
        await peer.welcome(account_id=3000)
        await peer.receive("MATCH_REQ")  # the talk goes on, with whomever
        assert set(crowd.people) == {3000}

    assert played(script).tally.accounts_lost == 1


def test_a_gap_that_a_node_owns_up_to_is_counted() -> None:
    """``recovered`` is false: something was lost, whatever it was."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        peer.abort()
        peer = await node.accept()
        await peer.resume(recovered=False)
        assert await crowd.until(lambda: crowd.tally.came_back, 5)

    assert played(script).tally.unrecovered == 1


def test_a_return_without_sessions_is_malformed_and_no_end() -> None:
    """It is counted, and the person is there."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        peer.abort()
        peer = await node.accept()
        await peer.resume(sessions=[{"sessionId": None}])
        peer.send("PING_REQ", accountId=1000)
        await peer.receive("PING_RESP")

    assert "a malformed frame: no list of sessions" in played(script).tally.troubles


def test_whoever_was_replaced_does_not_come_back() -> None:
    """4001 is final, as for any client; and it is missed at the end."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        peer.close(4001)
        assert await peer.gone() == 4001
        assert crowd.everybody[0].state is State.DONE

    assert played(script).tally.troubles == {"a socket closed with 4001": 1}


def test_pushes_are_acknowledged_in_time_or_sixteen_together() -> None:
    """One answer, with the last number; and one timer for all."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        await pair(crowd, peer)
        began = crowd.clock()
        peer.message(seq=1, msg_id=1, content="Hello")
        peer.message(seq=2, msg_id=2, content="Hello")
        assert (await peer.receive("PUSH_DIALOGUE_RESP"))["seq"] == 2
        assert crowd.clock() - began > 0.1
        for seq in range(3, 20):
            peer.message(seq=seq, msg_id=seq, content="Hello")
        assert (await peer.receive("PUSH_DIALOGUE_RESP"))["seq"] == 18
        assert (await peer.receive("PUSH_DIALOGUE_RESP"))["seq"] == 19

    assert played(script).book.wrong == 0


def test_a_ping_is_answered() -> None:
    """Otherwise a node would take everybody for dead."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        peer.send("PING_REQ", accountId=1000)
        assert (await peer.receive("PING_RESP"))["accountId"] == 1000
        assert crowd.tally.pings == 1

    played(script)


def test_a_message_in_fragments_is_one() -> None:
    """A proxy is free to cut."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        whole = orjson.dumps({"cmd": "PING_REQ", "accountId": 1000})
        peer.raw(whole[:9], last=False)
        peer.raw(whole[9:20], WSMsgType.CONTINUATION, last=False)
        peer.raw(whole[20:], WSMsgType.CONTINUATION)
        await peer.receive("PING_RESP")

    played(script)


def test_malformed_frames_are_counted_and_end_nothing() -> None:
    """Whatever is wrong with them."""

    async def script(node: ScriptedNode, peer: Peer, crowd: Crowd) -> None:
        peer.raw(b"{")
        peer.raw(b"[]")
        peer.raw(b'{"cmd":"PUSH_DIALOGUE_REQ","seq":1}')
        peer.send("MATCH_RESP", code="0")
        peer.send("PUSH_SIGNAL_REQ", signalType="NewSession")
        peer.send("PING_REQ", accountId=1000)
        await peer.receive("PING_RESP")

    crowd = played(script)
    assert sum(crowd.tally.troubles.values()) == 5
    assert crowd.tally.sockets_lost == 0
