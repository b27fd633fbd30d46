"""``chat top`` as a person has it: a process on a terminal of its own."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from typing import Self

from tests.support.nodes import ROOT
from tests.top.screen import Screen

PATIENCE = 15.0


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """That of whoever runs the tests, without what would change the outcome."""
    ours = ("CHAT_", "NO_COLOR", "COLUMNS", "LINES", "PROMPT_TOOLKIT")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**inherited, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **(more or {})}


class Terminal:
    """Runs ``chat top`` with these arguments; ``screen`` is what the terminal shows."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._main, self._other = pty.openpty()
        self.screen = Screen(columns, rows)
        self.resize(columns, rows)
        self.before = self.settings()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chat.cli", "top", *arguments],
            stdin=self._other,
            stdout=self._other,
            stderr=self._other,
            env=environment(env),
            start_new_session=True,
            preexec_fn=self._take_terminal,  # noqa: PLW1509 - no thread runs here
        )

    def _take_terminal(self) -> None:
        """So that a new size is signalled to it."""
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._main)
        os.close(self._other)

    def resize(self, columns: int, rows: int) -> None:
        """As a window does."""
        self.screen.resize(columns, rows)
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._main, termios.TIOCSWINSZ, size)

    def settings(self) -> list[object]:
        """Echo, lines or keys, and the like."""
        return termios.tcgetattr(self._other)

    def key(self, keys: bytes) -> None:
        os.write(self._main, keys)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def shows(self, *texts: str) -> None:
        """All of them are on the screen, sooner or later."""
        self.until(lambda: all(text in self.screen.text for text in texts), f"shows {texts}")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, f"not {what}:\n{self.screen.text}"
            assert self._read(min(left, 0.2)), f"ended, not {what}:\n{self.screen.written}"

    def ended(self) -> int:
        """The exit code; what it wrote to its end is on the screen."""
        code = self._process.wait(PATIENCE)
        while select.select([self._main], [], [], 0)[0] and self._read(0):
            pass
        return code

    def _read(self, timeout: float) -> bool:
        """Takes what there is; whether there may be more."""
        if select.select([self._main], [], [], timeout)[0]:
            self.screen.feed(os.read(self._main, 65536).decode())
            return True
        return self._process.poll() is None
