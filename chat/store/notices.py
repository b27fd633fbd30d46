"""The notices of sentinels: one connection to each, on which it tells who has become the primary.

A notice may be missed, while its connection is made anew: so each begins with a question.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from chat.errors import StoreUnreachable
from chat.store.address import Address
from chat.store.backoff import Backoff
from chat.store.calls import LinkDown, pack
from chat.store.complaints import Complaints
from chat.store.dial import UNUSABLE, dial
from chat.store.quiet import QuietWire
from chat.store.reasons import in_words
from chat.store.succession import Spot
from chat.store.wire import Wire

log = logging.getLogger(__name__)

CHANNEL = b"+switch-master"
SILENT_SECONDS = 2.0
"""A sentinel that has not answered for so long is connected to anew."""
BACKOFF_SECONDS = (0.05, 5.0)
"""A sentinel that is away is not urgent: the others tell the same."""
STABLE_SECONDS = 1.0
"""Whoever hangs up sooner is not asked again at once."""
ASKED_SECONDS = 1.0
"""One that has not answered after so long is passed over."""


async def ask_primary(wire: Wire, service: str) -> Spot:
    """What a sentinel names; raises one of UNUSABLE where it names none, or is none."""
    found = await wire.ask(("SENTINEL", "get-master-addr-by-name", service))
    if found is None:
        raise LinkDown(f"it knows no service {service}")
    spot = spot_of(*found) if isinstance(found, list) and len(found) == 2 else None
    if spot is None:
        raise LinkDown("it answers what no sentinel does")
    return spot


def spot_of(host: Any, port: Any) -> Spot | None:
    """With anything else than a host and a port connecting would end in an error that nobody expects."""
    if not isinstance(host, bytes) or not isinstance(port, bytes):
        return None
    if not host or b"\0" in host or not port.isdigit() or len(port) > 5 or int(port) > 65535:
        return None
    try:
        return Spot(host.decode(), int(port))
    except UnicodeDecodeError:
        return None


def switch_of(notice: bytes, service: str) -> tuple[Spot, Spot] | None:
    """The old and the new primary of that service; None for another's, and for what is no notice."""
    words = notice.split(b" ")
    if len(words) != 5 or words[0] != service.encode():
        return None
    old, new = spot_of(words[1], words[2]), spot_of(words[3], words[4])
    return (old, new) if old is not None and new is not None else None


class Ear(QuietWire):
    """A connection to a sentinel that hears its notices, until it is lost."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        super().__init__(lambda *_: None, lambda pressed: None, SILENT_SECONDS)
        self._heard_notice = heard

    async def listen(self) -> None:
        """From here on notices are heard, and it is seen whether the sentinel lives. Raises the error where that is
        refused."""
        self._write(pack((b"SUBSCRIBE", CHANNEL)))
        self._wait("subscribe", CHANNEL)
        await self.ask(("PING",))
        if self._refused is not None:
            raise self._refused
        self.keep()

    def _pushed(self, push: list[Any]) -> None:
        if push[0] == b"message":
            self._heard_notice(push[2])
        elif push[0] == b"subscribe":
            self._next()
        else:
            super()._pushed(push)


class Notices:
    """Hears what one sentinel tells about a service. ``shown`` is the service, for people.

    ``switched`` gets the old and the new primary of a notice, ``named`` what the sentinel answers after every time
    in which notices may have been missed. Both must not raise. ``jitter`` is from 0 to 1.
    """

    def __init__(
        self,
        sentinel: Address,
        service: str,
        shown: str,
        switched: Callable[[Spot, Spot], None],
        named: Callable[[Spot], None],
        jitter: Callable[[], float],
    ) -> None:
        self._sentinel = sentinel
        self._service = service
        self._shown = shown
        self._switched = switched
        self._named = named
        self._backoff = Backoff(*BACKOFF_SECONDS, jitter)
        self._why = ""

    async def hear(self) -> None:
        """Until it is cancelled; a sentinel that cannot be heard is told in the log, once, and tried again."""
        complaints = Complaints(log, asyncio.get_running_loop().time)
        while True:
            try:
                await self._hear_until_lost()
            except StoreUnreachable as error:
                if str(error) != self._why:  # once, however long it stays so
                    complaints.say(str(error))
                self._why = str(error)
            except Exception:  # a fault of ours must not make a node deaf
                log.exception("a notice could not be dealt with")
            await self._backoff.pause()

    async def _hear_until_lost(self) -> None:
        wire: Ear | None = None
        try:
            async with asyncio.timeout(ASKED_SECONDS):
                wire = await dial(self._sentinel, lambda: Ear(self._heard))
                await wire.listen()
                self._named(await ask_primary(wire, self._service))
            self._why = ""
            lived = await self._until_lost(wire)
            if lived >= STABLE_SECONDS:
                self._backoff.begin_anew()
            said = wire.lost.result()
        except UNUSABLE as error:
            said = in_words(str(error), "?sentinel_password=") or "no answer"
        finally:
            if wire is not None:
                wire.drop("not needed any more")
        raise StoreUnreachable(
            f"the sentinel {self._sentinel.shown} of {self._shown} is not heard: {said}"
        )

    async def _until_lost(self, wire: Ear) -> float:
        """How many seconds that took."""
        clock = asyncio.get_running_loop().time
        began = clock()
        await asyncio.wait([wire.lost])  # whoever is cancelled takes along what it awaits itself
        return clock() - began

    def _heard(self, notice: bytes) -> None:
        if (switch := switch_of(notice, self._service)) is not None:
            self._switched(*switch)
