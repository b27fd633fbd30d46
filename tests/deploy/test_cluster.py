"""k8s/overlays/cluster, run for real as far as one machine can: its scripts start Redis and the keeper with its own
files. See cluster_pods.py; test_cluster_plan.py has what the keeper decides, and test_moving.py how a pool moves."""

import asyncio
import signal
from typing import Any

import pytest
import redis

from tests.deploy.cluster_pods import PASSWORDS, POOLS, Cluster, RedisPod, cluster_pods
from tests.deploy.pods import PATIENCE, until
from tests.support.nodes import NO_LIMITS, ROOT, NodeProcess
from tests.support.wire import Wire, pair

QUICK = {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "0.8", "CHAT_NODE_LEASE_SECONDS": "4"}


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


async def say_to_all(people: list[tuple[Wire, Wire, int]], word: str) -> None:
    """Each to their partner, again while it is refused, and it arrives once."""
    for one, other, session in people:
        retry = None
        async with asyncio.timeout(PATIENCE):
            while (await one.say(session, word, word, retry))["code"] != 0:
                retry = True
                await one.nothing()
        await other.expect("PUSH_DIALOGUE_REQ", content=word)


def test_people_go_on_whatever_happens_to_their_pool() -> None:
    """A pair in each pool, over two nodes that wait for a replica: while one is moved, while a primary hands over and
    is restarted, when another one is killed and comes back as the replica that is waited for."""
    with cluster_pods() as cluster:
        cluster.start()
        cluster.until_whole()
        servers = cluster.servers
        url = f"redis+cluster://chat:{PASSWORDS['chat']}@{servers[0].place},{servers[4].place}"
        pools = {**QUICK, "CHAT_POOLS": str(POOLS), "CHAT_POOL_ACCOUNTS": "2"}
        pools |= {"CHAT_REPLICAS_TO_WAIT": "1"}
        with NodeProcess(url, pools) as node, NodeProcess(url, pools) as other:

            async def scenario() -> None:
                people = [await pair(node.url, other.url) for _ in range(POOLS)]
                assert {one.account_id % 1000 for one, _, _ in people} == set(range(POOLS))
                await say_to_all(people, "hello")
                moved = await asyncio.to_thread(cluster.keeper.run, "move.py", "0", servers[2].host)
                assert moved.returncode == 0, moved.stderr
                await say_to_all(people, "moved")
                await asyncio.to_thread(servers[1].hand_over)
                await asyncio.to_thread(servers[1].stop)
                servers[1].start()
                await say_to_all(people, "handed over")
                await asyncio.to_thread(copied, servers[2], cluster.replica_of(servers[2]))
                servers[2].kill()
                await asyncio.to_thread(until_another, cluster, servers[2], 2)
                servers[2].start()
                await say_to_all(people, "killed")
                for one, _, session in people:
                    assert (await one.leave(session))["code"] == 0

            asyncio.run(scenario())
        nobody_lacks_a_permission(cluster)


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
