"""The function library: its name, how it is loaded, and what a node says to a server first."""

import re
from collections.abc import Sequence
from importlib.resources import files

import hiredis

from chat.store.calls import Ask, Part
from chat.store.keys import pool_key

LIBRARY = "chat_1"
MARK = 13
"""Bytes before everything that is published to an account: the generation (see ``publish`` in the library)."""
UNMARKED = b"0" * MARK
"""Where no pool has begun, as in the embedded server."""


def library() -> Sequence[Part]:
    """The command that loads the function library, harmless to repeat."""
    source = files("chat.store").joinpath("functions.lua").read_bytes()
    return "FUNCTION", "LOAD", "REPLACE", source


async def greet(ask: Ask) -> bytes:
    """What every new connection begins with: the library is loaded. Returns what names the server's process;
    empty where this user may not ask for it."""
    await ask(library())
    try:
        found = re.search(rb"run_id:(\w+)", bytes(await ask(("INFO", "server"))))
    except hiredis.ReplyError:
        return b""
    return found[1] if found else b""


class Generations:
    """What a node has seen of the pools' generations, at whichever server. With each connection to a server's
    process the pools begin there: one that nobody has met before may have an older data set than the last one
    had; so may one that was met before another."""

    def __init__(self) -> None:
        self._marks: dict[int, bytes] = {}

    def begin(self, pool: int, run: bytes, before: bytes = b"") -> Sequence[Part]:
        """The command: the pool is at that process now; ``before`` has handed it over, if that is known."""
        seen = int(self._marks.get(pool, UNMARKED))
        return "FCALL", f"{LIBRARY}_begin", 1, pool_key(pool), run, seen, before

    def begun(self, pool: int, reply: Sequence[int]) -> None:
        """Its reply."""
        self.learn(pool, reply[1])

    def learn(self, pool: int, generation: int) -> None:
        """The pool's server says that it is in this one."""
        self._marks[pool] = b"%013d" % generation

    def current(self, pool: int, mark: bytes) -> bool:
        """Whether what was published with that mark is of the pool's data set, as far as is known."""
        return self._marks.get(pool, UNMARKED) == mark
