"""What the store needs of the servers: a link for each pool, and all of them; and what they need of it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from chat.store.calls import Command, Done, Part


class Link(Protocol):
    """Calls and channels of a pool; several pools may share one."""

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        """Sends one command, as its parts or packed; ``done`` is called once, in the order of the calls.
        ``weight``: as how many it counts where it is looked whether Redis keeps up."""

    def record(self, command: Command, done: Done, weight: int = 1) -> None:
        """``call``, for what must not be lost once it is answered: where replicas are waited for, ``done`` gets the
        reply when so many have it, and ``LinkDown`` otherwise."""

    def after_open_calls(self, done: Callable[[], None]) -> None:
        """Calls ``done`` when all that was asked before is answered (at once if nothing is open)."""

    def open_calls(self) -> int | None:
        """How many have no answer yet; None while there is no connection."""

    @property
    def pressed(self) -> bool:
        """Whether so much waits there, or before it, that no more should come for the pool."""

    def subscribe(self, channel: bytes) -> None:
        """From here on pushes of the channel arrive: those published after this call's place in line."""

    def unsubscribe(self, channel: bytes) -> None:
        """Pushes of the channel may still arrive for a moment."""


class Links(Protocol):
    """Wherever the pools are."""

    def of(self, pool: int) -> Link:
        """That of the pool, at any time the same one."""

    def serve(self, pool: int) -> None:
        """The pool is used from here on."""

    def flush(self) -> None:
        """What was asked leaves now, and not only in the next turn of the event loop."""

    def open_calls(self) -> int | None:
        """How many have no answer yet, at any server; None while there is no connection to any."""

    async def start(self) -> None:
        """Connects for the first time; raises StoreUnreachable."""

    async def close(self) -> None:
        """Ends the connections; open calls get ``LinkDown``."""


class Begins(Protocol):
    """What a pool begins with at a server's process (see ``Generations``)."""

    def begin(self, pool: int, run: bytes, before: bytes = b"") -> Sequence[Part]: ...

    def begun(self, pool: int, reply: Sequence[int]) -> None: ...
