"""The store that the settings ask for: one Redis, one that sentinels name, a cluster, or the embedded server."""

from collections.abc import Callable, Collection

from chat.config import Settings
from chat.store.cluster import ClusterLinks
from chat.store.embedded import EmbeddedLink, EmbeddedServer
from chat.store.keys import probe_of
from chat.store.library import Generations, greet, library
from chat.store.link import RedisLink
from chat.store.links import Links
from chat.store.place import Place, place_of
from chat.store.pressure import Pressure
from chat.store.sayings import Said
from chat.store.sentinel import Sentinels
from chat.store.store import Store
from chat.store.topology import Topology
from chat.store.witness import Witnesses


def open_store(
    settings: Settings,
    node: str,
    on_push: Callable[[bytes, bytes], None],
    on_said: Said,
    on_gap: Callable[[Collection[int]], None],
    on_pressure: Callable[[bool], None],
    clock: Callable[[], float],
) -> Store:
    """A store that is not started yet.

    ``on_push`` gets what is published for an account this node subscribes to, by its channel, ``on_said`` the
    answers to what is said; ``on_gap`` is called with pools of which some of it may have been missed;
    ``on_pressure`` whenever ``Store.pressed`` may have become another, and whether it is so of any pool. Raises
    SettingsError for a URL that cannot be used.
    """

    pressure, generations = Pressure(on_pressure), Generations()
    timeout = settings.redis_timeout_seconds

    def link_to(
        place: Place,
        on_lost: Callable[[], None] = lambda: None,
        on_astray: Callable[[int, str], None] | None = None,
    ) -> RedisLink:
        return RedisLink(
            place,
            place.confirming(greet) if isinstance(place, Sentinels) else greet,
            generations,
            on_push,
            on_gap,
            pressure.of_one(),
            probe=lambda pool: probe_of(pool, node),
            timeout=timeout,
            on_lost=on_lost,
            on_astray=on_astray,
            witnesses=Witnesses.of(settings, clock),
        )

    links: Links
    place = place_of(settings.redis_url) if settings.redis_url else None
    if place is None:
        links = EmbeddedLink(EmbeddedServer(), [library()], on_push)
    elif isinstance(place, Topology):
        links = ClusterLinks(
            place,
            lambda server, lost, astray: link_to(place.address(server), lost, astray),
            on_gap,
            new_pressure=pressure.of_one,
            probe=lambda pool: probe_of(pool, node),
            timeout=timeout,
        )
    else:
        links = link_to(place)
    return Store(
        links,
        generations,
        node,
        on_said,
        pools=settings.pools,
        pool_accounts=settings.pool_accounts,
        grace=settings.grace_seconds,
        lease=settings.node_lease_seconds,
        inbox_length=settings.inbox_length,
        sessions_per_account=settings.sessions_per_account,
        accounts_per_minute=settings.accounts_per_minute,
        timeout=timeout,
        clock=clock,
    )
