"""A cluster of real servers on the loopback interface: primaries, which share the slots, and their replicas."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.crc import REDIS_CLUSTER_HASH_SLOTS as SLOTS
from redis.crc import key_slot
from redis.retry import Retry

from tests.support.member import Member
from tests.support.process import HERE, Site, wait_until
from tests.support.servers import Kind, available_servers

FORMING_SECONDS = 30
TAKING_OVER_SECONDS = 30
SELDOM = 0.05
"""Every server is asked, while people talk in the same process."""


def slot_of(pool: int) -> int:
    """Where all keys and channels of a pool are."""
    return int(key_slot(b"chat:{%d}" % pool))


def shares(primaries: int) -> list[range]:
    """The slots of each primary: the first of them has pool 0, the next pool 1, and so on. What is between the
    slots of two pools is divided in the middle."""
    pools = sorted(range(primaries), key=slot_of)
    bounds = [(slot_of(a) + slot_of(b)) // 2 + 1 for a, b in pairwise(pools)]
    pieces = pairwise([0, *bounds, SLOTS])
    by_pool = dict(zip(pools, (range(first, end) for first, end in pieces), strict=True))
    return [by_pool[pool] for pool in range(primaries)]


class Cluster:
    """What a cluster consists of. ``servers`` are all of them, whatever they are at the moment: each says of itself
    what it is, so that one that nobody can reach is not asked about others."""

    def __init__(
        self,
        kind: Kind,
        settings: Sequence[str],
        *,
        appendonly: bool,
        sites: Callable[[int], Site] = lambda number: HERE,
    ) -> None:
        self.servers: list[Member] = []
        self._kind = kind
        self._settings = settings
        self._appendonly = appendonly
        self._sites = sites
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(one.address for one in self.servers)

    # its servers

    def add_server(self) -> Member:
        """An empty one, which runs and knows nobody yet."""
        member = Member(self._kind, *self._settings, appendonly=self._appendonly)
        member.site = self._sites(len(self.servers))
        self._stack.enter_context(member)
        self.servers.append(member)
        return member

    def remove_server(self, member: Member) -> None:
        self.servers.remove(member)
        member.stop()

    def close(self) -> None:
        self._stack.close()

    @property
    def primaries(self) -> list[Member]:
        """Those that say they are one, in the order of ``servers``."""
        return [one for one in self._answering if "master" in one.itself().flags]

    def replicas_of(self, primary: Member) -> list[Member]:
        """Those that say they copy it."""
        return [one for one in self._answering if one.itself().primary == primary.id]

    def primary_of(self, pool: int) -> Member:
        """Where the pool is now. One that was replaced while it stood still believes in an older epoch."""
        return self.owner(slot_of(pool))

    def owner(self, slot: int) -> Member:
        claims = []
        for one in self._answering:
            itself = one.itself()
            if itself.has(slot) and "master" in itself.flags:
                claims.append((itself.epoch, one))
        assert claims, f"nobody has slot {slot}"
        return max(claims, key=lambda claim: claim[0])[1]

    @property
    def _answering(self) -> list[Member]:
        return [one for one in self.servers if one.answering]

    # what happens to it

    def fail_over(self, pool: int, *how: str) -> Member:
        """Order a replica to take over from the pool's primary, and return it once it has. ``FORCE``: without asking
        the primary, which may be dead; ``TAKEOVER``: without asking anybody."""
        slot, old = slot_of(pool), self.primary_of(pool)
        replica = next(one for one in self._answering if one.itself().primary == old.id)
        assert replica.ask("FAILOVER", *how) in ("OK", True)
        wait_until(
            lambda: replica.itself().has(slot), "it has taken over", timeout=TAKING_OVER_SECONDS
        )
        return replica

    def until_another_has(self, pool: int, old: Member) -> Member:
        """Return the new primary of the pool, once there is one."""

        def moved() -> bool:
            return any(one.itself().has(slot_of(pool)) for one in self._answering if one != old)

        wait_until(moved, f"another has pool {pool}", timeout=TAKING_OVER_SECONDS, every=SELDOM)
        return next(
            one for one in self._answering if one != old and one.itself().has(slot_of(pool))
        )

    def until_whole(self) -> None:
        """Return when all servers run, agree who has what, and every replica is in step."""
        wait_until(self._whole, "the cluster is whole", timeout=FORMING_SECONDS, every=SELDOM)

    def _whole(self) -> bool:
        if not all(one.answering for one in self.servers):
            return False
        views = [one.sees() for one in self.servers]
        agreed = {frozenset(_plain(view)) for view in views}
        return (
            len(agreed) == 1
            and not any(_doubtful(one.flags) for view in views for one in view.values())
            and len(views[0]) == len(self.servers)
            and all(one.says()["cluster_state"] == "ok" for one in self.servers)
            and all(one.linked() for one in self.servers if "slave" in one.itself().flags)
        )

    # what is in it

    def client(self) -> RedisCluster:
        """A client of the whole cluster, which tries nothing again but a redirected command."""
        nodes = [
            ClusterNode(one.site.host, one.port)  # type: ignore[no-untyped-call] # redis-py has no types for it
            for one in self._answering
        ]
        return RedisCluster(
            startup_nodes=nodes,
            decode_responses=True,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
        )

    def all_keys(self) -> Iterator[tuple[Member, str]]:
        """All keys of all primaries, and where they are."""
        for primary in self.primaries:
            with primary.client(decode_responses=True) as client:
                for key in client.scan_iter("*", count=1000):
                    yield primary, key

    def sent(self) -> dict[str, int]:
        """What all servers have sent to each other on the bus, by the kind of message: publish, publishshard, ping …"""
        sent: dict[str, int] = {}
        start, end = "cluster_stats_messages_", "_sent"
        for one in self._answering:
            for name, value in one.says().items():
                if name.startswith(start) and name.endswith(end):
                    kind = name[len(start) : -len(end)] or "all"
                    sent[kind] = sent.get(kind, 0) + int(value)
        return sent

    # how it comes about

    def form(self, primaries: int, replicas: int) -> None:
        """As redis-cli --cluster create does it: slots, epochs, MEET, REPLICATE. The primaries come first in
        ``servers``, in the order of their pools."""
        for _ in range(primaries * (1 + replicas)):
            self.add_server()
        for number, (primary, share) in enumerate(
            zip(self.servers, shares(primaries), strict=False)
        ):
            primary.ask("ADDSLOTSRANGE", share[0], share[-1])
            primary.ask("SET-CONFIG-EPOCH", number + 1)
        for one in self.servers[1:]:
            self.meet(one)
        self.until_known()
        for number, one in enumerate(self.servers[primaries:]):
            one.ask("REPLICATE", self.servers[number % primaries].id)
        self.until_whole()

    def meet(self, member: Member) -> None:
        first = next(one for one in self._answering if one is not member)
        member.ask("MEET", first.site.host, first.port, first.bus)

    def until_known(self) -> None:
        """Return when every server knows every other by its name."""
        names = {one.id for one in self.servers}

        def known() -> bool:
            return all(
                view.keys() == names and not any("handshake" in one.flags for one in view.values())
                for view in (one.sees() for one in self.servers)
            )

        wait_until(known, "they know each other", timeout=FORMING_SECONDS, every=SELDOM)


def _plain(view: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What all must agree about."""
    return [(one.name, one.port, one.primary, one.slots) for one in view.values()]


def _doubtful(flags: frozenset[str]) -> bool:
    return bool(flags & {"fail", "fail?", "handshake", "noaddr"})


@contextmanager
def cluster(
    *settings: str,
    primaries: int = 3,
    replicas: int = 1,
    appendonly: bool = False,
    kind: Kind | None = None,
    sites: Callable[[int], Site] = lambda number: HERE,
) -> Iterator[Cluster]:
    """A whole cluster: pool 0 is with the first primary, pool 1 with the second … ``settings`` are arguments of
    each server, ``replicas`` those of each primary, ``sites`` says where each is, the primaries first."""
    made = Cluster(kind or available_servers()[0], settings, appendonly=appendonly, sites=sites)
    try:
        made.form(primaries, replicas)
        yield made
    finally:
        made.close()
