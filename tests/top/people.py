"""Talk for ``chat top`` to look at, and the command as a process that prints and ends."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.support.nodes import ROOT
from tests.support.wire import Wire
from tests.top.terminal import environment


def ran(
    *arguments: str, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Not on a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "chat.cli", "top", *arguments],
        env=environment(env),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def looked(url: str) -> dict[str, Any]:
    """The one pool, and under ``redis`` the server."""
    ended = ran("--redis-url", url, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    said = json.loads(ended.stdout)
    assert said.keys() == {"time", "pools", "redis", "servers", "missing", "nodes"}
    (pool,) = said["pools"]
    (server,) = said["servers"]
    assert (server["pools"], server["trouble"], said["missing"]) == ([0], None, [])
    assert server["redis"] == said["redis"]
    assert said["nodes"] == [
        {**node, "pools": int(node["lease_seconds"] > 0)} for node in pool["nodes"]
    ]
    return {**pool, "redis": said["redis"]}


@asynccontextmanager
async def talking(alice: Wire, bob: Wire, session: int) -> AsyncIterator[None]:
    """Alice says one thing after the other meanwhile, as soon as Bob has got the one before."""

    async def talk() -> None:
        while True:
            assert (await alice.say(session, "hello"))["code"] == 0
            bob.acknowledge(await bob.expect("PUSH_DIALOGUE_REQ"))
            await asyncio.sleep(0.02)

    task = asyncio.create_task(talk())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
