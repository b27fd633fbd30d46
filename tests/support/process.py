"""One child process, known by its id: started, frozen, stopped, killed, read."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"

# Below the range from which Linux takes the ports of outgoing connections, so that no client of a
# test can hold one; and low enough that a cluster's bus port, 10 000 above, exists.
LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000


@dataclass(frozen=True)
class Site:
    """Where a process runs: its address, and the command that runs others there, if it is not simply here."""

    host: str = HOST
    inside: tuple[str, ...] = ()


HERE = Site()


class ProcessFailed(Exception):
    """A process ended, or did not become ready; the message carries what it wrote."""


class Ports:
    """Gives out ports, and none that was given out lately, by whatever process of these tests: to each of the last ones
    a UDP socket is bound, which is in nobody's way. Somebody else may still come first."""

    KEPT = 64
    """So many may be given out before the first of them is listened on."""

    def __init__(self) -> None:
        self._kept: deque[socket.socket] = deque()

    def free(self) -> int:
        """Return a port that nobody listened on a moment ago."""
        while True:
            port = LOWEST_PORT + secrets.randbelow(HIGHEST_PORT - LOWEST_PORT)
            if self._keep(port) and is_free(port):
                return port

    def _keep(self, port: int) -> bool:
        kept = socket.socket(type=socket.SOCK_DGRAM)
        try:
            kept.bind((HOST, port))
        except OSError:
            kept.close()
            return False
        self._kept.append(kept)
        if len(self._kept) > self.KEPT:
            self._kept.popleft().close()
        return True


free_port = Ports().free
"""Of this process, which shares the ports of the machine with the others."""


def is_free(port: int) -> bool:
    """Whether nobody listens there at this moment."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def wait_until(
    condition: Callable[[], object], what: str, *, timeout: float = 10, every: float = 0.005
) -> None:
    """Return as soon as the condition holds; an AssertionError says what did not happen in time. ``every``: how
    often it is looked at, for one that costs more to look at."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(every)


class Process:
    """A child with a directory of its own, which holds what it wrote.

    ``close()`` it, or use it as a context manager: stopping alone keeps the directory, for a restart.
    """

    # How often a subclass tries another port when somebody else was faster.
    PORTS_TO_TRY = 5

    site = HERE
    """Changed before it is started, or not at all."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.directory = Path(tempfile.mkdtemp(prefix=f"chat-{name}-"))
        self._log_file = self.directory / "output.log"
        self._log_start = 0
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, and return once it is ready."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._started.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None while it runs; minus the signal if that ended it."""
        return self._started.poll()

    def log(self) -> str:
        """All it wrote to stdout and stderr, also before a restart."""
        return self._log_from(0)

    def log_since_start(self) -> str:
        return self._log_from(self._log_start)

    def wait(self, timeout: float = 10) -> int:
        """Wait until it has ended by itself; return the exit code."""
        return self._started.wait(timeout)

    def stop(self, timeout: float = 10) -> int:
        """End it with SIGTERM, or SIGKILL if that does not help in time; return the exit code."""
        self.signal(signal.SIGCONT)  # what is frozen would not hear SIGTERM
        self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it with SIGKILL, as a crash would; return the exit code."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def pause(self) -> None:
        """Freeze it: its sockets stay open and nothing answers. Returns once it stands still."""
        assert self.running, f"{self.name} does not run"
        self.signal(signal.SIGSTOP)
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"{self.name} ended instead of standing still"

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self.running:
            self._started.send_signal(number)

    def rss(self) -> int:
        """Memory it occupies now, in bytes (Linux)."""
        resident_pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return resident_pages * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> None:
        """End it, if it runs, and remove what it left behind."""
        if self.running:
            self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _launch(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        assert not self.running, f"{self.name} runs already"
        with self._log_file.open("ab") as log:
            self._log_start = log.tell()
            self._child = subprocess.Popen(
                [*self.site.inside, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd or self.directory,
            )

    def _wait_until_ready(self, ready: Callable[[], bool], timeout: float) -> None:
        """Wait for the condition; a process that ends or is late is over, and its output is raised."""
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise ProcessFailed(
                    f"{self.name} ended with {self.exit_code}:\n{self.log_since_start()}"
                )
            if time.monotonic() > deadline:
                self.kill()
                raise ProcessFailed(
                    f"{self.name} was not ready within {timeout:g} s:\n{self.log_since_start()}"
                )
            time.sleep(0.01)

    @property
    def _started(self) -> subprocess.Popen[bytes]:
        assert self._child is not None, f"{self.name} was never started"
        return self._child

    def _log_from(self, start: int) -> str:
        if not self._log_file.exists():
            return ""
        return self._log_file.read_bytes()[start:].decode(errors="replace")
