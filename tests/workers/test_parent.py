"""The parent is small: what it loads, and how many workers it starts."""

import os
import subprocess
import sys

import pytest

from chat.config import Settings
from chat.workers.child import how
from chat.workers.given import Given
from chat.workers.parent import workers_of
from tests.support.nodes import ROOT

HEAVY = (
    "asyncio",
    "uvicorn",
    "starlette",
    "picows",
    "redis",
    "fakeredis",
    "chat.node",
    "chat.store",
)


def test_it_loads_nothing_of_a_node() -> None:
    """Nor an event loop: it lives beside nodes that need the memory."""
    code = "import sys, chat.cli, chat.workers.parent; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & set(HEAVY)


def test_nothing_is_one_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those that the process may use; and of the machine where there is no way to know."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert workers_of(Settings(workers=0)) == 3
    assert workers_of(Settings(workers=2)) == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert workers_of(Settings(workers=0)) == 7


def test_what_is_given_can_be_read() -> None:
    """As it is spelt on the command line of a worker."""
    given = Given(1, 2, 3, 4, 5)
    assert Given.read(given.spelt()) == given


@pytest.mark.parametrize("text", ["", "1", "1:2:3:4", "1:2:3:4:x"])
def test_what_is_given_by_somebody_else_cannot(text: str) -> None:
    """The command line says that it is wrong usage."""
    with pytest.raises(ValueError, match=r"."):
        Given.read(text)


def test_exit_codes_in_words() -> None:
    """As an operator searches for them."""
    assert [how(code) for code in (0, 3, -9, -99)] == [
        "with exit code 0",
        "with exit code 3",
        "by SIGKILL",
        "by signal 99",
    ]
