"""The bots that people copy, from the README and from the library: they live through what happens."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent, indent

import pytest

from chat.client import client
from tests.support.scripted_node import PATIENCE, Peer, ScriptedNode

ROOT = Path(__file__).parents[2]
ADDRESS = "ws://127.0.0.1:8000/ws"


def of_the_readme() -> str:
    """A whole program."""
    return (ROOT / "README.md").read_text().partition("```python")[2].partition("```")[0]


def of_the_library() -> str:
    """What stands inside a coroutine, with the imports that everybody adds."""
    lines = (client.__doc__ or "").partition("\n\n")[2].partition("\n\n")[0]
    return "\n".join(
        (
            "import asyncio",
            "from contextlib import suppress",
            "from chat.client import *",
            "async def main():",
            indent(dedent(lines), "    "),
            "asyncio.run(main())",
        )
    )


@asynccontextmanager
async def running(program: str) -> AsyncIterator[tuple[ScriptedNode, Peer, Process]]:
    """The program, with a partner, at a node that follows the test."""
    assert program.count(ADDRESS) == 1
    async with ScriptedNode() as node:
        bot = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program.replace(ADDRESS, node.url),
            stderr=PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            peer = await node.accept()
            await peer.welcome()
            await peer.pair()
            yield node, peer, bot
        finally:
            if bot.returncode is None:
                bot.kill()
            await bot.communicate()


async def answer(peer: Peer, content: str) -> str:
    """Send a message; what the bot says to it, which is recorded."""
    peer.message(1, 1, content)
    frame = await heard(peer, "DIALOGUE_REQ")
    peer.send("DIALOGUE_RESP", code=0, requestId=frame["requestId"], msgId=2)
    return str(frame["content"])


async def heard(peer: Peer, command: str) -> dict[str, object]:
    """The next frame of this kind; what else a bot says meanwhile is all right."""
    async with asyncio.timeout(PATIENCE):
        while (frame := await peer._frames.get())["cmd"] != command:
            if frame["cmd"] == "VIEWED_ACK_REQ":
                peer.send("VIEWED_ACK_RESP", code=0)
        return frame


async def ended(bot: Process) -> None:
    """By itself, and with nothing to complain about."""
    async with asyncio.timeout(PATIENCE):
        _, said = await bot.communicate()
    assert (said.decode(), bot.returncode) == ("", 0)


each_bot = pytest.mark.parametrize("program", [of_the_readme, of_the_library])


@each_bot
def test_it_answers_until_the_partner_leaves(program: Callable[[], str]) -> None:
    """As the page says."""

    async def scenario() -> None:
        async with running(program()) as (_, peer, bot):
            assert "hello" in await answer(peer, "hello")
            peer.signal("PartnerExit", {"accountId": 2000}, seq=2)
            await ended(bot)
            assert await peer.gone() == 1000

    asyncio.run(scenario())


@each_bot
def test_a_partner_who_leaves_before_the_answer(program: Callable[[], str]) -> None:
    """The answer is refused with code 7, and the goodbye comes after that."""

    async def scenario() -> None:
        async with running(program()) as (_, peer, bot):
            peer.message(1, 1, "hello")
            frame = await heard(peer, "DIALOGUE_REQ")
            peer.send("DIALOGUE_RESP", code=7, requestId=frame["requestId"])
            peer.signal("PartnerExit", {"accountId": 2000}, seq=2)
            await ended(bot)

    asyncio.run(scenario())


@each_bot
def test_a_message_as_long_as_one_may_be(program: Callable[[], str]) -> None:
    """What is said about it is no longer than that."""

    async def scenario() -> None:
        async with running(program()) as (_, peer, bot):
            assert len(await answer(peer, "x" * 2000)) == 2000
            peer.signal("PartnerExit", {"accountId": 2000}, seq=2)
            await ended(bot)

    asyncio.run(scenario())


@each_bot
def test_a_message_that_cannot_be_said_again(program: Callable[[], str]) -> None:
    """Half a surrogate pair arrives as it is, and no node takes it from this client."""

    async def scenario() -> None:
        async with running(program()) as (_, peer, bot):
            peer.raw(
                b'{"cmd":"PUSH_DIALOGUE_REQ","seq":1,"msgId":1,"senderId":2000,'
                b'"sessionId":7000,"content":"\\ud83d"}'
            )
            await heard(peer, "PUSH_DIALOGUE_RESP")
            peer.signal("PartnerExit", {"accountId": 2000}, seq=2)
            await heard(peer, "PUSH_SIGNAL_RESP")
            await ended(bot)

    asyncio.run(scenario())


@each_bot
def test_an_account_that_is_lost(program: Callable[[], str]) -> None:
    """Nobody is there any more, so the bot goes too."""

    async def scenario() -> None:
        async with running(program()) as (node, peer, bot):
            peer.close(1012)
            again = await node.accept()
            await again.receive("RECONNECT_REQ")
            again.send("RECONNECT_RESP", code=4)
            await again.welcome(1001)
            await ended(bot)

    asyncio.run(scenario())
