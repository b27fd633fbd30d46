"""The store that the settings ask for: a Redis, or the embedded server."""

from collections.abc import Callable

from chat.config import Settings
from chat.store.embedded import EmbeddedLink, EmbeddedServer
from chat.store.keys import probe_of
from chat.store.library import Greeting, library
from chat.store.link import Link, RedisLink
from chat.store.place import place_of
from chat.store.sayings import Said
from chat.store.sentinel import Sentinels
from chat.store.store import Store
from chat.store.witness import Witnesses


def open_store(
    settings: Settings,
    node: str,
    on_push: Callable[[bytes, bytes], None],
    on_said: Said,
    on_gap: Callable[[], None],
    on_pressure: Callable[[bool], None],
    clock: Callable[[], float],
) -> Store:
    """A store that is not started yet.

    ``on_push`` gets what is published for an account this node subscribes to, by its channel, ``on_said`` the answers to
    what is said; ``on_gap`` is called
    when some of it may have been missed; ``on_pressure`` when Redis does not keep up with the calls,
    and when it does again. Raises SettingsError for a URL that cannot be used.
    """

    link: Link
    if settings.redis_url:
        place, greet = place_of(settings.redis_url), Greeting()
        link = RedisLink(
            place,
            place.confirming(greet) if isinstance(place, Sentinels) else greet,
            on_push,
            on_gap,
            on_pressure,
            probe=probe_of(node),
            timeout=settings.redis_timeout_seconds,
            witnesses=Witnesses.of(settings, clock),
        )
    else:
        link = EmbeddedLink(EmbeddedServer(), [library()], on_push)
    return Store(
        link,
        node,
        on_said,
        grace=settings.grace_seconds,
        lease=settings.node_lease_seconds,
        inbox_length=settings.inbox_length,
        sessions_per_account=settings.sessions_per_account,
        accounts_per_minute=settings.accounts_per_minute,
        timeout=settings.redis_timeout_seconds,
        clock=clock,
    )
