"""``chat talk`` as a process: streams that are closed or full, and signals that end it."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.scripted_node import PATIENCE, ScriptedNode

ROOT = Path(__file__).parents[2]
HAS_FULL = Path("/dev/full").exists()


@asynccontextmanager
async def started(url: str, redirections: str = "", before: str = "") -> AsyncIterator[Process]:
    """As a shell starts it."""
    process = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        f'{before} exec "$0" -m chat.cli talk --url "$1" {redirections}',
        sys.executable,
        url,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: Process) -> tuple[int | None, list[str]]:
    """The exit code, and what it said on stderr."""
    async with asyncio.timeout(PATIENCE):
        _, said = await process.communicate()
    return process.returncode, said.decode().splitlines()


@pytest.mark.parametrize("redirections", ["<&-", ">&-", "<&- >&-"])
def test_closed_streams(redirections: str) -> None:
    """One line, and nobody is bothered on the way."""

    async def scenario() -> None:
        async with ScriptedNode() as node, started(node.url, redirections) as process:
            line = "chat: cannot read and write here: standard input or output is closed"
            assert await ended(process) == (1, [line])
            assert node.sockets == 0

    asyncio.run(scenario())


@pytest.mark.skipif(not HAS_FULL, reason="there is no /dev/full here")
@pytest.mark.parametrize(
    ("redirections", "lines"),
    [
        (">/dev/full", ["chat: cannot read and write here: No space left on device"]),
        (">/dev/full 2>/dev/full", []),
        (">/dev/full 2>&-", []),
    ],
)
def test_streams_that_fail(redirections: str, lines: list[str]) -> None:
    """One line where there is a place for it, and a goodbye."""

    async def scenario() -> None:
        async with ScriptedNode() as node, started(node.url, redirections) as process:
            peer = await node.accept()
            await peer.welcome()
            assert await ended(process) == (1, lines)
            assert await peer.gone() == 1000

    asyncio.run(scenario())


def test_errors_without_a_place() -> None:
    """The exit code tells alone."""

    async def scenario() -> None:
        async with started("ftp://nowhere", "2>&-") as process:
            assert await ended(process) == (1, [])
        if HAS_FULL:
            async with started("ftp://nowhere", "2>/dev/full") as process:
                assert await ended(process) == (1, [])

    asyncio.run(scenario())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_that_end_it_say_goodbye(number: signal.Signals) -> None:
    """As a shell tells it: 128 and the signal."""

    async def scenario() -> None:
        async with ScriptedNode() as node, started(node.url) as process:
            peer = await node.accept()
            await peer.welcome()
            await peer.pair()
            process.send_signal(number)
            assert await peer.gone() == 1000
            assert await ended(process) == (128 + number, [])

    asyncio.run(scenario())


def test_signal_that_is_ignored_stays_so() -> None:
    """As nohup starts programs."""

    async def scenario() -> None:
        async with ScriptedNode() as node, started(node.url, before="trap '' HUP;") as process:
            peer = await node.accept()
            await peer.welcome()
            await peer.pair()
            process.send_signal(signal.SIGHUP)
            peer.signal("Typing", {"typing": True})
            assert process.stdout is not None
            async with asyncio.timeout(PATIENCE):
                while b"is typing" not in await process.stdout.readline():
                    assert process.returncode is None

    asyncio.run(scenario())
