"""``chat talk`` on a terminal."""

import asyncio

import pytest
from prompt_toolkit.application import Application

from tests.support.scripted_node import PATIENCE
from tests.talk.scene import at_prompt


def test_prompt_sends_lines_and_shows_messages() -> None:
    async def scenario() -> None:
        async with at_prompt() as (scene, keys):
            await scene.matched()
            peer = scene.peer
            keys.send_text("hello\r")
            frames = [await peer._frames.get()]
            while frames[-1]["cmd"] != "DIALOGUE_REQ":
                frames.append(await peer._frames.get())
            assert frames[-1]["content"] == "hello"
            peer.send("DIALOGUE_RESP", code=0, requestId=frames[-1]["requestId"], msgId=1)
            peer.message(1, 2, "hi \x1b[31mthere")
            await scene.out.shows("[12:00] Bob: hi \ufffd[31mthere")
            keys.send_text("/quit\r")
            assert await scene.code() == 0
            assert await peer.gone() == 1000

    asyncio.run(scenario())


def test_prompt_tells_who_is_typing() -> None:
    async def scenario() -> None:
        async with at_prompt() as (scene, keys):
            await scene.matched()
            peer = scene.peer
            keys.send_text("he")
            assert (await peer.receive("TYPING_REQ"))["typing"] is True
            keys.send_text("\x7f\x7f")
            assert (await peer.receive("TYPING_REQ"))["typing"] is False

    asyncio.run(scenario())


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_prompt_ends_on_ctrl_c_and_ctrl_d(key: str) -> None:
    async def scenario() -> None:
        async with at_prompt() as (scene, keys):
            await scene.matched()
            keys.send_text(key)
            assert await scene.code() == 0
            assert await scene.peer.gone() == 1000

    asyncio.run(scenario())


def test_prompt_does_not_send_to_nobody() -> None:
    async def scenario() -> None:
        async with at_prompt() as (scene, keys):
            peer = await scene.node.accept()
            await peer.welcome()
            await peer.receive("MATCH_REQ")
            peer.send("MATCH_RESP", code=4)
            keys.send_text("hello\r")
            await scene.out.shows("! not sent: nobody is here yet")

    asyncio.run(scenario())


def test_ban_ends_the_prompt() -> None:
    async def scenario() -> None:
        async with at_prompt() as (scene, _):
            await scene.matched()
            scene.peer.close(4003)
            assert await scene.code() == 1
            assert "* the node does not want you here" in scene.out.getvalue()

    asyncio.run(scenario())


def test_ctrl_z_suspends(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in every other program of a terminal."""

    async def scenario() -> None:
        suspended = asyncio.Event()
        monkeypatch.setattr(Application, "suspend_to_background", lambda _: suspended.set())
        async with at_prompt() as (scene, keys):
            await scene.matched()
            keys.send_text("\x1a")
            async with asyncio.timeout(PATIENCE):
                await suspended.wait()

    asyncio.run(scenario())


def test_help_and_goodbye_do_not_wait_for_the_connection() -> None:
    """A line that waits for it is before them."""

    async def scenario() -> None:
        async with at_prompt() as (scene, keys):
            await scene.matched()
            scene.peer.abort()
            await scene.out.shows("* connection lost")
            keys.send_text("hello\r/help\r")
            await scene.out.shows("/next   leave")
            keys.send_text("/quit\r")
            assert await scene.code() == 0

    asyncio.run(scenario())
