"""Who may open a socket: from which page, how many from one address, and not while the node leaves."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise
from urllib.parse import urlsplit

from chat.config import Settings
from chat.errors import SettingsError

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Policy:
    """``origins`` None: a page's own host, "*": every page. For both numbers of sockets 0 is no limit."""

    origins: frozenset[str] | None
    proxies: tuple[Network, ...]
    sockets_per_address: int
    without_account: int = 0

    @classmethod
    def of(cls, settings: Settings) -> "Policy":
        """Reads the settings' texts; raises SettingsError."""
        allowed = frozenset(part.rstrip("/") for part in _parts(settings.allowed_origins.lower()))
        try:
            proxies = _parts(settings.trusted_proxies)
            trusted = tuple(ip_network(proxy, strict=False) for proxy in proxies)
        except ValueError as error:
            raise SettingsError(f"CHAT_TRUSTED_PROXIES: {error}") from None
        return cls(
            allowed or None,
            trusted,
            settings.sockets_per_address,
            settings.sockets_without_account,
        )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


class Admission:
    """The door of one node. ``address`` below is what limits count: an IPv4 address, an IPv6 /64."""

    def __init__(self, policy: Policy, limits: Counter[str]) -> None:
        """``limits`` counts those who were refused, by the setting they were refused for."""
        self._policy = policy
        self._limits = limits
        self._sockets: Counter[str] = Counter()
        self.closed = False
        """No new sockets: the node is leaving."""

    def refuses(
        self, path: str, headers: Mapping[str, str], address: str, without_account: int
    ) -> tuple[int, str] | None:
        """The HTTP status and the reason for people, or None. ``without_account``: so many sockets of
        this node have none yet."""
        if path.partition("?")[0] != "/ws":
            return 404, "there is nothing here; the socket is at /ws"
        if self.closed:
            return 503, "this node is leaving; another one will serve you"
        if not self._allows(headers.get("Origin"), headers.get("Host")):
            self._limits["allowed_origins"] += 1
            return 403, "pages of this origin may not open the socket"
        limit = self._policy.sockets_per_address
        if limit and self._sockets[address] >= limit:
            self._limits["sockets_per_address"] += 1
            return 429, "too many sockets from this address"
        if 0 < self._policy.without_account <= without_account:
            self._limits["sockets_without_account"] += 1
            return 503, "too many are arriving at this moment; try again, or another node"
        return None

    def enters(self, address: str) -> None:
        self._sockets[address] += 1

    def leaves(self, address: str) -> None:
        self._sockets[address] -= 1
        if self._sockets[address] <= 0:
            del self._sockets[address]

    def address_of(self, peer: str, forwarded_for: str | None) -> str:
        """The client's address: the peer's, or what trusted proxies say of theirs, nearest first."""
        chain = [peer]
        if forwarded_for:
            chain += [hop.strip() for hop in reversed(forwarded_for.split(","))]
        for nearest, farther in pairwise(chain):
            if not self._trusts(nearest) or not _is_address(farther):
                return _counted(nearest)
        return _counted(chain[-1])

    def _trusts(self, address: str) -> bool:
        if not _is_address(address):
            return False
        parsed = _plain(address)
        return any(parsed in network for network in self._policy.proxies)

    def _allows(self, origin: str | None, host: str | None) -> bool:
        """Clients that are no browser send no Origin; a page cannot leave it out."""
        if origin is None:
            return True
        origin = origin.lower()
        if self._policy.origins is None:
            return bool(host) and _authority(origin) == str(host).lower()
        return "*" in self._policy.origins or origin in self._policy.origins


def _authority(origin: str) -> str:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return ""
    return parts.netloc if parts.scheme in ("http", "https") else ""


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _plain(address: str) -> IPv4Address | IPv6Address:
    """A dual-stack listener shows IPv4 clients as ::ffff:10.0.0.1."""
    parsed = ip_address(address)
    return (isinstance(parsed, IPv6Address) and parsed.ipv4_mapped) or parsed


def _counted(address: str) -> str:
    """A household has a whole IPv6 /64, so that is what counts."""
    if not _is_address(address):
        return address
    parsed = _plain(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))
    return str(parsed)
