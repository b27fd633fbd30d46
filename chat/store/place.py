"""Where Redis is: one address, or what its sentinels say each time."""

from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from chat.store.address import Address
from chat.store.sentinel import SCHEMES, Sentinels


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


def place_of(url: str) -> Address | Sentinels:
    """Reads a URL; raises SettingsError, in words for people, when it is none that can be used."""
    if url.partition("://")[0] in SCHEMES:
        return Sentinels.parse(url)
    return Address.parse(url)
