"""What nodes and servers say of themselves, however strange or little it is."""

from chat.top.reading import node_seen, redis_seen


def test_what_a_node_says_may_be_strange() -> None:
    """Nothing that a terminal would obey, and no number where there is none."""
    seen = node_seen(
        "n\x1b[2J", {"lease": 5000, "accounts": 1, "sockets": b"x", "version": b"\x07"}
    )
    assert (seen.node, seen.sockets, seen.version) == ("n�[2J", None, "�")
    for lag in b"nan", b"inf", b"1e300", b"-1":
        assert node_seen("n", {"lease": 1, "accounts": 0, "lag": lag}).lag_ms is None


def test_a_server_may_say_little() -> None:
    """What it leaves out is 0 or unknown."""
    assert redis_seen({}).version == "Redis ?"
    assert (
        redis_seen({"valkey_version": "9.1.2", "redis_version": "7.2.4"}).version == "Valkey 9.1.2"
    )
    assert redis_seen({"aof_enabled": "1", "aof_last_write_status": "err"}).aof == "err"
    assert redis_seen({"role": "slave"}).role == "replica"
