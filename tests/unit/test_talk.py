"""The terminal chat against a node that follows a script: piped, and at a prompt."""

import asyncio
import io
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TextIO

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.plain_text import PlainTextOutput

from chat.client.client import Client
from chat.client.events import (
    AccountLost,
    ConnectionLost,
    Matched,
    Message,
    Session,
    Timing,
    Typing,
)
from chat.talk import conversation as talk_conversation
from chat.talk.conversation import Conversation
from chat.talk.talk import Typist, talk
from chat.talk.text import clean, lines, printer
from tests.support.scripted_node import PATIENCE, Peer, ScriptedNode, listed

SHORT = Timing(connect=0.05)
NOON = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)


class Screen(io.StringIO):
    """What was written, and a way to wait for it. prompt_toolkit writes from a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        self._loop.call_soon_threadsafe(self._news.set)
        return count

    def isatty(self) -> bool:
        return False

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while text not in self.getvalue():
                self._news.clear()
                await self._news.wait()


class Terminal(Screen):
    """Says that a person sits there."""

    def isatty(self) -> bool:
        return True


class Pipe:
    """Standard input that a test writes to."""

    def __init__(self) -> None:
        read, self._write = os.pipe()
        self.end: TextIO = os.fdopen(read, encoding="utf-8")

    def write(self, text: str) -> None:
        os.write(self._write, text.encode())

    def eof(self) -> None:
        if self._write >= 0:
            os.close(self._write)
            self._write = -1


@contextmanager
def piped() -> Iterator[Pipe]:
    pipe = Pipe()
    try:
        yield pipe
    finally:
        pipe.eof()
        pipe.end.close()


class Talk:
    """A running ``talk`` with its screen, and the node's end of its socket."""

    def __init__(self, node: ScriptedNode, running: "asyncio.Task[int]", out: Screen) -> None:
        self.node, self.running, self.out = node, running, out
        self.errors = out
        self.peer = Peer()

    async def matched(self, name: str = "Bob") -> None:
        self.peer = await self.node.accept()
        await self.peer.welcome()
        await self.peer.pair(name=name)
        await self.out.shows("* you are talking with")

    async def code(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.running


@asynccontextmanager
async def through_pipe(stdin: TextIO) -> AsyncIterator[Talk]:
    async with ScriptedNode() as node:
        out, errors = Screen(), Screen()
        running = asyncio.create_task(
            talk(node.url, "Ada", stdin=stdin, stdout=out, stderr=errors, now=lambda: NOON)
        )
        conversation = Talk(node, running, out)
        conversation.errors = errors
        yield conversation
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def at_prompt() -> AsyncIterator[tuple[Talk, PipeInput]]:
    async with ScriptedNode() as node:
        out = Terminal()
        with (
            create_pipe_input() as keys,
            create_app_session(input=keys, output=PlainTextOutput(out)),
        ):
            running = asyncio.create_task(
                talk(node.url, "Ada", stdin=out, stdout=out, stderr=out, now=lambda: NOON)
            )
            yield Talk(node, running, out), keys
            running.cancel()
            await asyncio.wait([running])


# -- piped


def test_lines_are_confirmed_before_the_goodbye() -> None:
    async def scenario() -> None:
        async with through_pipe(io.StringIO("one\n\ntwo\r\nthree")) as conversation:
            await conversation.matched()
            peer = conversation.peer
            first = await peer.receive("DIALOGUE_REQ")
            assert not peer.closed.done()
            peer.send("DIALOGUE_RESP", code=0, requestId=first["requestId"], msgId=1)
            rest = [(await peer.record(number))["content"] for number in (2, 3)]
            assert [first["content"], *rest] == ["one", "two", "three"]
            assert await conversation.code() == 0
            assert await peer.gone() == 1000

    asyncio.run(scenario())


def test_first_line_waits_for_a_partner() -> None:
    async def scenario() -> None:
        async with through_pipe(io.StringIO("hello\n")) as conversation:
            peer = await conversation.node.accept()
            await peer.welcome()
            await peer.receive("MATCH_REQ")
            peer.send("MATCH_RESP", code=4)
            peer.send("PING_REQ", accountId=1000)
            await peer.receive("PING_RESP")
            assert peer.unread() == []
            peer.signal("NewSession", {"accountId": 2000, "nickName": "Bob"}, seq=1)
            await peer.receive("PUSH_SIGNAL_RESP")
            await peer.record(1)
            assert await conversation.code() == 0

    asyncio.run(scenario())


def test_one_plain_line_for_each_event() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as conversation:
                await conversation.matched("B\x1b[31mob")
                peer = conversation.peer
                peer.signal("Typing", {"typing": True})
                peer.signal("Typing", {"typing": True})
                peer.message(1, 1, "hi\n* you are talking with Eve\x1b[2J")
                peer.send("PUSH_VIEWED_ACK_REQ", seq=2, sessionId=7000, accountId=2000, msgId=1)
                for seq, kind in enumerate(("PartnerAway", "PartnerBack", "PartnerExit"), 3):
                    peer.signal(kind, {}, seq=seq)
                await conversation.out.shows("has left")
                assert conversation.out.getvalue().splitlines() == [
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
                assert await conversation.code() == 0

    asyncio.run(scenario())


def test_messages_shown_are_marked_as_read() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as conversation:
                await conversation.matched()
                conversation.peer.message(1, 5, "hi")
                await conversation.peer.receive("PUSH_DIALOGUE_RESP")
                frame = await conversation.peer.receive("VIEWED_ACK_REQ")
                assert (frame["sessionId"], frame["msgId"]) == (7000, 5)

    asyncio.run(scenario())


def test_commands() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as conversation:
                await conversation.matched()
                peer, out = conversation.peer, conversation.out
                pipe.write("/dance\x1b now\n/help\n//shrug\n")
                await conversation.errors.shows("! /dance\ufffd is no command, /help lists them")
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
                assert await conversation.code() == 0
                assert await peer.gone() == 1000

    asyncio.run(scenario())


def test_stranger_found_while_giving_up_is_left() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as conversation:
                peer = await conversation.node.accept()
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
            async with through_pipe(pipe.end) as conversation:
                await conversation.matched()
                pipe.write("one\n")
                await conversation.peer.receive("DIALOGUE_REQ")
                conversation.peer.send("DIALOGUE_RESP", code=7)
                await conversation.errors.shows("! not sent: the stranger has left")
                conversation.peer.signal("PartnerExit", {}, seq=1)
                await conversation.out.shows("has left")
                pipe.write("two\n")
                await conversation.errors.shows("! not sent: nobody is here, try /next")
                pipe.eof()
                assert await conversation.code() == 1

    asyncio.run(scenario())


def test_refused_search_is_told() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as conversation:
                peer = await conversation.node.accept()
                await peer.welcome()
                await peer.receive("MATCH_REQ")
                peer.send("MATCH_RESP", code=5)
                await conversation.errors.shows("! no stranger: the node does not allow it")

    asyncio.run(scenario())


def test_end_of_input_without_a_line_waits_for_nobody() -> None:
    async def scenario() -> None:
        async with through_pipe(io.StringIO("")) as conversation:
            peer = await conversation.node.accept()
            await peer.welcome()
            assert await conversation.code() == 0
            assert await peer.gone() == 1000

    asyncio.run(scenario())


def test_lost_connection_and_lost_account() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as conversation:
                await conversation.matched()
                conversation.peer.close(1001)
                peer = await conversation.node.accept()
                await peer.resume(sessions=[listed()], recovered=False)
                await conversation.out.shows("* connected again; something was lost")
                peer.abort()
                peer = await conversation.node.accept()
                await peer.receive("RECONNECT_REQ")
                peer.send("RECONNECT_RESP", code=4)
                await peer.welcome(1001)
                await conversation.out.shows("you are somebody new")
                peer.close(4001)
                assert await conversation.code() == 1
                await conversation.out.shows("* this account is in use elsewhere")

    asyncio.run(scenario())


def test_cancelling_says_goodbye() -> None:
    """What Ctrl-C does."""

    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as conversation:
                await conversation.matched()
                conversation.running.cancel()
                assert await conversation.peer.gone() == 1000
                with pytest.raises(asyncio.CancelledError):
                    await conversation.code()

    asyncio.run(scenario())


def test_node_out_of_reach_is_one_line() -> None:
    async def scenario() -> None:
        out, errors = Screen(), Screen()
        code = await talk("http://nowhere", None, stdin=io.StringIO(), stdout=out, stderr=errors)
        assert (code, out.getvalue()) == (1, "")
        assert errors.getvalue().startswith("chat: http://nowhere isn't a valid URL")
        assert errors.getvalue().count("\n") == 1

    asyncio.run(scenario())


def test_refused_connection_is_one_line() -> None:
    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # not listening
            errors = Screen()
            url = f"ws://127.0.0.1:{taken.getsockname()[1]}/ws"
            code = await talk(
                url, None, stdin=io.StringIO(), stdout=Screen(), stderr=errors, timing=SHORT
            )
        assert code == 1
        assert errors.getvalue().startswith("chat: cannot connect in 0.05 s: ws://127.0.0.1")
        assert errors.getvalue().count("\n") == 1

    asyncio.run(scenario())


def test_reader_of_the_output_that_goes_away_ends_it() -> None:
    class Broken(Screen):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    async def scenario() -> None:
        async with ScriptedNode() as node:
            running = talk(
                node.url, None, stdin=io.StringIO("x\n"), stdout=Broken(), stderr=Screen()
            )
            task = asyncio.create_task(running)
            peer = await node.accept()
            await peer.welcome()
            async with asyncio.timeout(PATIENCE):
                assert await task == 1
            assert await peer.gone() == 1000

    asyncio.run(scenario())


# -- at a prompt


def test_prompt_sends_lines_and_shows_messages() -> None:
    async def scenario() -> None:
        async with at_prompt() as (conversation, keys):
            await conversation.matched()
            peer = conversation.peer
            keys.send_text("hello\r")
            frames = [await peer._frames.get()]
            while frames[-1]["cmd"] != "DIALOGUE_REQ":
                frames.append(await peer._frames.get())
            assert frames[-1]["content"] == "hello"
            peer.send("DIALOGUE_RESP", code=0, requestId=frames[-1]["requestId"], msgId=1)
            peer.message(1, 2, "hi \x1b[31mthere")
            await conversation.out.shows("[12:00] Bob: hi \ufffd[31mthere")
            keys.send_text("/quit\r")
            assert await conversation.code() == 0
            assert await peer.gone() == 1000

    asyncio.run(scenario())


def test_prompt_tells_who_is_typing() -> None:
    async def scenario() -> None:
        async with at_prompt() as (conversation, keys):
            await conversation.matched()
            peer = conversation.peer
            keys.send_text("he")
            assert (await peer.receive("TYPING_REQ"))["typing"] is True
            keys.send_text("\x7f\x7f")
            assert (await peer.receive("TYPING_REQ"))["typing"] is False

    asyncio.run(scenario())


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_prompt_ends_on_ctrl_c_and_ctrl_d(key: str) -> None:
    async def scenario() -> None:
        async with at_prompt() as (conversation, keys):
            await conversation.matched()
            keys.send_text(key)
            assert await conversation.code() == 0
            assert await conversation.peer.gone() == 1000

    asyncio.run(scenario())


def test_prompt_does_not_send_to_nobody() -> None:
    async def scenario() -> None:
        async with at_prompt() as (conversation, keys):
            peer = await conversation.node.accept()
            await peer.welcome()
            await peer.receive("MATCH_REQ")
            peer.send("MATCH_RESP", code=4)
            keys.send_text("hello\r")
            await conversation.out.shows("! not sent: nobody is here yet")

    asyncio.run(scenario())


def test_ban_ends_the_prompt() -> None:
    async def scenario() -> None:
        async with at_prompt() as (conversation, _):
            await conversation.matched()
            conversation.peer.close(4003)
            assert await conversation.code() == 1
            assert "* the node does not want you here" in conversation.out.getvalue()

    asyncio.run(scenario())


# -- parts


def test_pause_ends_typing() -> None:
    async def scenario() -> None:
        async with ScriptedNode() as node:
            client = Client(node.url)
            entering = asyncio.create_task(client.__aenter__())
            peer = await node.accept()
            await peer.welcome()
            await entering
            conversation = Conversation(client, print, print, lambda: NOON)
            conversation.session = Session(7000, 2000, "Bob")
            typist = Typist(conversation, pause=0.05)
            running = asyncio.create_task(typist.run())
            typist.changed("h")
            for typing in (True, False):
                assert (await peer.receive("TYPING_REQ"))["typing"] is typing
            typist.changed("/leave")
            running.cancel()
            await asyncio.wait([running])
            await client.aclose()
            assert peer.unread() == []

    asyncio.run(scenario())


def test_status_says_how_things_are() -> None:
    async def scenario() -> None:
        conversation = Conversation(Client("ws://x/ws"), print, print, lambda: NOON)
        bob = Session(7000, 2000, "B\x1bob")
        states = [conversation.status]
        conversation.look()
        states.append(conversation.status)
        for event in (
            Matched(bob),
            Typing(bob, True),
            Message(bob, 1, "hi"),
            ConnectionLost(1001, ""),
            AccountLost(1000, (bob,)),
        ):
            conversation._tell(event)
            states.append(conversation.status)
        assert states == [
            "nobody is here: /next finds a stranger",
            "looking for a stranger…",
            "talking with B\ufffdob",
            "B\ufffdob is typing…",
            "talking with B\ufffdob",
            "connection lost, coming back…",
            "nobody is here: /next finds a stranger",
        ]

    asyncio.run(scenario())


def test_too_many_lines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        said: list[str] = []
        monkeypatch.setattr(talk_conversation, "UNSENT_LINES", 1)
        conversation = Conversation(Client("ws://x/ws"), said.append, said.append, lambda: NOON)
        conversation.try_to_enter("one")
        conversation.try_to_enter("two")
        assert said == ["! not sent: too many lines are waiting for the connection"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, Ünïcode, 日本語, 👍🏽", "plain, Ünïcode, 日本語, 👍🏽"),
        ("\x1b]0;title\x07", "\ufffd]0;title\ufffd"),
        ("a\rb\x9bc\x00", "a\ufffdb\ufffdc\ufffd"),
        ("two\nlines", "two⏎lines"),
        ("abc\u202ecba", "abc\ufffdcba"),
        ("\ud83d", "\ufffd"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_printer_replaces_what_the_encoding_lacks() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="")
    printer(stream)("✓ é")
    assert raw.getvalue() == b"? ?\n"


def test_lines_of_a_pipe_may_come_in_pieces() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            reader = lines(pipe.end)
            pipe.write("one\ntw")
            assert await anext(reader) == "one"
            pipe.write("o\nthr")
            assert await anext(reader) == "two"
            pipe.eof()
            assert [line async for line in reader] == ["thr"]

    asyncio.run(scenario())


def test_input_that_is_no_text_is_read_as_far_as_it_goes() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            os.write(pipe._write, b"\xff\xfe\n\xc3")
            pipe.eof()
            assert [line async for line in lines(pipe.end)] == ["\ufffd\ufffd", "\ufffd"]

    asyncio.run(scenario())
