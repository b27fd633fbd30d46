"""Where Redis is and how to log in: a URL, read once.

``redis://``, ``rediss://`` (TLS) and ``unix://`` in the form redis-py documents; redis-py parses them.
Those that name several servers are taken apart in ``several.py``.
"""

import ssl
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from redis import RedisError
from redis.asyncio.connection import RedisSSLContext, parse_url

from chat.errors import SettingsError

OWN = "redis://", "rediss://", "unix://"
SCHEMES = (
    *OWN, "redis+sentinel://", "rediss+sentinel://", "redis+cluster://", "rediss+cluster://",
)  # fmt: skip
"""All that a URL may begin with, also those that are read elsewhere."""
CANNOT = "the Redis URL cannot be used:"
MISSPELT = (
    f"{CANNOT} its host:port is none, or its password has one of #/?[ in it,"
    " which are written %23 %2F %3F %5B"
)
_TLS = {
    "ssl_keyfile": "keyfile",
    "ssl_certfile": "certfile",
    "ssl_ca_certs": "ca_certs",
    "ssl_ca_path": "ca_path",
    "ssl_cert_reqs": "cert_reqs",
    "ssl_check_hostname": "check_hostname",
    "ssl_password": "password",
}
_FILES = "ssl_keyfile", "ssl_certfile", "ssl_ca_certs", "ssl_ca_path"
_PARAMETERS = {"db", "username", "password"}
"""What a URL may say after its question mark, besides TLS. redis-py takes anything there."""


@dataclass(frozen=True, slots=True)
class Address:
    """One Redis server.

    ``shown`` is the URL without its password, for people; ``login`` are the commands that a new
    connection begins with: RESP3, the user, the database.
    """

    shown: str
    host: str
    port: int
    path: str | None
    tls: ssl.SSLContext | None
    login: Sequence[tuple[str | int, ...]]

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Reads a URL; raises SettingsError, in words for people, when it is none that can be used."""
        _check_spelling(url)
        if not url.startswith(OWN):
            all_there_are = ", ".join(SCHEMES)
            raise SettingsError(f"{CANNOT} it begins with none of {all_there_are}")
        try:
            parts: dict[str, Any] = {**parse_url(url)}
        except ValueError as error:
            raise SettingsError(f"{CANNOT} {error}") from None
        _check_parameters(url)
        path = urlsplit(url).path.strip("/")
        if not url.startswith("unix:") and path and not path.isdecimal():  # redis-py passes over it
            raise SettingsError(f"{CANNOT} {path} is not a number of a database")
        return cls(
            shown=_without_password(url),
            host=parts.get("host", "localhost"),
            port=parts.get("port", 6379),
            path=parts.get("path"),
            tls=_tls(parts) if url.startswith("rediss://") else None,
            login=_login(parts),
        )

    async def candidates(self) -> AsyncGenerator["Address"]:
        """Where to connect to: this server, whenever it is asked."""
        yield self

    async def watch(self, moved: Callable[[], None]) -> None:
        """Nobody tells of another place."""


def hello(username: str | None, password: str | None) -> tuple[str | int, ...]:
    """What a connection begins with; without a password there is no login."""
    login = ("AUTH", username or "default", password) if password else ()
    return ("HELLO", 3, *login, "SETNAME", "chat-node")


def _check_spelling(url: str) -> None:
    """A sign in a password that is not written as it has to be ends it too soon, and what follows looks like
    something else. So nothing of such a URL is shown."""
    try:
        parts = urlsplit(url)
        spelt = parts.port is None or "@" not in parts.path
    except ValueError:
        spelt = False
    if not spelt or "#" in url or "@" in url.partition("?")[2].partition("=")[0]:
        raise SettingsError(MISSPELT)


def _check_parameters(url: str) -> None:
    """What is not understood is told: a misspelt certificate would be none. Its value may be secret."""
    tls = url.startswith("rediss://")
    for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if name in _TLS and not tls:
            raise SettingsError(f"{CANNOT} {name} is for rediss://")
        if name not in _TLS and name not in _PARAMETERS:
            raise SettingsError(f"{CANNOT} {name} is no parameter of it")


def _login(parts: dict[str, Any]) -> Sequence[tuple[str | int, ...]]:
    first = hello(parts.get("username"), parts.get("password"))
    return [first, ("SELECT", parts["db"])] if parts.get("db") else [first]


def _tls(parts: dict[str, Any]) -> ssl.SSLContext:
    """Certificates are checked unless the URL says otherwise (``ssl_cert_reqs=none``)."""
    options = {ours: parts[theirs] for theirs, ours in _TLS.items() if theirs in parts}
    options.setdefault("cert_reqs", "required")
    options.setdefault("check_hostname", True)
    files = {name: str(parts[name]) for name in _FILES if parts.get(name)}
    for name, path in files.items():
        _check_file(name, path)
    try:
        return RedisSSLContext(**options).get()
    except (OSError, ValueError, RedisError) as error:
        of = ", ".join(f"{name}={path}" for name, path in files.items())
        said = f"{error} ({of})" if of else str(error)
        raise SettingsError(f"the TLS settings of the Redis URL cannot be used: {said}") from None


def _check_file(name: str, path: str) -> None:
    """Of a file that cannot be read OpenSSL does not say which one; and a directory that is none it passes over."""
    try:
        if name == "ssl_ca_path":
            # A way through it, since it need not be possible to list a directory.
            (Path(path) / "..").stat()
        else:
            Path(path).read_bytes()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"{CANNOT} {name}={path} cannot be read: {why}") from None


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    credentials, at, server = parts.netloc.rpartition("@")
    user = credentials.partition(":")[0]
    return f"{parts.scheme}://{user}{at if user else ''}{server}{parts.path}"
