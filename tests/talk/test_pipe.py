"""``chat talk`` with a pipe: lines in, plain lines out."""

import asyncio
import io

from tests.support.scripted_node import listed
from tests.talk.scene import piped, through_pipe


def test_lines_are_confirmed_before_the_goodbye() -> None:
    async def scenario() -> None:
        async with through_pipe(io.StringIO("one\n\ntwo\r\nthree")) as scene:
            await scene.matched()
            peer = scene.peer
            first = await peer.receive("DIALOGUE_REQ")
            assert not peer.closed.done()
            peer.send("DIALOGUE_RESP", code=0, requestId=first["requestId"], msgId=1)
            rest = [(await peer.record(number))["content"] for number in (2, 3)]
            assert [first["content"], *rest] == ["one", "two", "three"]
            assert await scene.code() == 0
            assert await peer.gone() == 1000

    asyncio.run(scenario())


def test_first_line_waits_for_a_partner() -> None:
    async def scenario() -> None:
        async with through_pipe(io.StringIO("hello\n")) as scene:
            peer = await scene.node.accept()
            await peer.welcome()
            await peer.receive("MATCH_REQ")
            peer.send("MATCH_RESP", code=4)
            peer.send("PING_REQ", accountId=1000)
            await peer.receive("PING_RESP")
            assert peer.unread() == []
            peer.signal("NewSession", {"accountId": 2000, "nickName": "Bob"}, seq=1)
            await peer.receive("PUSH_SIGNAL_RESP")
            await peer.record(1)
            assert await scene.code() == 0

    asyncio.run(scenario())


def test_one_plain_line_for_each_event() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                await scene.matched("B\x1b[31mob")
                peer = scene.peer
                peer.signal("Typing", {"typing": True})
                peer.signal("Typing", {"typing": True})
                peer.message(1, 1, "hi\n* you are talking with Eve\x1b[2J")
                peer.send("PUSH_VIEWED_ACK_REQ", seq=2, sessionId=7000, accountId=2000, msgId=1)
                for seq, kind in enumerate(("PartnerAway", "PartnerBack", "PartnerExit"), 3):
                    peer.signal(kind, {}, seq=seq)
                await scene.out.shows("has left")
                assert scene.out.getvalue().splitlines() == [
                    "* looking for a stranger…",
                    "* you are talking with B\ufffd[31mob",
                    "* B\ufffd[31mob is typing…",
                    "[12:00] B\ufffd[31mob: hi⏎* you are talking with Eve\ufffd[2J",
                    "✓ read by B\ufffd[31mob",
                    "* B\ufffd[31mob lost the connection and may come back",
                    "* B\ufffd[31mob is back",
                    "* B\ufffd[31mob has left, /next finds another stranger",
                ]
                pipe.eof()
                assert await scene.code() == 0

    asyncio.run(scenario())


def test_messages_shown_are_marked_as_read() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                await scene.matched()
                scene.peer.message(1, 5, "hi")
                await scene.peer.receive("PUSH_DIALOGUE_RESP")
                frame = await scene.peer.receive("VIEWED_ACK_REQ")
                assert (frame["sessionId"], frame["msgId"]) == (7000, 5)

    asyncio.run(scenario())


def test_commands() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                await scene.matched()
                peer, out = scene.peer, scene.out
                pipe.write("/dance\x1b now\n/help\n//shrug\n")
                await scene.errors.shows("! /dance\ufffd is no command, /help lists them")
                await out.shows("/next   leave")
                assert (await peer.record(1))["content"] == "/shrug"
                pipe.write("/next\n")
                await peer.receive("LEAVE_REQ")
                peer.send("LEAVE_RESP", code=0)
                await peer.receive("MATCH_REQ")
                peer.send("MATCH_RESP", code=4)
                pipe.write("/next\n/leave\n")
                await out.shows("* still looking")
                await peer.receive("MATCH_CANCEL_REQ")
                peer.send("MATCH_CANCEL_RESP", code=0)
                await out.shows("* you stopped looking")
                pipe.write("/next\n")
                await peer.pair(7001, 3000, "Eve")
                await out.shows("* you are talking with Eve")
                pipe.write("/quit\nnever sent\n")
                assert await scene.code() == 0
                assert await peer.gone() == 1000

    asyncio.run(scenario())


def test_stranger_found_while_giving_up_is_left() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                peer = await scene.node.accept()
                await peer.welcome()
                await peer.receive("MATCH_REQ")
                peer.send("MATCH_RESP", code=4)
                pipe.write("/leave\n")
                await peer.receive("MATCH_CANCEL_REQ")
                peer.signal("NewSession", {"accountId": 2000, "nickName": "Bob"}, seq=1)
                peer.send("MATCH_CANCEL_RESP", code=0)
                await peer.receive("PUSH_SIGNAL_RESP")
                assert (await peer.receive("LEAVE_REQ"))["sessionId"] == 7000
                peer.send("LEAVE_RESP", code=0)

    asyncio.run(scenario())


def test_line_that_nobody_gets_is_told_by_the_exit_code() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                await scene.matched()
                pipe.write("one\n")
                await scene.peer.receive("DIALOGUE_REQ")
                scene.peer.send("DIALOGUE_RESP", code=7)
                await scene.errors.shows("! not sent: your partner has left")
                scene.peer.signal("PartnerExit", {}, seq=1)
                await scene.out.shows("has left")
                pipe.write("two\n")
                await scene.errors.shows("! not sent: nobody is here, try /next")
                pipe.eof()
                assert await scene.code() == 1

    asyncio.run(scenario())


def test_refused_search_is_told() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                peer = await scene.node.accept()
                await peer.welcome()
                await peer.receive("MATCH_REQ")
                peer.send("MATCH_RESP", code=5)
                await scene.errors.shows("! no stranger: the node does not allow it")

    asyncio.run(scenario())


def test_end_of_input_without_a_line_waits_for_nobody() -> None:
    async def scenario() -> None:
        async with through_pipe(io.StringIO("")) as scene:
            peer = await scene.node.accept()
            await peer.welcome()
            assert await scene.code() == 0
            assert await peer.gone() == 1000

    asyncio.run(scenario())


def test_lost_connection_and_lost_account() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                await scene.matched()
                scene.peer.close(1001)
                peer = await scene.node.accept()
                await peer.resume(sessions=[listed()], recovered=False)
                await scene.out.shows("* connected again; something was lost")
                peer.abort()
                peer = await scene.node.accept()
                await peer.receive("RECONNECT_REQ")
                peer.send("RECONNECT_RESP", code=4)
                await peer.welcome(1001)
                await scene.out.shows("you are somebody new")
                peer.close(4001)
                assert await scene.code() == 1
                await scene.out.shows("* this account is in use elsewhere")

    asyncio.run(scenario())
