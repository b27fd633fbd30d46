"""The function library: its name, how it is loaded, and what a node says to a server first."""

import re
from collections.abc import Sequence
from importlib.resources import files

import hiredis

from chat.store.calls import Ask, Part
from chat.store.keys import POOL, pool_key

LIBRARY = "chat_1"


def library() -> Sequence[Part]:
    """The command that loads the function library, harmless to repeat."""
    source = files("chat.store").joinpath("functions.lua").read_bytes()
    return "FUNCTION", "LOAD", "REPLACE", source


class Greeting:
    """What every new connection begins with: the library is loaded, and the server's process announced,
    because one that nobody has met before may have an older data set than the last one had; so may one
    that was met before another."""

    def __init__(self) -> None:
        self._generation = 0

    async def __call__(self, ask: Ask) -> None:
        await ask(library())
        run = await _run_of(ask)
        begin = f"{LIBRARY}_begin", 1, pool_key(POOL), run, self._generation
        _, self._generation = await ask(("FCALL", *begin))


async def _run_of(ask: Ask) -> bytes:
    """What names the server's process; empty where this user may not ask for it."""
    try:
        found = re.search(rb"run_id:(\w+)", bytes(await ask(("INFO", "server"))))
    except hiredis.ReplyError:
        return b""
    return found[1] if found else b""
