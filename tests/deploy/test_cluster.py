"""k8s/overlays/cluster, run for real as far as one machine can: its scripts start Redis and the keeper with its own
files, and form a cluster. See cluster_pods.py; test_cluster_plan.py has what the keeper decides, test_cluster_losses.py
and test_cluster_people.py what happens to it later, and test_moving.py how a pool moves."""

import pytest
import redis

from tests.deploy.cluster_contents import ids, kept, nobody_lacks_a_permission, until_another, write
from tests.deploy.cluster_pods import POOLS, cluster_pods
from tests.deploy.pods import until


def test_it_is_formed_once() -> None:
    """The first three share the pools evenly, each of the others follows one of them. A keeper that starts anew,
    or a second one, has nothing to do."""
    with cluster_pods() as cluster:
        cluster.start()
        before = cluster.until_whole()
        assert cluster.pools() == cluster.servers[:3] * (POOLS // 3)
        for primary, replica in zip(cluster.servers[:3], cluster.servers[3:], strict=True):
            assert cluster.replica_of(primary) is replica
        who = ids(cluster)
        epochs = [pod.says("cluster")["cluster_my_epoch"] for pod in cluster.servers[:3]]
        assert epochs == ["1", "2", "3"]
        cluster.keeper.stop()
        assert cluster.keeper.exit_code == 0
        cluster.keeper.start()
        until(lambda: "all is whole" in cluster.keeper.log_since_start(), "it has looked")
        assert "CLUSTER" not in cluster.keeper.log_since_start()
        assert cluster.owners() == before
        assert ids(cluster) == who
        nobody_lacks_a_permission(cluster)


def test_a_keeper_is_killed_again_and_again_while_it_forms_it() -> None:
    """After each of its orders; and then there is a cluster like any other, also where two work at once."""
    with cluster_pods() as cluster:
        for pod in cluster.servers:
            pod.start()
        orders = ("SET-CONFIG-EPOCH", "MEET", "ADDSLOTSRANGE", "REPLICATE")
        for order in orders:
            cluster.keeper.start()
            until(lambda o=order: o in cluster.keeper.log_since_start(), f"it has said {order}")
            cluster.keeper.kill()
        cluster.keeper.start()
        with cluster.second_keeper():
            cluster.until_whole()
        assert cluster.pools() == cluster.servers[:3] * (POOLS // 3)


def test_servers_without_an_address_of_their_own() -> None:
    """As with compose: the others find them where they come from."""
    with cluster_pods() as cluster:
        for pod in cluster.servers:
            pod.address = ""
        cluster.start()
        cluster.until_whole()
        write(cluster, "first")
        old = cluster.servers[0]
        old.kill()
        until_another(cluster, old, 0)
        old.start()
        cluster.until_whole()
        assert kept(cluster) == {"first"}


def test_a_redis_of_base_becomes_the_first() -> None:
    """With its volume, and with the people in pool 0."""
    with cluster_pods() as cluster:
        first = cluster.servers[0]
        first.alone = True
        first.start()
        until(lambda: first.ask("chat", "PING"), "it answers")
        first.ask("chat", "HSET", "chat:{0}:kept", "a", "from base")
        first.stop()
        first.alone = False
        cluster.start()
        cluster.until_whole()
        assert cluster.pools() == cluster.servers[:3] * (POOLS // 3)
        assert kept(cluster) == {"from base", None}


def test_nobody_may_do_more_than_their_part() -> None:
    """Nodes look, the keeper arranges, replicas copy."""
    with cluster_pods() as cluster:
        cluster.start()
        cluster.until_whole()
        pod = cluster.servers[0]
        for user, command in (
            ("chat", "CLUSTER FORGET x"),
            ("chat", "CLUSTER FAILOVER"),
            ("chat", "CLUSTER RESET"),
            ("chat", "CLUSTER MEET 127.0.0.1 1"),
            ("chat", "CLUSTER SETSLOT 1 STABLE"),
            ("chat", "CLUSTER GETKEYSINSLOT 1 1"),
            ("chat", "PSYNC ? -1"),
            ("keeper", "CLUSTER RESET"),
            ("keeper", "CLUSTER FLUSHSLOTS"),
            ("keeper", "DUMP other"),
            ("keeper", "HGETALL chat:{0}:last"),
            ("keeper", "SSUBSCRIBE chat:{0}:push:1"),
            ("keeper", "CONFIG GET *"),
            ("keeper", "SHUTDOWN"),
            ("replica", "HGETALL chat:{0}:last"),
            ("replica", "CLUSTER NODES"),
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                pod.ask(user, *command.split())
