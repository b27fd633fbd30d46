"""A look at the shared state, for those who are no node: it asks, and never writes, loads or subscribes.

What it asks is FCALL_RO of functions that only read, and INFO: a replica can answer that too.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any

import hiredis

from chat.errors import StoreUnreachable
from chat.store.address import Address
from chat.store.calls import LinkDown, Part
from chat.store.dial import UNUSABLE, dial
from chat.store.keys import pool_key
from chat.store.library import LIBRARY
from chat.store.place import place_of
from chat.store.reasons import in_words
from chat.store.wire import Wire

NAME = "chat-top"
"""By which CLIENT LIST shows it."""
FIGURES = "accounts", "away", "sessions", "waiting", "longest"
KNOWN = "lease", "accounts"
"""Of a node, before what it says of itself."""
SECTIONS = "server", "clients", "memory", "persistence", "stats", "replication", "cpu"


RIGHTS = "%R~chat:* +fcall_ro +info +time +@read"
"""Also what a function calls is asked for."""
FORBIDDEN = "NOPERM", "can't run this command", "ACL failure"
"""Words of Redis, and of Valkey, to a user who may not do it, or not within a function."""


class CannotLook(StoreUnreachable):
    """``why`` is the reason without the address; ``answered`` whether that is what Redis said."""

    def __init__(self, shown: str, why: str, *, answered: bool) -> None:
        super().__init__(f"cannot look at Redis at {shown}: {why}")
        self.why = why
        self.answered = answered


class Look:
    """Connects when it is asked something, and again when that connection was lost; nothing is repeated.

    Raises SettingsError for a URL that cannot be used, and CannotLook, in one line for people, for all that is
    not answered within ``timeout`` seconds, or refused.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._place = place_of(url)
        self._timeout = timeout
        self._wire: Wire | None = None

    @property
    def shown(self) -> str:
        """Where it looks, without a password."""
        return self._place.shown

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

    async def info(self) -> dict[str, str] | None:
        """What the server says of itself; None where this user may not ask for it, as a node may not need to."""
        try:
            reply = await self._asked(("INFO", *SECTIONS))
        except hiredis.ReplyError as error:
            if str(error).startswith("NOPERM"):
                return None
            raise self._refused(error) from None
        pairs = (line.partition(":") for line in text(bytes(reply)).splitlines())
        return {name: value for name, colon, value in pairs if colon}

    def close(self) -> None:
        """Ends the connection."""
        if self._wire is not None:
            self._wire.drop("closed")
            self._wire = None

    async def _function(self, name: str, pool: int, *args: Part) -> Sequence[Any]:
        called = f"{LIBRARY}_{name}"
        try:
            reply = await self._asked(("FCALL_RO", called, 1, pool_key(pool), *args))
        except hiredis.ReplyError as error:
            raise self._refused(error) from None
        with self._understanding():
            return list(reply[1:])

    @contextmanager
    def _understanding(self) -> Iterator[None]:
        """Of answers that are no list, or lack something: keys were written by hand, or it is no chat."""
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError):
            why = "it answers what no chat node has written"
            raise CannotLook(self.shown, why, answered=True) from None

    async def _asked(self, parts: Sequence[Part]) -> Any:
        """The reply; a ReplyError is what this command was answered, everything else is a CannotLook."""
        try:
            async with asyncio.timeout(self._timeout):
                wire = await self._connected()
                return await wire.ask(parts)
        except hiredis.ReplyError:
            raise
        except (*UNUSABLE, StoreUnreachable) as error:
            self.close()  # an answer that comes later is not the answer to the next question
            why = in_words(str(error)) or f"no answer for {self._timeout:g} s"
            raise CannotLook(self.shown, why, answered=False) from None

    async def _connected(self) -> Wire:
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

    def _refused(self, error: hiredis.ReplyError) -> CannotLook:
        why = in_words(str(error))
        if "Function not found" in why:
            why = "no chat node has ever used it: start one, or is it another Redis?"
        elif any(words in why for words in FORBIDDEN):
            why += f" (a user needs {RIGHTS})"
        return CannotLook(self.shown, why, answered=True)


def text(data: bytes) -> str:
    return data.decode(errors="replace")


def _named(address: Address) -> Address:
    """The login of a node, with the name of those who look on."""
    first, *rest = address.login
    return replace(address, login=[(*first[:-1], NAME), *rest])


def _pairs(flat: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _by_name(flat: Sequence[Any]) -> dict[str, Any]:
    return {text(name): value for name, value in _pairs(flat)}


def _node(flat: Sequence[Any]) -> dict[str, Any]:
    """What Redis knows of a node, which what that says of itself cannot change."""
    known, said = flat[: 2 * len(KNOWN)], flat[2 * len(KNOWN) :]
    return {**_by_name(said), **{name: int(value) for name, value in _by_name(known).items()}}
