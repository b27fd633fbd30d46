"""Where the pools of a Redis Cluster are: ``redis+cluster://user:password@host:6379,host,host``, or
``rediss+cluster://`` for TLS. User, password and the parameters of TLS are those of Redis, in the form of
``address.py``. Which primary has which slot is found by redis-py, which asks the servers that are known.
"""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl

from redis import RedisError
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.exceptions import ResponseError

from chat.errors import SettingsError, StoreUnreachable
from chat.store.address import CANNOT, MISSPELT, Address
from chat.store.keys import slot_of
from chat.store.reasons import in_words
from chat.store.several import Server, Several, spelt

SCHEMES = "redis+cluster", "rediss+cluster"
PORT = 6379
ASKED_SECONDS = 1.0
"""One that has not answered after so long is passed over."""


class NoServer(StoreUnreachable):
    """Of those that are known. ``why`` is of the last that was asked, another one each time."""

    def __init__(self, shown: str, why: str) -> None:
        self.what, self.why = f"no server of {shown} is of any use", why
        super().__init__(f"{self.what}: {why}")


class Topology:
    """``servers`` are those that the URL names; ``like`` is how to log in at each, its host and port left open,
    and ``url`` the same for redis-py."""

    def __init__(self, servers: Iterable[Server], like: Address, url: str) -> None:
        self._named = self._known = frozenset(servers)
        self._cluster: RedisCluster | None = None
        self._like = like
        self._url = url
        self.shown = like.shown

    @classmethod
    def parse(cls, url: str) -> "Topology":
        """Reads a URL; raises SettingsError, in words for people, when it is none that can be used."""
        said = Several.parse(url)
        if "@" in said.path:  # the password ended too soon: neither half of it is shown
            raise SettingsError(MISSPELT)
        if said.path or "db" in dict(parse_qsl(said.query, keep_blank_values=True)):
            raise SettingsError(f"{CANNOT} a cluster has no databases, and no service")
        servers = said.servers(PORT, "servers")
        like = said.one(f"{spelt(servers[0])}?{said.query}")
        return cls(servers, replace(Address.parse(like), shown=said.shown), like)

    def address(self, server: Server) -> Address:
        host, port = server
        shown = f"{spelt(server)}, of {self.shown}"
        return replace(self._like, shown=shown, host=host, port=port)

    async def find(self, pools: Iterable[int]) -> Mapping[int, Server]:
        """The primary of each pool, as the first server says it that answers: it may be late. Pools of which it
        knows none are left out. Raises NoServer where nobody answers."""
        if self._cluster is None:
            self._cluster = RedisCluster.from_url(
                self._url,
                startup_nodes=[ClusterNode(host, port) for host, port in self._known],
                require_full_coverage=False,
                address_remap=self._reached,
                socket_timeout=ASKED_SECONDS,
                socket_connect_timeout=ASKED_SECONDS,
            )
        known = self._cluster.nodes_manager
        asked = list(known.startup_nodes.values())
        try:
            await known.initialize()
        except Exception as error:  # noqa: BLE001 - redis-py raises what it meets in strange answers
            # It forgets whom the URL names, and all others too where the only ones that answer know of no primary.
            self._cluster, self._known = None, self._known | self._named
            raise NoServer(self.shown, _why(error)) from None
        finally:
            for node in {*asked, *known.startup_nodes.values(), *known.nodes_cache.values()}:
                with contextlib.suppress(RedisError):  # one that does not let go in time
                    await node.disconnect()
        self._known = frozenset(_place(node) for node in known.startup_nodes.values())
        slots = known.slots_cache
        found = {pool: slots[slot][0] for pool in pools if slots.get(slot := slot_of(pool))}
        return {pool: _place(node) for pool, node in found.items()}

    def _reached(self, server: tuple[str | None, int]) -> Server:
        """Servers that announce no host (``cluster-preferred-endpoint-type unknown-endpoint``) are all at the one that
        the URL names."""
        host, port = server
        return host or self._like.host, port


def _why(error: Exception) -> str:
    """What the server has said, which redis-py replaces by words of its own."""
    if isinstance(error, IndexError):  # of redis-py, where CLUSTER SLOTS is an empty list
        return "no slot has been given to anybody: the cluster is not formed yet"
    cause = error.__cause__ or error
    said = str(cause.__context__ if isinstance(cause.__context__, ResponseError) else cause)
    if "cluster|slots" in said:
        said += " (a user needs +cluster|slots)"
    return in_words(said, "redis+cluster://:password@host")


def _place(node: ClusterNode) -> Server:
    return node.host, int(node.port)
