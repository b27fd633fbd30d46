"""``chat serve --workers N``: the process that starts the workers, starts them again, and stops them.

It is small, knows no Redis and serves nobody: there is nothing in it that a client could break. It holds the
listening socket, so that whoever knocks while a worker is away waits a moment instead of being refused.
"""

import contextlib
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from chat.config import Settings
from chat.errors import ChatError, SettingsError
from chat.listener import listen, page_of, port_of
from chat.workers.backoff import Backoff
from chat.workers.child import Child, Life, how
from chat.workers.ledger import new_ledger
from chat.workers.rope import Order

log = logging.getLogger(__name__)

STOPPING = signal.SIGTERM, signal.SIGINT
LAST_SECONDS = 20.0
"""After the drain time, for a worker to give its lease back; then it is killed."""
OPEN_SECONDS = 10.0
"""The port does not wait for longer for those that begin."""


def workers_of(settings: Settings) -> int:
    """How many the settings ask for: 0 is one for each core that this process may use."""
    if settings.workers:
        return settings.workers
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serve_all(settings: Settings, number: int, arguments: Sequence[str]) -> int:
    """Runs so many workers until a signal stops them; the exit code. ``arguments`` are those of ``chat serve``.
    Raises ChatError where it cannot begin; what keeps the first worker from it, that one has said."""
    if os.name != "posix":
        raise SettingsError("several workers need a system with inherited descriptors, as Linux")
    with contextlib.ExitStack() as stack:
        shared = stack.enter_context(contextlib.closing(listen(settings.host, settings.port)))
        ledger = stack.enter_context(new_ledger(number)).fileno()
        children = [
            Child(at, (settings.host, port), shared, ledger, arguments, Backoff(time.monotonic))
            for at, port in enumerate(_own_ports(settings, shared, number), start=1)
        ]
        for child in children:
            stack.callback(child.release)
            _reserve(child)

        def announce() -> None:
            said = "open %s - %d chat nodes with the shared Redis"
            log.info(said, page_of(shared), number)

        woken = stack.enter_context(_stop_signals())
        selector = stack.enter_context(selectors.DefaultSelector())
        return Parent(children, settings.drain_seconds, announce, selector, woken).run()


def _reserve(child: Child) -> None:
    try:
        child.reserve()
    except ChatError as error:
        raise ChatError(
            f"{error}; worker {child.number} listens there alone (CHAT_WORKER_PORT)"
        ) from None


def _own_ports(settings: Settings, shared: socket.socket, number: int) -> list[int]:
    """Any free ones where the shared port is one, too."""
    first = settings.worker_port or (port_of(shared) + 1 if settings.port else 0)
    if first + number - 1 > 65535:
        raise SettingsError(
            f"{number} workers need as many ports from {first} on: the last is 65535"
        )
    return [first + at if first else 0 for at in range(number)]


@contextlib.contextmanager
def _stop_signals() -> Iterator[socket.socket]:
    """Becomes readable with each of them. Afterwards none of them can make a failure of an end in order."""
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        there.setblocking(False)
        signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
        for number in STOPPING:
            signal.signal(number, lambda *_: None)
        try:
            yield here
        finally:
            for number in STOPPING:
                signal.signal(number, signal.SIG_IGN)
            signal.set_wakeup_fd(-1)


class Parent:
    """The first worker begins alone: what is wrong with the settings or Redis is told once. Then the others do, and
    when all are ready the port is opened: or the first would get everybody who has waited for it. ``announce`` is
    called then."""

    def __init__(
        self,
        children: Sequence[Child],
        drain_seconds: float,
        announce: Callable[[], None],
        selector: selectors.BaseSelector,
        woken: socket.socket,
    ) -> None:
        self._children = children
        self._last_seconds = drain_seconds + LAST_SECONDS
        self._announce = announce
        self._selector = selector
        self._woken = woken
        self._begun = False
        self._opened = False
        self._awaited = {child.number for child in children}
        """Who has neither become ready nor failed yet."""
        self._open_by: float | None = None
        self._code: int | None = None
        self._kill_at: float | None = None
        """When a worker that still runs is killed; None while there is no reason to stop."""

    def run(self) -> int:
        self._selector.register(self._woken, selectors.EVENT_READ, self._signalled)
        self._children[0].due = time.monotonic()
        while not self._over():
            for key, _ in self._selector.select(self._patience()):
                key.data()
            self._look_at_the_clock()
        return self._code or 0

    def _over(self) -> bool:
        running = any(child.life for child in self._children)
        return not running and (self._code is not None or self._kill_at is not None)

    def _patience(self) -> float | None:
        times = [self._kill_at, self._open_by, *(child.due for child in self._children)]
        due = [at for at in times if at is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.due is not None and now >= child.due:
                self._start(child)
        if self._open_by is not None and now >= self._open_by:
            self._open()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = now + LAST_SECONDS
            self._kill()

    def _kill(self) -> None:
        for child in self._children:
            if child.life is not None:
                log.error("worker %d (process %d) does not end", child.number, child.life.pid)
                child.life.kill()

    def _start(self, child: Child) -> None:
        try:
            life = child.start()
        except (ChatError, OSError) as error:
            if not self._begun:
                raise ChatError(f"cannot start a worker: {error}") from None
            log.warning("worker %d: %s; it is tried again %s", child.number, error, _again(child))
            self._no_longer_awaited(child)
        else:
            self._selector.register(
                life.rope, selectors.EVENT_READ, partial(self._heard, child, life)
            )

    def _heard(self, child: Child, life: Life) -> None:
        if not life.hear():
            self._selector.unregister(life.rope)
            child.life = None
            self._ended(child, life.pid, life.reap())
        elif self._kill_at is None:
            self._began(child)

    def _began(self, child: Child) -> None:
        if not self._begun:
            self._begun = True
            self._open_by = time.monotonic() + OPEN_SECONDS
            for other in self._children[1:]:
                other.due = time.monotonic()
        if self._opened and child.life is not None:
            child.life.tell(Order.OPEN)
        self._no_longer_awaited(child)

    def _no_longer_awaited(self, child: Child) -> None:
        self._awaited.discard(child.number)
        if not self._awaited and not self._opened:
            self._open()

    def _open(self) -> None:
        self._opened, self._open_by = True, None
        self._announce()
        for each in self._children:
            if each.life is not None and each.life.ready:
                each.life.tell(Order.OPEN)

    def _ended(self, child: Child, pid: int, code: int) -> None:
        if self._kill_at is not None:
            self._code = self._code or (0 if code == 0 else 1)
        elif self._begun:
            said = "worker %d (process %d) has ended %s; it is started again %s"
            log.warning(said, child.number, pid, how(code), _again(child))
            self._no_longer_awaited(child)
        elif code in (0, 1):  # and it has said why
            self._code = code
        else:
            raise ChatError(f"the first worker has ended {how(code)} before it was ready")

    def _signalled(self) -> None:
        """The first signal stops all of them in order, another one hurries them."""
        for _ in self._woken.recv(64):
            order = Order.STOP if self._kill_at is None else Order.HURRY
            if self._kill_at is None:
                self._kill_at = time.monotonic() + self._last_seconds
                self._open_by = None
                log.info("stopping all workers")
            for child in self._children:
                child.due = None
                if child.life is not None:
                    child.life.tell(order)


def _again(child: Child) -> str:
    """Has it started again, when its time has come."""
    seconds = child.backoff.ended()
    child.due = time.monotonic() + seconds
    return f"in {seconds:g} s" if seconds else "now"
