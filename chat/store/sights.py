"""What those who only look on have of the servers: one for all pools, or of a cluster the primary of each.

Where the pools are is asked once, and again when one is not there any more: a server says MOVED, or nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import hiredis

from chat.errors import StoreUnreachable
from chat.store.calls import Part
from chat.store.keys import MOST_POOLS
from chat.store.place import Place
from chat.store.several import Server, spelt
from chat.store.sight import CannotLook, Sight
from chat.store.topology import Topology


class Sights(Protocol):
    """All the servers that are looked at."""

    @property
    def shown(self) -> str:
        """Where they are, without a password."""

    @property
    def apart(self) -> bool:
        """Whether pools may be at different servers."""

    def begin(self) -> None:
        """A look begins: who did not answer in the last one may do so in this one."""

    async def ask(self, pool: int, parts: Sequence[Part]) -> Any:
        """The reply of the pool's server. Raises a ReplyError, or a CannotLook."""

    def server_of(self, pool: int) -> str:
        """Where it was found, for people."""

    def close(self) -> None:
        """Ends the connections."""


class OneSight:
    """``Sights`` of one server."""

    apart = False

    def __init__(self, place: Place, timeout: float) -> None:
        self._sight = Sight(place, timeout)

    @property
    def shown(self) -> str:
        return self._sight.shown

    def begin(self) -> None:
        pass

    async def ask(self, pool: int, parts: Sequence[Part]) -> Any:
        return await self._sight.ask(parts)

    def server_of(self, pool: int) -> str:
        return self.shown

    def close(self) -> None:
        self._sight.close()


class ClusterSights:
    """``Sights`` of a cluster: a connection to each primary that has been asked for a pool."""

    apart = True

    def __init__(self, topology: Topology, timeout: float) -> None:
        self._topology = topology
        self._timeout = timeout
        self._places: Mapping[int, Server] = {}
        self._asked = False
        self._nobody: CannotLook | None = None
        """Why nobody could say in this look where any pool is."""
        self._asking = asyncio.Lock()
        self._sights: dict[Server, Sight] = {}
        self._silent: dict[Server, CannotLook] = {}

    @property
    def shown(self) -> str:
        return self._topology.shown

    def begin(self) -> None:
        self._asked = False
        self._nobody = None
        self._silent.clear()

    async def ask(self, pool: int, parts: Sequence[Part]) -> Any:
        if not self._places:
            await self._find()
        before = self._places.get(pool)
        try:
            return await self._ask_at(before, parts)
        except (CannotLook, hiredis.ReplyError) as error:
            if isinstance(error, hiredis.ReplyError) and not str(error).startswith("MOVED"):
                raise
            await self._find()
            if self._places.get(pool) == before:
                raise
        return await self._ask_at(self._places.get(pool), parts)

    def server_of(self, pool: int) -> str:
        server = self._places.get(pool)
        return "" if server is None else spelt(server)

    def close(self) -> None:
        for sight in self._sights.values():
            sight.close()
        self._sights.clear()

    async def _ask_at(self, server: Server | None, parts: Sequence[Part]) -> Any:
        if server is None:
            raise CannotLook(self.shown, "no server has its slot", answered=True)
        if server in self._silent:  # for the rest of this look: nobody waits for it twice
            raise self._silent[server]
        if server not in self._sights:
            self._sights[server] = Sight(self._topology.address(server), self._timeout)
        try:
            return await self._sights[server].ask(parts)
        except CannotLook as error:
            self._silent[server] = error
            raise

    async def _find(self) -> None:
        """Once in a look at most. What was known stays where nobody knows more."""
        async with self._asking:
            if self._nobody is not None:
                raise self._nobody
            if self._asked:
                return
            self._asked = True
            try:
                self._places = await self._topology.find(range(MOST_POOLS))
            except StoreUnreachable as error:
                if not self._places:
                    self._nobody = CannotLook(self.shown, str(error), answered=False)
                    raise self._nobody from None
        for server in self._sights.keys() - self._places.values():
            self._sights.pop(server).close()
