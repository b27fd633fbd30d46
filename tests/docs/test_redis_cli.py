"""docs/redis-cli.md: every command of the page prints what the page shows."""

import asyncio
import re
import shutil

import pytest

from tests.docs.redis_cli import PAGE, Shell, scene, shape, steps
from tests.support.nodes import ROOT
from tests.support.servers import find_binary

pytestmark = pytest.mark.skipif(
    not shutil.which("redis-cli") or find_binary("redis") is None,
    reason="there is no redis-cli, or no Redis, on this machine",
)


def test_every_command_prints_what_the_page_shows() -> None:
    """The scene is played, and what is another one each time left out: numbers, times, names of nodes."""
    page = steps(PAGE.read_text())

    async def scenario() -> None:
        async with scene() as (server, names, say):
            shell = Shell(server, names, say)
            for command, output in page:
                real = await asyncio.to_thread(shell.run, command)
                if output.endswith("…\n"):
                    shown = output.removesuffix("…\n")
                    assert shape(command, real).startswith(shape(command, shown)), command
                else:
                    assert shape(command, real) == shape(command, output), command

    assert len(page) > 20
    asyncio.run(scenario())


def test_names_of_keys_are_quoted() -> None:
    """A shell would make something of the braces, sooner or later."""
    for command, _ in steps(PAGE.read_text()):
        bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", command)
        assert "{" not in bare, command


def test_the_readme_shows_some_of_them() -> None:
    """With the same output: the page is where they are tried."""
    page = steps(PAGE.read_text())
    shown = [step for step in steps((ROOT / "README.md").read_text()) if "redis-cli " in step[0]]
    assert len(shown) >= 3
    assert [step for step in shown if step not in page] == []
