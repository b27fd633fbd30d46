"""Names in Redis, and what can be read off them. All keys of a pool carry its hash tag."""

import hashlib

POOL = 0
"""The only pool as yet: new accounts go there, and nodes lease there."""


def pool_of(number: int) -> int:
    """The pool that an account's or session's id names: its last three decimal digits."""
    return number % 1000


def pool_key(pool: int) -> bytes:
    """The name that every key of a pool begins with, and the hash tag that keeps them together."""
    return b"chat:{%d}" % pool


def channel_of(account: int) -> bytes:
    """Where the pushes of an account are published."""
    return b"%b:push:%d" % (pool_key(pool_of(account)), account)


def account_of(channel: bytes) -> int:
    """Whose pushes a channel carries."""
    return int(channel[channel.rindex(b":") + 1 :])


def probe_of(node: str) -> bytes:
    """The channel on which a node hears itself."""
    return b"%b:probe:%b" % (pool_key(POOL), node.encode())


def fingerprint(secret: str) -> str:
    """What is kept in place of a token or an address."""
    return hashlib.sha256(secret.encode()).hexdigest()
