"""Where Redis is: one address, what its sentinels say each time, or the servers of a cluster."""

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from chat.store import sentinel, topology
from chat.store.address import Address
from chat.store.sentinel import Sentinels
from chat.store.topology import Topology


class Place(Protocol):
    """What a connection is made to."""

    @property
    def shown(self) -> str:
        """For people, without a password."""

    def candidates(self) -> AsyncGenerator[Address]:
        """What to connect to, one after the other until one can be used; raises StoreUnreachable where
        there is none. Asked at every attempt."""

    async def watch(self, moved: Callable[[], None]) -> None:
        """Calls ``moved``, which must not raise, whenever what is connected to, or being connected to, is not the
        right one any more; until it is cancelled. Returns where nobody tells that."""


def place_of(url: str) -> Address | Sentinels | Topology:
    """Reads a URL; raises SettingsError, in words for people, when it is none that can be used."""
    scheme = url.partition("://")[0]
    if scheme in sentinel.SCHEMES:
        return Sentinels.parse(url)
    if scheme in topology.SCHEMES:
        return Topology.parse(url)
    return Address.parse(url)
