"""The sentinels and their servers that other tests stand on."""

from tests.support.sentinels import SERVICE, flock


def test_who_was_made_primary_comes_back_as_it() -> None:
    """Killed and started before anybody else has taken over: its configuration says what it is, not its command line."""
    with flock("--appendonly", "yes", replicas=1) as made:
        old, replica = made.servers
        assert made.primary is old
        assert made.sentinels[0].ask("FAILOVER", SERVICE) in ("OK", True)
        assert made.until_another_is_primary(old) is replica
        made.until_whole()
        with replica.client() as client:
            client.set("key", "value")
        replica.kill()
        replica.start()
        with replica.client() as client:
            assert client.info("replication")["role"] == "master"
            assert client.get("key") == b"value"
        assert made.until_whole() is replica
