"""A look at the shared state, for those who are no node: it asks, and never writes, loads or subscribes.

What it asks is FCALL_RO of functions that only read, a few commands that do, and INFO: a replica can answer that too.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hiredis

from chat.store.calls import Part
from chat.store.keys import FIRST, MOST_POOLS, pool_key
from chat.store.library import LIBRARY
from chat.store.place import place_of
from chat.store.reasons import in_words, is_forbidden
from chat.store.sight import CannotLook
from chat.store.sights import ClusterSights, OneSight, Sights
from chat.store.topology import Topology

FIGURES = "accounts", "away", "sessions", "waiting", "longest"
KNOWN = "lease", "accounts"
"""Of a node, before what it says of itself."""
SECTIONS = "server", "clients", "memory", "persistence", "stats", "replication", "cpu"
POOLS = range(FIRST, MOST_POOLS)
"""Those that there may be."""

RIGHTS = "%R~chat:* +fcall_ro +info +time +@read"
"""Also what a function calls is asked for."""
RIGHTS_IN_A_CLUSTER = f"{RIGHTS} +cluster|slots"
ON_ITS_WAY = "MOVED", "ASK", "TRYAGAIN"
"""What the servers of a cluster say while they move a pool."""
DOWN = "CLUSTERDOWN"
"""And where the primary of a slot is away for longer."""


class Look:
    """Connects when it is asked something, and again when that connection was lost. A look begins with ``pools``.

    Raises SettingsError for a URL that cannot be used, and CannotLook, in one line for people, for all that is
    not answered within ``timeout`` seconds, or refused.
    """

    def __init__(self, url: str, timeout: float) -> None:
        place = place_of(url)
        self._sights: Sights
        if isinstance(place, Topology):
            self._sights = ClusterSights(place, timeout)
        else:
            self._sights = OneSight(place, timeout)
        self._pools: Sequence[int] = (FIRST,)

    @property
    def shown(self) -> str:
        """Where it looks, without a password."""
        return self._sights.shown

    async def pools(self) -> Sequence[int]:
        """Which there are: the first, and those that it lists. Where it cannot be asked, which knows the others, they
        are those that it listed the last time, and what is found at the servers of a cluster that can."""
        self._sights.begin()
        try:
            self._pools = await self._listed()
        except CannotLook:
            found = await self._searched() if self._sights.apart else ()
            if not found:
                raise
            self._pools = sorted({*self._pools, *found})
        return self._pools

    async def overview(self, pool: int) -> dict[str, Any]:
        """The pool's figures, and ``nodes``: for each node its name and what is known of it."""
        reply = await self._function("overview", pool)
        with self._understanding():
            found = _by_name(reply)
            found["nodes"] = {text(name): _node(fields) for name, *fields in found["nodes"]}
            for name in FIGURES:
                found[name] = int(found[name])
        return found

    async def waiting(self, pool: int, count: int) -> list[tuple[int, int]]:
        """Who has waited longest, and for how many ms; ``count`` of them at most."""
        flat = await self._function("waiting", pool, count)
        with self._understanding():
            return [(int(account), int(ms)) for account, ms in _pairs(flat)]

    def server_of(self, pool: int) -> str:
        """Where the pool was found, for people; empty where it was not."""
        return self._sights.server_of(pool)

    async def info(self, pool: int) -> dict[str, str] | None:
        """What the pool's server says of itself; None where this user may not ask for it, as a node may not need
        to."""
        try:
            reply = await self._sights.ask(pool, ("INFO", *SECTIONS))
        except hiredis.ReplyError as error:
            if str(error).startswith("NOPERM"):
                return None
            raise self._refused(error) from None
        pairs = (line.partition(":") for line in text(bytes(reply)).splitlines())
        return {name: value for name, colon, value in pairs if colon}

    def close(self) -> None:
        """Ends the connections."""
        self._sights.close()

    async def _listed(self) -> Sequence[int]:
        """Those whose time is not over."""
        time = await self._asked(FIRST, ("TIME",))
        with self._understanding():
            now = int(time[0]) * 1000
        key = b"%b:pools" % pool_key(FIRST)
        listed = await self._asked(FIRST, ("ZRANGE", key, f"({now}", "+inf", "BYSCORE"))
        with self._understanding():
            return sorted({FIRST, *(number for one in listed if (number := int(one)) in POOLS)})

    async def _searched(self) -> Sequence[int]:
        """Those but the first in which a node has a lease."""

        async def used(pool: int) -> bool:
            try:
                key = b"%b:nodes" % pool_key(pool)
                return bool(await self._asked(pool, ("EXISTS", key)))
            except CannotLook:
                return False

        found = await asyncio.gather(*map(used, POOLS[1:]))
        return [pool for pool, there in zip(POOLS[1:], found, strict=True) if there]

    async def _function(self, name: str, pool: int, *args: Part) -> Sequence[Any]:
        called = f"{LIBRARY}_{name}"
        reply = await self._asked(pool, ("FCALL_RO", called, 1, pool_key(pool), *args))
        with self._understanding():
            return list(reply[1:])

    async def _asked(self, pool: int, parts: Sequence[Part]) -> Any:
        try:
            return await self._sights.ask(pool, parts)
        except hiredis.ReplyError as error:
            raise self._refused(error) from None

    @contextmanager
    def _understanding(self) -> Iterator[None]:
        """Of answers that are no list, or lack something: keys were written by hand, or it is no chat."""
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError, IndexError):
            why = "it answers what no chat node has written"
            raise CannotLook(self.shown, why, answered=True) from None

    def _refused(self, error: hiredis.ReplyError) -> CannotLook:
        said = str(error)
        why = in_words(said)
        if "Function not found" in why:
            why = "no chat node has ever used it: start one, or is it another Redis?"
        elif self._sights.apart and said.startswith(ON_ITS_WAY):
            why = f"it is on its way to another server ({said})"
        elif self._sights.apart and said.startswith(DOWN):
            why = said
        elif is_forbidden(why):
            why += f" (a user needs {RIGHTS_IN_A_CLUSTER if self._sights.apart else RIGHTS})"
        return CannotLook(self.shown, why, answered=True)


def text(data: bytes) -> str:
    return data.decode(errors="replace")


def _pairs(flat: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _by_name(flat: Sequence[Any]) -> dict[str, Any]:
    return {text(name): value for name, value in _pairs(flat)}


def _node(flat: Sequence[Any]) -> dict[str, Any]:
    """What Redis knows of a node, which what that says of itself cannot change."""
    known, said = flat[: 2 * len(KNOWN)], flat[2 * len(KNOWN) :]
    return {**_by_name(said), **{name: int(value) for name, value in _by_name(known).items()}}
