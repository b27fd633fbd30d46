"""The worker's end: what its parent has given to it."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable

from chat.workers.given import Given
from chat.workers.ledger import Ledger
from chat.workers.rope import READY, Order


class Worker:
    """``shared`` listens for all workers; ``own`` has an address for this one alone, and does not listen yet."""

    def __init__(self, given: Given) -> None:
        self.number = given.number
        self.shared = _inherited(given.shared)
        self.own = _inherited(given.own)
        self.ledger = Ledger(given.ledger, given.number - 1, time.monotonic)
        self._rope = _inherited(given.rope)
        self._orders: list[Order] = []
        self._obey: Callable[[Order], None] = self._orders.append

    def ready(self) -> None:
        """Tells the parent that its node has begun."""
        with contextlib.suppress(OSError):
            self._rope.send(READY)

    def obey(self, do: Callable[[Order], None]) -> None:
        """Calls it for every order, also for those that came before."""
        self._obey = do
        asyncio.get_running_loop().add_reader(self._rope, self._listen)
        for order in self._orders:
            do(order)

    def _listen(self) -> None:
        try:
            words = self._rope.recv(16)
        except BlockingIOError:
            return
        except OSError:
            words = b""
        if not words:
            asyncio.get_running_loop().remove_reader(self._rope)
        for word in [bytes([word]) for word in words] or [b""]:
            self._orders.append(Order(word))
            self._obey(Order(word))


def _inherited(fileno: int) -> socket.socket:
    """No child of the worker gets it: while anybody has an end of the rope nobody notices a death."""
    given = socket.socket(fileno=fileno)
    given.set_inheritable(False)
    given.setblocking(False)
    return given
