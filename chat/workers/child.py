"""One worker as its parent knows it: the place that it has, and the life of the process that fills it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

from chat.listener import bind, port_of
from chat.workers.backoff import Backoff
from chat.workers.given import Given
from chat.workers.rope import READY, Order

ENDING_SECONDS = 5.0
"""Between a process' letting go of its descriptors and its end."""


class Life:
    """A process that was started, and the parent's end of the rope."""

    def __init__(self, process: "subprocess.Popen[bytes]", rope: socket.socket) -> None:
        self._process = process
        self.rope = rope
        self.pid = process.pid
        self.ready = False

    def tell(self, order: Order) -> None:
        """Nothing, if it has ended."""
        with contextlib.suppress(OSError):
            self.rope.send(order.value)

    def hear(self) -> bool:
        """Waits for its next word; False when it has ended."""
        try:
            said = self.rope.recv(16)
        except OSError:
            said = b""
        self.ready = self.ready or READY in said
        return said != b""

    def reap(self) -> int:
        """The exit code of one that has let go of its rope; below zero it is a signal."""
        self.rope.close()
        try:
            return self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def kill(self) -> None:
        self._process.kill()


class Child:
    """Worker ``number``. ``address`` is its own host and port; port 0 takes a free one, and keeps it.

    ``due`` is when it is to be started, by the parent's clock; None: not to be. ``life`` is None while it does
    not run.
    """

    def __init__(
        self,
        number: int,
        address: tuple[str, int],
        shared: socket.socket,
        ledger: int,
        arguments: Sequence[str],
        backoff: Backoff,
    ) -> None:
        self.number = number
        self.backoff = backoff
        self.due: float | None = None
        self.life: Life | None = None
        self._host, self._port = address
        self._shared = shared
        self._ledger = ledger
        self._arguments = arguments
        self._own: socket.socket | None = None

    def reserve(self) -> socket.socket:
        """Its own address, where nobody listens yet; raises ChatError where it cannot have it."""
        if self._own is None:
            self._own = bind(self._host, self._port)
            self._port = port_of(self._own)
        return self._own

    def release(self) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None

    def start(self) -> Life:
        """Raises ChatError or OSError where it cannot."""
        self.due = None
        self.backoff.started()
        near, far = socket.socketpair()
        with far:
            try:
                process = self._launched(self.reserve(), far)
            except BaseException:
                near.close()
                raise
        self.release()  # it is the worker's alone: while that does not run nobody waits there
        self.life = Life(process, near)
        return self.life

    def _launched(self, own: socket.socket, far: socket.socket) -> "subprocess.Popen[bytes]":
        inherited = (self._shared.fileno(), own.fileno(), far.fileno(), self._ledger)
        given = Given(self.number, *inherited)
        # It finds this very package where its parent has found it, and nothing that lies where it was started.
        here = [] if {"", os.getcwd()} & set(sys.path) else ["-P"]  # noqa: PTH109 - as sys.path has it
        command = [sys.executable, *here, "-m", "chat.cli", "serve", *self._arguments]
        return subprocess.Popen(  # noqa: S603 - this program, with the arguments that it was given
            [*command, f"--as-worker={given.spelt()}"],
            stdin=subprocess.DEVNULL,
            pass_fds=inherited,
            process_group=0,  # Ctrl-C is for the parent, which tells them all
        )


def how(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
