"""``chat load`` in this process, and as a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.nodes import ROOT
from tests.top.terminal import environment


def ran(
    *arguments: str, limit: str = "", redirection: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Not on a terminal. ``limit``: what a shell does before; ``redirection``: where it sends the output."""
    command = [sys.executable, "-m", "chat.cli", "load", *arguments]
    if limit or redirection:
        command = ["sh", "-c", f'{limit or ":"}; "$@" {redirection}', "sh", *command]
    return subprocess.run(
        command,
        env=environment(),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def running(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """It is told to end, or ends, while the test lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "chat.cli", "load", *arguments],
        env=environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:  # which closes its pipes
        try:
            yield process
        finally:
            process.kill()


def result_of(*arguments: str, code: int = 0) -> dict[str, Any]:
    """What ``--json`` said."""
    ended = ran(*arguments, "--json")
    assert (ended.returncode, ended.stderr) == (code, "")
    result: dict[str, Any] = json.loads(ended.stdout)
    assert result["ok"] is (code == 0)
    return result


def refused(*arguments: str, code: int = 1) -> str:
    """The line that says why nothing was done."""
    ended = ran(*arguments)
    assert (ended.returncode, ended.stdout) == (code, "")
    return ended.stderr.splitlines()[-1]
