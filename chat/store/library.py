"""The function library: its name, how it is loaded, and what a node says to a server first."""

import re
from collections.abc import Sequence
from importlib.resources import files

import hiredis

from chat.store.keys import POOL, pool_key
from chat.store.wire import Ask, Part

LIBRARY = "chat_1"


def library() -> Sequence[Part]:
    """The command that loads the function library, harmless to repeat."""
    source = files("chat.store").joinpath("functions.lua").read_bytes()
    return "FUNCTION", "LOAD", "REPLACE", source


async def greet(ask: Ask) -> None:
    """What every new connection begins with: the library is loaded, and the server's process announced,
    because one that nobody has met before may have an older data set than the last one had."""
    await ask(library())
    await ask(("FCALL", f"{LIBRARY}_begin", 1, pool_key(POOL), await _run_of(ask)))


async def _run_of(ask: Ask) -> bytes:
    """What names the server's process; empty where this user may not ask for it."""
    try:
        found = re.search(rb"run_id:(\w+)", bytes(await ask(("INFO", "server"))))
    except hiredis.ReplyError:
        return b""
    return found[1] if found else b""
