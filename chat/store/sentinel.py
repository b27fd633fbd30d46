"""Which Redis is the primary: sentinels are asked at every connect, and the primary itself confirms it. And they tell
when it is another one.

``redis+sentinel://user:password@host:26379,host,host/service/0``, or ``rediss+sentinel://`` for TLS with
both. User, password, database and the parameters of TLS are those of Redis, in the form of ``address.py``;
``?sentinel_username=…&sentinel_password=…`` is the login to the sentinels, where they ask for one.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from random import random
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from chat.errors import SettingsError, StoreUnreachable
from chat.store.address import CANNOT, MISSPELT, Address, hello
from chat.store.calls import Ask, LinkDown
from chat.store.dial import UNUSABLE, dial
from chat.store.notices import Notices, ask_primary
from chat.store.reasons import in_words
from chat.store.several import Server, Several, spelt
from chat.store.succession import Spot, Succession
from chat.store.wire import Wire

SCHEMES = "redis+sentinel", "rediss+sentinel"
PORT = 26379
ASKED_SECONDS = 1.0
"""One that has not answered after so long is passed over: all of them are asked before anybody gives up."""
LOGIN = "sentinel_username", "sentinel_password"


class Tried(NamedTuple):
    """Which sentinel named what, and whether that is one that was given up, for want of another."""

    sentinel: Address
    spot: Spot
    given_up: bool


class Sentinels:
    """The sentinels of one service; the one whose answer was right, or who told the news, is asked first the next
    time. ``primary`` is how to log in there, its host and port left open. ``jitter`` is from 0 to 1.
    """

    def __init__(
        self,
        sentinels: Sequence[Address],
        service: str,
        primary: Address,
        jitter: Callable[[], float] = random,
    ) -> None:
        self._sentinels = list(sentinels)
        self._service = service
        self._primary = primary
        self._jitter = jitter
        self._succession = Succession(len(sentinels))
        self._tried: Tried | None = None
        self.shown = primary.shown

    @classmethod
    def parse(cls, url: str) -> "Sentinels":
        """Reads a URL; raises SettingsError, in words for people, when it is none that can be used."""
        said = Several.parse(url)
        service, _, database = said.path.partition("/")
        if not service:
            raise SettingsError(f"{CANNOT} it names no service, as in {said.scheme}://host/service")
        login, query = _login_to_sentinels(said.query)
        servers = said.servers(PORT, "sentinels")
        if "@" in service:  # the password ended too soon, and its first half looks like a port
            raise SettingsError(MISSPELT)
        like = Address.parse(said.one(f"primary/{database}?{query}"))
        primary = replace(like, shown=f"{said.shown}/{service}")
        sentinels = [_sentinel(server, login, primary) for server in servers]
        return cls(sentinels, unquote(service), primary)

    async def candidates(self) -> AsyncGenerator[Address]:
        """What the sentinels name as the primary, each address once: they may disagree, and one that is cut
        off from the others is wrong for as long as it is. One that was given up for another is right only if all
        who answer name it. Raises StoreUnreachable when none names any."""
        named: dict[Spot, Address] = {}
        reasons = []
        for sentinel in list(self._sentinels):
            try:
                spot = await self._ask(sentinel)
            except UNUSABLE as error:
                said = in_words(str(error), "?sentinel_password=") or "no answer"
                reasons.append(f"{sentinel.shown}: {said}")
                continue
            if spot not in named:
                named[spot] = sentinel
                if not self._succession.given_up(spot):
                    yield self._at(Tried(sentinel, spot, given_up=False))
        if not named:
            raise StoreUnreachable(f"no sentinel of {self.shown} knows Redis: {'; '.join(reasons)}")
        if len(named) == 1:
            ((spot, sentinel),) = named.items()
            if self._succession.given_up(spot):
                yield self._at(Tried(sentinel, spot, given_up=True))

    def _at(self, tried: Tried) -> Address:
        self._tried, spot = tried, tried.spot
        shown = f"{spot.host}:{spot.port}, the primary of {self.shown}"
        return replace(self._primary, shown=shown, host=spot.host, port=spot.port)

    async def _ask(self, sentinel: Address) -> Spot:
        async with asyncio.timeout(ASKED_SECONDS):
            wire = await dial(sentinel, _wire)
            try:
                return await ask_primary(wire, self._service)
            finally:
                wire.drop("asked")

    def confirming(
        self, greet: Callable[[Ask], Awaitable[bytes]]
    ) -> Callable[[Ask], Awaitable[bytes]]:
        """``greet`` for the primary alone: whoever was named and is none is refused. Sentinels may be late,
        and a primary may have been demoted meanwhile."""

        async def confirm(ask: Ask) -> bytes:
            role = await ask(("ROLE",))
            if not isinstance(role, list) or role[:1] != [b"master"]:
                raise LinkDown("a sentinel names it, but it is no primary")
            run = await greet(ask)
            if (tried := self._tried) is None:
                return run
            if self._succession.given_up(tried.spot) and not tried.given_up:
                raise LinkDown("another one has taken its place meanwhile")
            self._ask_first(tried.sentinel)
            self._succession.confirmed(tried.spot)
            return run

        return confirm

    def _ask_first(self, sentinel: Address) -> None:
        self._sentinels.remove(sentinel)
        self._sentinels.insert(0, sentinel)

    async def watch(self, moved: Callable[[], None]) -> None:
        """Hears the notices of all sentinels, until it is cancelled. Calls ``moved`` when the service has another
        primary than the one that was confirmed last; once, however many tell it."""

        def switched(sentinel: Address, old: Spot, new: Spot) -> None:
            if self._succession.switched(sentinel.shown, old, new):
                self._ask_first(sentinel)
                moved()

        def named(sentinel: Address, spot: Spot) -> None:
            if self._succession.named(sentinel.shown, spot):
                self._ask_first(sentinel)
                moved()

        async with asyncio.TaskGroup() as tasks:
            for one in self._sentinels:
                notices = Notices(
                    one, self._service, self.shown, partial(switched, one), partial(named, one), self._jitter
                )  # fmt: skip
                tasks.create_task(notices.hear(), name=f"notices of {one.shown}")


def _wire() -> Wire:
    """For one question: nothing is pushed, and nobody waits for long."""
    return Wire(lambda channel, payload: None, lambda pressed: None, ASKED_SECONDS)


def _login_to_sentinels(query: str) -> tuple[Sequence[str | int], str]:
    """The login, and what is left of the query."""
    said = dict(parse_qsl(query, keep_blank_values=True))
    rest = [one for one in query.split("&") if one.partition("=")[0] not in LOGIN]
    return hello(*map(said.get, LOGIN)), "&".join(rest)


def _sentinel(server: Server, login: Sequence[str | int], primary: Address) -> Address:
    return Address(spelt(server), *server, None, primary.tls, [tuple(login)])
