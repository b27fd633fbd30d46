"""One attempt at a connection: there, and logged in."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import hiredis

from chat.store.address import Address
from chat.store.calls import LinkDown
from chat.store.wire import Wire

UNUSABLE = (OSError, UnicodeError, TimeoutError, hiredis.HiredisError, LinkDown)
"""What connecting may end in; a host name that is none is a UnicodeError."""

AnyWire = TypeVar("AnyWire", bound=Wire)


async def dial(address: Address, new_wire: Callable[[], AnyWire]) -> AnyWire:
    """Connects and logs in; raises one of UNUSABLE. Whoever gets the wire drops it."""
    loop = asyncio.get_running_loop()
    if address.path:
        _, wire = await loop.create_unix_connection(new_wire, address.path)
    else:
        _, wire = await loop.create_connection(
            new_wire, address.host, address.port, ssl=address.tls
        )
    try:
        for parts in address.login:
            await wire.ask(parts)
    except BaseException:
        wire.drop("not usable")
        raise
    return wire
