"""URLs that name several servers: ``redis+…://user:password@host:port,host,host/path?query``, also ``rediss+…``.

The login and the parameters are those of Redis, in the form of ``address.py``. What the path says, and which port is
meant where there is none, is the matter of those whose scheme it is.
"""

from typing import NamedTuple
from urllib.parse import urlsplit

from chat.errors import SettingsError
from chat.store.address import CANNOT

Server = tuple[str, int]
"""Host and port."""


class Several(NamedTuple):
    """Such a URL, taken apart and not checked. ``login`` ends with its @, where there is one."""

    scheme: str
    login: str
    hosts: str
    path: str
    query: str

    @classmethod
    def parse(cls, url: str) -> "Several":
        scheme, _, rest = url.partition("://")
        rest, _, query = rest.partition("?")
        place, _, path = rest.partition("/")
        credentials, at, hosts = place.rpartition("@")
        return cls(scheme, credentials + at, hosts, path, query)

    @property
    def shown(self) -> str:
        """For people, without a password."""
        return f"{self.scheme}://{self.hosts}"

    def servers(self, port: int, what: str) -> list[Server]:
        """Those that it names, with this ``port`` where it says none; raises SettingsError, in words for people, who
        call them ``what``."""
        try:
            return [_server(host, port) for host in self.hosts.split(",")]
        except ValueError:  # not shown: in a URL that went wrong it may be a password
            raise SettingsError(f"{CANNOT} its {what} are no host:port, comma separated") from None

    def one(self, place: str) -> str:
        """The URL of one Redis with the same login; ``place`` is what follows that."""
        return f"{self.scheme.partition('+')[0]}://{self.login}{place}"


def spelt(server: Server) -> str:
    """As it is in a URL."""
    host, port = server
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _server(place: str, port: int) -> Server:
    """Raises ValueError."""
    parts = urlsplit(f"//{place}")
    if not parts.hostname:
        raise ValueError("no host")
    return parts.hostname, parts.port or port
