"""What the tests of witnesses look at."""

from typing import Any

from chat.store.link import RedisLink
from chat.store.witnessed import WitnessedWire

TIMEOUT = 1.0


def wire_of(link: RedisLink) -> WitnessedWire:
    assert isinstance(link._wire, WitnessedWire)
    return link._wire


def shown(reply: Any) -> Any:
    """What a test compares: errors by their kind."""
    return type(reply) if isinstance(reply, Exception) else reply
