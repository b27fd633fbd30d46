"""Names in Redis, and what can be read off them. All keys of a pool carry its hash tag."""

import hashlib

from redis.crc import key_slot

FIRST = 0
"""The pool that is always there: it says which others are."""
MOST_POOLS = 1000


def pool_of(number: int) -> int:
    """The pool that an account's or session's id names: its last three decimal digits. A session is there; an
    account may have moved since it was made."""
    return number % MOST_POOLS


def slot_of(pool: int) -> int:
    """Where a Redis Cluster keeps the pool."""
    return int(key_slot(pool_key(pool)))


def pool_key(pool: int) -> bytes:
    """The name that every key of a pool begins with, and the hash tag that keeps them together."""
    return b"chat:{%d}" % pool


def channel_of(pool: int, account: int) -> bytes:
    """Where the pushes of an account that lives in the pool are published."""
    return b"%b:push:%d" % (pool_key(pool), account)


def account_of(channel: bytes) -> int:
    """Whose pushes a channel carries."""
    return int(channel[channel.rindex(b":") + 1 :])


def pool_in(channel: bytes) -> int:
    """The pool that a channel belongs to."""
    return int(channel[channel.index(b"{") + 1 : channel.index(b"}")])


def probe_of(pool: int, node: str) -> bytes:
    """The channel of the pool on which a node hears itself."""
    return b"%b:probe:%b" % (pool_key(pool), node.encode())


def fingerprint(secret: str) -> str:
    """What is kept in place of a token or an address."""
    return hashlib.sha256(secret.encode()).hexdigest()
