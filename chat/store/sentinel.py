"""Which Redis is the primary: sentinels are asked at every connect, and the primary itself confirms it.

``redis+sentinel://user:password@host:26379,host,host/service/0``, or ``rediss+sentinel://`` for TLS with
both. User, password, database and the parameters of TLS are those of Redis, in the form of ``address.py``;
``?sentinel_username=…&sentinel_password=…`` is the login to the sentinels, where they ask for one.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit

from chat.errors import SettingsError, StoreUnreachable
from chat.store.address import Address, hello
from chat.store.calls import Ask, LinkDown
from chat.store.dial import UNUSABLE, dial
from chat.store.reasons import in_words
from chat.store.wire import Wire

SCHEMES = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}
PORT = 26379
ASKED_SECONDS = 1.0
"""One that has not answered after so long is passed over: all of them are asked before anybody gives up."""
LOGIN = "sentinel_username", "sentinel_password"
CANNOT = "the Redis URL cannot be used:"


class Sentinels:
    """The sentinels of one service; the one whose answer was right is asked first the next time.

    They are asked and do not tell: whoever loses the primary asks again. ``primary`` is how to log in there,
    its host and port left open.
    """

    def __init__(self, sentinels: Sequence[Address], service: str, primary: Address) -> None:
        self._sentinels = list(sentinels)
        self._asked = self._sentinels[0]
        self._service = service
        self._primary = primary
        self.shown = primary.shown

    @classmethod
    def parse(cls, url: str) -> "Sentinels":
        """Reads a URL; raises SettingsError, in words for people, when it is none that can be used."""
        scheme, _, rest = url.partition("://")
        rest, question, query = rest.partition("?")
        place, _, path = rest.partition("/")
        credentials, at, hosts = place.rpartition("@")
        service, _, database = path.partition("/")
        if not service:
            raise SettingsError(f"{CANNOT} it names no service, as in {scheme}://host/service")
        login, query = _login_to_sentinels(query)
        addresses = [_sentinel(host, login) for host in hosts.split(",")]
        shown = f"{scheme}://{hosts}/{service}"
        like_primary = f"{SCHEMES[scheme]}://{credentials}{at}primary/{database}{question}{query}"
        primary = replace(Address.parse(like_primary), shown=shown)
        sentinels = [replace(address, tls=primary.tls) for address in addresses]
        return cls(sentinels, unquote(service), primary)

    async def candidates(self) -> AsyncGenerator[Address]:
        """What the sentinels name as the primary, each address once: they may disagree, and one that is cut
        off from the others is wrong for as long as it is. Raises StoreUnreachable when none names any."""
        named, reasons = set(), []
        for sentinel in list(self._sentinels):
            try:
                host, port = await self._ask(sentinel)
            except UNUSABLE as error:
                said = in_words(str(error), "?sentinel_password=") or "no answer"
                reasons.append(f"{sentinel.shown}: {said}")
                continue
            if (host, port) not in named:
                named.add((host, port))
                self._asked = sentinel
                shown = f"{host}:{port}, the primary of {self.shown}"
                yield replace(self._primary, shown=shown, host=host, port=port)
        if not named:
            raise StoreUnreachable(f"no sentinel of {self.shown} knows Redis: {'; '.join(reasons)}")

    async def _ask(self, sentinel: Address) -> tuple[str, int]:
        async with asyncio.timeout(ASKED_SECONDS):
            wire = await dial(sentinel, _wire)
            try:
                found = await wire.ask(("SENTINEL", "get-master-addr-by-name", self._service))
            finally:
                wire.drop("asked")
        match found:
            case [bytes() as host, bytes() as port] if _is_place(host, port):
                return host.decode(), int(port)
            case None:
                raise LinkDown(f"it knows no service {self._service}")
            case _:
                raise LinkDown("it answers what no sentinel does")

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
            self._sentinels.remove(self._asked)
            self._sentinels.insert(0, self._asked)
            return run

        return confirm


def _is_place(host: bytes, port: bytes) -> bool:
    """With anything else connecting would end in an error that nobody expects."""
    return b"\0" not in host and len(port) <= 5 and port.isdigit() and int(port) <= 65535


def _wire() -> Wire:
    """For one question: nothing is pushed, and nobody waits for long."""
    return Wire(lambda channel, payload: None, lambda pressed: None, ASKED_SECONDS)


def _login_to_sentinels(query: str) -> tuple[Sequence[str | int], str]:
    """The login, and what is left of the query."""
    said = dict(parse_qsl(query, keep_blank_values=True))
    rest = [one for one in query.split("&") if one.partition("=")[0] not in LOGIN]
    return hello(*map(said.get, LOGIN)), "&".join(rest)


def _sentinel(place: str, login: Sequence[str | int]) -> Address:
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = "", None
    if not host:  # not shown: in a URL that went wrong it may be a password
        raise SettingsError(f"{CANNOT} its sentinels are no host:port, comma separated")
    shown = f"[{host}]" if ":" in host else host
    return Address(f"{shown}:{port or PORT}", host, port or PORT, None, None, [tuple(login)])
