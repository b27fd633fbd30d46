"""Why a Redis cannot be used, in words for people."""

NOT_LOGGED_IN = "must be called with the client already authenticated"
"""NOAUTH, as redis-py says it."""

FORBIDDEN = "NOPERM", "can't run this command", "ACL failure"
"""Words of Redis, and of Valkey, to a user who may not do it, or not within a function."""
RIGHTS = "k8s/base/users.acl has all rights that a node needs"


def is_forbidden(said: str) -> bool:
    """Whether the user may not do it."""
    return any(words in said for words in FORBIDDEN)


def in_words(said: str, where: str = "redis://:password@host") -> str:
    """What a server has said to a login or to the function library, or how connecting has failed.
    ``where`` is how the URL says a password."""
    # An old server repeats the arguments that it does not know, the password among them.
    said = said.partition(", with args")[0]
    said = "".join(char if char.isprintable() else "\ufffd" for char in said)
    if "unknown command 'SENTINEL'" in said:
        return "it is no sentinel"
    if said.startswith(("MOVED", "ASK", "CLUSTERDOWN", "CROSSSLOT")):
        return f"it is one server of a cluster, whose URL begins with redis+cluster:// ({said})"
    if "cluster support disabled" in said or "Cluster mode is not enabled" in said:
        return "it is no cluster, and its URL begins with redis://"
    if "unknown command" in said:
        return f"Redis 7.0 or newer is needed, and this one is older ({said})"
    if said.startswith("NOAUTH") or NOT_LOGGED_IN in said:
        return f"it asks for a password (NOAUTH), and the URL has none: {where}"
    return said
