"""k8s/overlays/cluster: pods that are restarted or killed, alone and all at once, and volumes that are lost."""

import signal

import pytest

from tests.deploy.cluster_contents import ids, kept, nobody_lacks_a_permission, until_another, write
from tests.deploy.cluster_pods import POOLS, cluster_pods
from tests.deploy.pods import until
from tests.support.nodes import ROOT


def test_each_is_restarted() -> None:
    """One after the other, told to stop, with another address afterwards: a primary hands over first, nothing is
    lost, who comes back is the same and a replica. The keeper is not needed for it."""
    with cluster_pods() as cluster:
        cluster.start()
        cluster.until_whole()
        write(cluster, "first")
        cluster.keeper.stop()
        who = ids(cluster)
        for pod in reversed(cluster.servers):
            was_primary = pod.primary
            if was_primary:
                heir = cluster.replica_of(pod)
                pod.hand_over()
                assert not pod.primary
                assert heir.primary
            pod.stop(timeout=30)
            pod.move()
            pod.start()
            cluster.until_whole()
            assert not pod.primary
        assert ids(cluster) == who
        assert kept(cluster) == {"first"}
        nobody_lacks_a_permission(cluster)


def test_a_replica_has_nobody_to_hand_over_to() -> None:
    """Nor has a primary whose replica is gone: both are ready to stop soon."""
    with cluster_pods() as cluster:
        cluster.start()
        cluster.until_whole()
        primary = cluster.servers[0]
        replica = cluster.replica_of(primary)
        replica.hand_over()
        assert primary.primary
        replica.kill()
        primary.hand_over()  # which takes no longer than it may
        assert primary.primary


def test_a_primary_is_killed() -> None:
    """Its replica takes over by itself, and whoever comes back is a replica."""
    with cluster_pods() as cluster:
        cluster.start()
        cluster.until_whole()
        write(cluster, "first")
        cluster.keeper.stop()
        old = cluster.servers[1]
        old.kill()
        new = until_another(cluster, old, 1)
        assert kept(cluster) == {"first"}
        old.start()
        cluster.until_whole()
        assert new.primary
        assert kept(cluster) == {"first"}


def test_all_are_gone_at_once_and_have_other_addresses() -> None:
    """Nobody finds anybody, until the keeper has brought them together. Everybody is who they were."""
    with cluster_pods() as cluster:
        cluster.start()
        before = cluster.until_whole()
        write(cluster, "first")
        who = ids(cluster)
        for pod in cluster.servers:
            pod.signal(signal.SIGSTOP)  # so that nobody takes over meanwhile
        for pod in cluster.servers:
            pod.kill()
            pod.move()
            pod.start()
        after = cluster.until_whole()
        assert ids(cluster) == who
        assert kept(cluster) == {"first"}
        assert set(after) == set(before)


def test_all_are_gone_at_once_and_a_primary_for_good() -> None:
    """Its replica takes over, though it has never heard of it since."""
    with cluster_pods() as cluster:
        cluster.start()
        cluster.until_whole()
        write(cluster, "first")
        for pod in cluster.servers:
            pod.signal(signal.SIGSTOP)
        for pod in cluster.servers:
            pod.kill()
        for pod in cluster.servers[1:]:
            pod.move()
            pod.start()
        until_another(cluster, cluster.servers[0], 0)
        assert kept(cluster) == {"first"}


@pytest.mark.parametrize("number", [0, 3], ids=["a primary", "a replica"])
def test_a_volume_is_lost(number: int) -> None:
    """Whoever had it comes back as somebody new, follows whom nobody else follows, and has everything; who it was
    is forgotten."""
    with cluster_pods() as cluster:
        cluster.start()
        cluster.until_whole()
        write(cluster, "first")
        lost = cluster.servers[number]
        old = lost.ask("chat", "CLUSTER", "MYID")
        lost.kill()
        lost.fresh()
        lost.move()
        lost.start()
        cluster.until_whole()
        assert not lost.primary
        assert kept(cluster) == {"first"}
        assert all(old not in str(pod.ask("chat", "CLUSTER", "NODES")) for pod in cluster.servers)


def test_the_volumes_of_a_primary_and_its_replica_are_lost() -> None:
    """What was in their pools is gone, and nothing else: they begin anew, and so do these pools."""
    with cluster_pods() as cluster:
        cluster.start()
        cluster.until_whole()
        write(cluster, "first")
        both = [cluster.servers[1], cluster.servers[4]]
        for pod in both:
            pod.kill()
        for pod in both:
            pod.fresh()
            pod.start()
        cluster.until_whole()
        assert cluster.pools() == cluster.servers[:3] * (POOLS // 3)
        assert kept(cluster) == {"first", None}


def test_most_primaries_are_gone_at_once() -> None:
    """Nobody is left to vote for their replicas: those take over when they are told to, as docs/operations.md
    says, with what they have; who comes back follows them."""
    takeover = "redis-cli --user keeper cluster failover takeover"
    assert takeover in (ROOT / "docs" / "operations.md").read_text()
    with cluster_pods() as cluster:
        cluster.start()
        cluster.until_whole()
        write(cluster, "first")
        lost = cluster.servers[:2]
        heirs = [cluster.replica_of(pod) for pod in lost]
        for pod in lost:
            pod.kill()
        for pod in heirs:
            until(lambda p=pod: p.says("cluster")["cluster_state"] == "fail", "it is noticed")
        for pod in heirs:
            pod.ask("keeper", *takeover.split()[3:])
        assert set(cluster.pools()) == {*heirs, cluster.servers[2]}
        for pod in cluster.pools():
            until(lambda p=pod: p.says("cluster")["cluster_state"] == "ok", "it goes on")
        assert kept(cluster) == {"first"}
        for pod in lost:
            pod.start()
        cluster.until_whole()
        assert all(pod.primary for pod in heirs)
