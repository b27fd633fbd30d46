"""``chat talk`` ends with one line where it cannot go on, and says goodbye where it can."""

import asyncio
import io
import socket

import pytest

from chat.talk.talk import talk
from tests.support.scripted_node import PATIENCE, ScriptedNode
from tests.talk.scene import SHORT, Screen, piped, through_pipe


def test_cancelling_says_goodbye() -> None:
    """What Ctrl-C does."""

    async def scenario() -> None:
        with piped() as pipe:
            async with through_pipe(pipe.end) as scene:
                await scene.matched()
                scene.running.cancel()
                assert await scene.peer.gone() == 1000
                with pytest.raises(asyncio.CancelledError):
                    await scene.code()

    asyncio.run(scenario())


def test_node_out_of_reach_is_one_line() -> None:
    async def scenario() -> None:
        out, errors = Screen(), Screen()
        code = await talk("ftp://nowhere", None, stdin=io.StringIO(), stdout=out, stderr=errors)
        assert (code, out.getvalue()) == (1, "")
        assert errors.getvalue().startswith("chat: ftp://nowhere/ws isn't a valid URL")
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
