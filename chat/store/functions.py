"""Calls of the library's functions, each in its pool: one round trip, and a code for every outcome."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from chat.errors import Code
from chat.store.calls import LinkDown, Part
from chat.store.complaints import Complaints
from chat.store.keys import pool_key
from chat.store.library import LIBRARY, library
from chat.store.links import Links
from chat.store.reasons import is_forbidden

log = logging.getLogger(__name__)

OLDER = (
    "Redis has come back with an older data set: what it had not kept is lost, and clients are told"
)

Done = Callable[[int, Sequence[Any]], None]
"""Takes the result code, and the other values of the result."""


class Functions:
    """``before`` is done before each call but ``record_packed``: what was asked before leaves before. ``clock`` is in
    seconds. The code is INTERNAL where Redis did not answer (done or not, nobody knows), or refused."""

    def __init__(
        self, links: Links, before: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        self._links = links
        self._before = before
        self._complaints = Complaints(log, clock)
        self.forbidden = ""
        """What Redis has refused because the user may not do it, and in which words; empty where that is nothing."""
        self._loading: set[int] = set()

    def call(self, name: str, pool: int, args: Sequence[Part], done: Done) -> None:
        """``done`` is called once."""
        self._before()
        parts = ("FCALL", f"{LIBRARY}_{name}", 1, pool_key(pool), *args)
        self._links.of(pool).call(parts, partial(self._answered, name, pool, done))

    async def wait(self, name: str, pool: int, args: Sequence[Part]) -> tuple[int, Sequence[Any]]:
        """``call`` for those who can wait."""
        result: asyncio.Future[tuple[int, Sequence[Any]]]
        result = asyncio.get_running_loop().create_future()

        def done(code: int, values: Sequence[Any]) -> None:
            if not result.done():  # its task may have been cancelled meanwhile
                result.set_result((code, values))

        self.call(name, pool, args, done)
        return await result

    def record_packed(self, name: str, pool: int, command: bytes, done: Done, weight: int) -> None:
        """A call of that function that is RESP already, counts as so many, and must not be lost once it is answered
        (see ``record``)."""
        self._links.of(pool).record(command, partial(self._answered, name, pool, done), weight)

    def _answered(self, name: str, pool: int, done: Done, reply: Any) -> None:
        if isinstance(reply, list):
            if reply[0] == Code.OLDER:
                self._complaints.say(OLDER)
            done(reply[0], reply[1:])
            return
        if "Function not found" in str(reply):
            self._load(pool)
        elif not isinstance(reply, LinkDown):
            said = f"Redis refuses {name}: {reply}"
            self._complaints.say(said)
            if is_forbidden(said):
                self.forbidden = said
        done(Code.INTERNAL, ())

    def _load(self, pool: int) -> None:
        """One load is enough for all the calls of a pool that found no library."""
        if pool not in self._loading:
            self._loading.add(pool)
            self._complaints.say("Redis has lost the function library; loading it again")
            self._links.of(pool).call(library(), partial(self._loaded, pool))

    def _loaded(self, pool: int, reply: Any) -> None:
        self._loading.discard(pool)
        if isinstance(reply, Exception):
            self._complaints.say(f"the function library cannot be loaded: {reply}")
