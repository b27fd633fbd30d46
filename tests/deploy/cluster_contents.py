"""What is written into a cluster of pods, where it is copied to, what is left of it, and who is in it."""

from typing import Any

from tests.deploy.cluster_pods import Cluster, RedisPod
from tests.deploy.pods import until


def write(cluster: Cluster, value: str) -> None:
    """Something in each pool, which its replica has too."""
    for pool, primary in enumerate(cluster.pools()):
        primary.ask("chat", "HSET", f"chat:{{{pool}}}:kept", "a", value)
    for primary in cluster.servers[:3]:
        copied(primary, cluster.replica_of(primary))


def copied(primary: RedisPod, replica: RedisPod) -> None:
    """Return when the replica has all that its primary has by now."""
    offset = int(primary.says("replication")["master_repl_offset"])
    until(lambda: int(replica.says("replication")["slave_repl_offset"]) >= offset, "it is copied")


def kept(cluster: Cluster) -> set[Any]:
    """What there is of all pools together."""
    return {
        primary.ask("chat", "HGET", f"chat:{{{pool}}}:kept", "a")
        for pool, primary in enumerate(cluster.pools())
    }


def until_another(cluster: Cluster, old: RedisPod, pool: int) -> RedisPod:
    """Return another primary of that pool than this."""
    until(lambda: cluster.pools()[pool] is not old, "its replica has taken over")
    return cluster.pools()[pool]


def ids(cluster: Cluster) -> list[str]:
    return [str(pod.ask("chat", "CLUSTER", "MYID")) for pod in cluster.servers]


def nobody_lacks_a_permission(cluster: Cluster) -> None:
    for pod in [*cluster.servers, cluster.keeper]:
        for word in ("NOPERM", "NOAUTH", "WRONGPASS", "no permissions"):
            assert word not in pod.log()
