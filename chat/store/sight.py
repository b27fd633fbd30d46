"""A connection to a server for those who only look on: made when something is asked, and again when it was lost."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import hiredis

from chat.errors import StoreUnreachable
from chat.store.address import Address
from chat.store.calls import LinkDown, Part
from chat.store.dial import UNUSABLE, dial
from chat.store.place import Place
from chat.store.reasons import in_words
from chat.store.wire import Wire

NAME = "chat-top"
"""By which CLIENT LIST shows it."""


class CannotLook(StoreUnreachable):
    """``why`` is the reason without the address; ``answered`` whether that is what Redis said."""

    def __init__(self, shown: str, why: str, *, answered: bool) -> None:
        super().__init__(f"cannot look at Redis at {shown}: {why}")
        self.why = why
        self.answered = answered


class Sight:
    """Of one place. What is asked is answered within ``timeout`` seconds or not at all; nothing is repeated."""

    def __init__(self, place: Place, timeout: float) -> None:
        self._place = place
        self._timeout = timeout
        self._wire: Wire | None = None
        self._dialling = asyncio.Lock()

    @property
    def shown(self) -> str:
        """Where it looks, without a password."""
        return self._place.shown

    async def ask(self, parts: Sequence[Part]) -> Any:
        """The reply; a ReplyError is what this command was answered, everything else is a CannotLook."""
        wire: Wire | None = None
        try:
            async with asyncio.timeout(self._timeout):
                wire = await self._connected()
                return await wire.ask(parts)
        except hiredis.ReplyError:
            raise
        except (*UNUSABLE, StoreUnreachable) as error:
            why = in_words(str(error)) or f"no answer for {self._timeout:g} s"
            if (
                wire is not None
            ):  # an answer that comes later is not the answer to the next question
                wire.drop(why)
            raise CannotLook(self.shown, why, answered=False) from None

    def close(self) -> None:
        """Ends the connection."""
        if self._wire is not None:
            self._wire.drop("closed")
            self._wire = None

    async def _connected(self) -> Wire:
        async with self._dialling:
            if self._wire is None or self._wire.lost.done():
                self._wire = await self._dialled()
            return self._wire

    async def _dialled(self) -> Wire:
        """Also to one that is no primary any more: it may be asked all the same."""
        reason: Exception = LinkDown("nobody says where it is")
        async with aclosing(self._place.candidates()) as addresses:
            async for address in addresses:
                try:
                    return await dial(_named(address), self._new_wire)
                except UNUSABLE as error:
                    reason = error
        raise LinkDown(str(reason)) from None  # also where the login was refused

    def _new_wire(self) -> Wire:
        return Wire(lambda channel, payload: None, lambda pressed: None, self._timeout)


def _named(address: Address) -> Address:
    """The login of a node, with the name of those who look on."""
    first, *rest = address.login
    return replace(address, login=[(*first[:-1], NAME), *rest])
