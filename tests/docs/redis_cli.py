"""Plays docs/redis-cli.md: its scene on a real Redis, and its commands through the real redis-cli.

``python -m tests.docs.redis_cli`` writes into the page what the commands print now.
"""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.support.nodes import NodeProcess
from tests.support.process import HOST, wait_until
from tests.support.servers import Server
from tests.support.wire import Wire, pair

PAGE = Path(__file__).parents[2] / "docs" / "redis-cli.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)

EAST, WEST = "east-5c2f0a1b", "west-9d3e7f60"
"""What the page calls the two nodes."""
PATIENT = {
    "CHAT_GRACE_SECONDS": "600",
    "CHAT_PING_INTERVAL_SECONDS": "600",
    "CHAT_PING_TIMEOUT_SECONDS": "1200",
}
"""The people of the scene do nothing, for as long as it takes."""
SECONDS = 10.0
PUBLISHED = 6
"""Lines of a subscription: that it began, and one message."""


@asynccontextmanager
async def scene() -> AsyncIterator[tuple[Server, dict[str, str], Callable[[], None]]]:
    """Alice on the first node and Bob on the second one talk, Carol waits, Dave has lost his socket. With it
    what the page's node names are here, and a way to let Alice say something."""
    with (
        Server("redis") as server,
        NodeProcess(server.url, PATIENT) as east,
        _named(server, EAST, {}) as names,
        NodeProcess(server.url, PATIENT) as west,
        _named(server, WEST, names) as more,
    ):
        alice, bob, session = await pair(east.url, west.url)
        await alice.say(session, "Hello Bob")
        bob.acknowledge(await bob.expect("PUSH_DIALOGUE_REQ"))
        assert (await bob.viewed(session, 1))["code"] == 0
        alice.acknowledge(await alice.expect("PUSH_VIEWED_ACK_REQ"))
        await alice.say(session, "Still there?")
        carol, dave = await Wire.open(west.url), await Wire.open(east.url)
        await carol.create("Carol")
        await carol.match()
        await dave.create("Dave")
        dave.abort()
        with server.client() as client:
            await asyncio.to_thread(
                wait_until,
                lambda: client.zcard("chat:{0}:away") and client.xlen("chat:{0}:inbox:2000") == 1,
                "Dave is away, and Bob has acknowledged the first message",
            )
            loads = [f"chat:{{0}}:load:{name}" for name in (names[EAST], more[WEST])]
            await asyncio.to_thread(
                wait_until,
                lambda: [client.hget(load, "sockets") for load in loads] == [b"1", b"2"],
                "both nodes have said how they stand",
                timeout=15,
            )
        loop = asyncio.get_running_loop()

        def say() -> None:
            asyncio.run_coroutine_threadsafe(alice.typing(session, True), loop).result(SECONDS)

        yield server, {**names, **more}, say


@contextmanager
def _named(server: Server, name: str, known: dict[str, str]) -> Iterator[dict[str, str]]:
    """The name of the node that came last."""
    with server.client() as client:
        nodes = {node.decode() for node in client.zrange("chat:{0}:nodes", 0, -1)}
    (node,) = nodes - set(known.values())
    yield {name: node}


class Shell:
    """Runs commands of the page with a ``redis-cli`` that knows where the server is, and prints as it does on
    a terminal."""

    def __init__(self, server: Server, names: dict[str, str], say: Callable[[], None]) -> None:
        self._names = names
        self._say = say
        place = server.directory / "bin"
        place.mkdir(exist_ok=True)
        script = place / "redis-cli"
        binary = shutil.which("redis-cli")
        script.write_text(f'#!/bin/sh\nexec {binary} --no-raw -h {HOST} -p {server.port} "$@"\n')
        script.chmod(0o755)
        self._env = {**os.environ, "PATH": f"{place}:{os.environ['PATH']}"}

    def run(self, command: str) -> str:
        """What it prints, with the names of the page."""
        for name, real in self._names.items():
            command = command.replace(name, real)
        said = self._subscribed(command) if "SSUBSCRIBE" in command else self._ran(command)
        for name, real in self._names.items():
            said = said.replace(real, name)
        return said

    def _ran(self, command: str) -> str:
        ended = subprocess.run(
            ["/bin/sh", "-c", command],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
        assert not ended.stderr, ended.stderr
        return ended.stdout

    def _subscribed(self, command: str) -> str:
        """It would wait for ever: until something was published."""
        with subprocess.Popen(
            ["/bin/sh", "-c", f"exec timeout {SECONDS:g} {command}"],
            env=self._env,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            lines: list[str] = []
            for line in process.stdout:
                lines += [] if line.startswith("Reading messages") else [line]
                if len(lines) == PUBLISHED // 2:
                    self._say()
                if len(lines) == PUBLISHED:
                    break
            process.terminate()
        return "".join(lines)


def steps(page: str) -> list[tuple[str, str]]:
    """Each command of the page, and what it prints there."""
    found: list[tuple[str, str]] = []
    for block in BLOCK.findall(page):
        for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = piece.partition("\n")
            found.append((command.partition("  #")[0], output))
    return found


def shape(command: str, output: str) -> str:
    """Without what is another one each time; the ids of people and of their session are always the same."""
    if "PUBSUB" in command:  # in any order
        output = "\n".join(sorted(re.sub(r"^\d+\) ", "", line) for line in output.splitlines()))
    output = re.sub(r"\b[0-9a-f]{40,64}\b", "<digest>", output)
    output = re.sub(r"\b(east|west)-[0-9a-f]{8}\b", "<node>", output)
    return re.sub(r"(?<![\d.])(?![1-4]000\b)\d+(\.\d+)?", "0", output).strip()


def written(page: str, run: Callable[[str], str]) -> str:
    """The page with what the commands print now. What ends in … stays as long as it is."""
    for command, output in steps(page):
        real = run(command)
        if output.endswith("…\n"):
            real = "".join(real.splitlines(keepends=True)[: output.count("\n") - 1]) + "…\n"
        before, found, after = page.partition(f"$ {command}")
        comment, newline, rest = after.partition("\n")
        assert found
        assert rest.startswith(output)
        page = before + found + comment + newline + real + rest.removeprefix(output)
    return page


async def _write() -> None:
    async with scene() as (server, names, say):
        page = await asyncio.to_thread(written, PAGE.read_text(), Shell(server, names, say).run)
    PAGE.write_text(page)


if __name__ == "__main__":
    asyncio.run(_write())
