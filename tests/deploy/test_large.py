"""k8s/overlays/large, run for real as far as one machine can: its scripts start Redis and sentinels with its own
files, who find each other, fail over, come back, and are found by nodes. See pods.py."""

import asyncio
import hashlib
import re

import pytest
import redis

from tests.deploy.pods import (
    DIGESTS,
    LARGE,
    NAME,
    PASSWORDS,
    PATIENCE,
    Cluster,
    Pod,
    pods,
    until,
    until_equal,
)
from tests.support.balancer import replaced
from tests.support.nodes import NO_LIMITS, ROOT, NodeProcess
from tests.support.sentinels import Sentinel
from tests.support.wire import pair

QUICK = {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "0.8", "CHAT_NODE_LEASE_SECONDS": "4"}


async def go_on(cluster: Cluster, node: NodeProcess, other: NodeProcess, lose: Pod) -> None:
    """Two talk while that Redis is killed; what is confirmed arrives."""
    a, b, session = await pair(node.url, other.url)
    assert (await a.say(session, "before"))["code"] == 0
    await b.expect("PUSH_DIALOGUE_REQ", content="before")
    await asyncio.to_thread(until_equal, cluster, lose)
    lose.kill()
    retry = None
    async with asyncio.timeout(PATIENCE):
        while (await a.say(session, "meanwhile", "r", retry))["code"] != 0:
            retry = True
            await a.nothing()
    await b.expect("PUSH_DIALOGUE_REQ", content="meanwhile")


def test_the_primary_is_lost_and_comes_back() -> None:
    """The first is the primary at first. When it is killed people go on talking with the next, and started
    again it is a replica from its first moment. Nobody lacks a permission for any of it."""
    with pods() as cluster:
        cluster.start()
        old = cluster.until_whole()
        assert old is cluster.servers[0]
        with NodeProcess(cluster.url, QUICK) as node, NodeProcess(cluster.url, QUICK) as other:
            asyncio.run(go_on(cluster, node, other, old))
        new = cluster.until_moved(old)
        old.start()
        assert cluster.until_whole() is new
        assert f"redis.sh: {old.place} starts; the primary is {new.place}" in old.log_since_start()
        for pod in [*cluster.servers, *cluster.sentinels]:
            assert "NOPERM" not in pod.log()
            assert "NOAUTH" not in pod.log()
            assert "WRONGPASS" not in pod.log()


def test_all_are_gone_at_once() -> None:
    """They come back as they were, in any order: a Redis waits until most sentinels answer, and a sentinel knows
    what it knew, or asks the others. One that comes first and has forgotten everything decides nothing."""
    with pods(down_after=5000) as cluster:  # so nobody takes over again on a busy machine
        cluster.start()
        old = cluster.until_whole()
        old.kill()
        cluster.until_moved(old)
        old.start()
        new = cluster.until_whole()
        assert new is not old
        for pod in [*cluster.servers, *cluster.sentinels]:
            pod.kill()
        conf = old.given / "sentinel.conf"  # of all of them; as long as a pod may take
        conf.write_text(
            replaced(conf.read_text(), ("milliseconds chat 5000", "milliseconds chat 30000"))
        )
        for pod in cluster.servers:
            pod.start()
        cluster.waiting_for_sentinels(0)
        forgetful = cluster.sentinels[2]
        forgetful.fresh()
        forgetful.start()
        cluster.waiting_for_sentinels(1)
        assert cluster.named() == {cluster.servers[0].place}
        for pod in cluster.sentinels[:2]:
            pod.start()
        cluster.hurry()
        assert cluster.until_whole() is new


def test_all_are_gone_at_once_and_the_primary_for_good() -> None:
    """Another one takes over, with what it has, also where sentinels that started before there were names have
    forgotten the replicas."""
    with pods() as cluster:
        cluster.start()
        old = cluster.until_whole()
        old.ask("chat", "HSET", "chat:kept", "a", "1")
        until_equal(cluster, old)
        for pod in [*cluster.sentinels, *cluster.servers]:
            pod.kill()
        for pod in cluster.sentinels:
            file = pod.data / "sentinel.conf"
            known = "sentinel known-replica chat"
            text = re.sub(rf"(?m)^{known} .*$", f"{known} {NAME} {old.port}", file.read_text())
            assert text.count(known) == 2
            file.write_text(text)
        for pod in [*cluster.sentinels, *cluster.servers[1:]]:
            pod.start()
        cluster.hurry()
        new = cluster.until_moved(old)
        until(lambda: cluster.role(new) == "master", "it has taken over")
        assert new.ask("chat", "HGETALL", "chat:kept") == {"a": "1"}


def test_sentinels_without_their_volumes() -> None:
    """They watch the Redis that acts as the primary, not the first one."""
    with pods() as cluster:
        cluster.start()
        old = cluster.until_whole()
        old.kill()
        new = cluster.until_moved(old)
        old.start()
        cluster.until_whole()
        cluster.kill_sentinels(new)
        for pod in cluster.sentinels:
            pod.fresh()
            pod.start()
        cluster.hurry()
        assert cluster.until_whole() is new
        assert f"is new here; the primary is {new.place}" in cluster.sentinels[0].log_since_start()


def test_a_primary_without_its_volume() -> None:
    """It does not come back as an empty primary, from which the replicas would copy nothing: it waits until one
    of them has taken over, and nothing is forgotten."""
    with pods() as cluster:
        cluster.start()
        old = cluster.until_whole()
        old.ask("chat", "HSET", "chat:kept", "a", "1")
        until_equal(cluster, old)
        old.kill()
        old.fresh()
        old.start()
        new = cluster.until_moved(old)
        cluster.until_whole()
        assert "but without data" in old.log_since_start()
        for pod in cluster.servers:
            assert pod.ask("chat", "HGETALL", "chat:kept") == {"a": "1"}
        assert cluster.role(new) == "master"


def test_nobody_may_do_more_than_their_part() -> None:
    """Nodes ask a sentinel one question, replicas another; neither replicas nor sentinels read data."""
    with pods() as cluster:
        cluster.start()
        primary, sentinel = cluster.until_whole(), cluster.sentinels[0]
        for user, pod, command in (
            ("chat", sentinel, "SENTINEL FAILOVER chat"),
            ("chat", sentinel, "SENTINEL SET chat quorum 1"),
            ("chat", sentinel, "SENTINEL REMOVE chat"),
            ("chat", sentinel, "SENTINEL RESET chat"),
            ("replica", sentinel, "SENTINEL FAILOVER chat"),
            ("sentinel", sentinel, "SENTINEL SET chat quorum 1"),
            ("chat", primary, "REPLICAOF NO ONE"),
            ("chat", primary, "PSYNC ? -1"),
            ("replica", primary, "HGETALL chat:{0}:last"),
            ("replica", primary, "REPLICAOF NO ONE"),
            ("sentinel", primary, "HGETALL chat:{0}:last"),
            ("sentinel", primary, "PSYNC ? -1"),
            ("sentinel", primary, "SSUBSCRIBE chat:{0}:push:1"),
            ("sentinel", primary, "CONFIG GET *"),
            ("sentinel", primary, "SHUTDOWN"),
        ):
            with pytest.raises(redis.exceptions.NoPermissionError):
                pod.ask(user, *command.split())


def test_the_primary_is_moved_on_purpose() -> None:
    """With the login that docs/operations.md and sentinel.conf say, after which it takes no writes."""
    pause, failover = "client pause 15000 write", "sentinel failover chat"
    for page in (ROOT / "docs" / "operations.md", ROOT / "deploy" / "redis" / "sentinel.conf"):
        for command in (pause, failover):
            assert re.search(rf"redis-cli --user sentinel .*{command}", page.read_text())
    with pods(down_after=20_000) as cluster:  # so it is not taken for dead
        cluster.start()
        old = cluster.until_whole()
        old.ask("chat", "HSET", "chat:kept", "a", "1")
        assert old.ask("sentinel", *pause.split()) in (True, "OK")

        def begins() -> bool:
            """A sentinel that has just come knows its replicas, and not yet how they are: it says so."""
            try:
                return cluster.sentinels[1].ask("sentinel", *failover.split()) in (True, "OK")
            except redis.ResponseError as error:
                if "NOGOODSLAVE" not in str(error):
                    raise
                return False

        until(begins, "the sentinel knows how its replicas are")
        new = cluster.until_moved(old)
        assert cluster.until_whole() is new
        assert new.ask("chat", "HGETALL", "chat:kept") == {"a": "1"}


def test_all_passwords_are_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody gets them at once, as docs/operations.md says, and finds the others with what there was."""
    with pods() as cluster:
        cluster.start()
        old = cluster.until_whole()
        old.ask("chat", "HSET", "chat:kept", "a", "1")
        until_equal(cluster, old)
        everybody = [*cluster.servers, *cluster.sentinels]
        for pod in everybody:
            pod.stop(timeout=30)
        users = old.given / "made" / "users.acl"
        for user, name in (("chat", "PASSWORD"), ("replica", "REPLICA"), ("sentinel", "SENTINEL")):
            monkeypatch.setitem(PASSWORDS, user, f"new-{PASSWORDS[user]}")
            digest = hashlib.sha256(PASSWORDS[user].encode()).hexdigest()
            users.write_text(replaced(users.read_text(), (DIGESTS[f"{name}_SHA256"], digest)))
            cluster.env[f"{name}_SHA256"] = digest
        cluster.env["REPLICA_PASSWORD"] = PASSWORDS["replica"]
        cluster.env["SENTINEL_PASSWORD"] = PASSWORDS["sentinel"]
        cluster.start()
        new = cluster.until_whole()
        for pod in cluster.servers:
            assert pod.ask("chat", "HGETALL", "chat:kept") == {"a": "1"}
        with NodeProcess(cluster.url, QUICK) as node:
            asyncio.run(meet(node))
        assert cluster.role(new) == "master"


async def meet(node: NodeProcess) -> None:
    await pair(node.url, node.url)


def test_by_hand_as_the_file_says() -> None:
    """deploy/redis/sentinel.conf with its words replaced."""
    conf = (ROOT / "deploy" / "redis" / "sentinel.conf").read_text()
    words = re.findall(r"\b(?:[A-Z]+_)+[A-Z0-9]+\b", re.sub(r"^#.*$", "", conf, flags=re.MULTILINE))
    assert set(words) == {"SELF_HOST", "PRIMARY_HOST", "SENTINEL_PASSWORD", *DIGESTS}
    with pods() as cluster:
        cluster.start()
        old = cluster.until_whole()
        conf = replaced(
            (cluster.sentinels[0].given / "sentinel.conf").read_text(),
            ("SELF_HOST", NAME), ("PRIMARY_HOST 6379", f"{NAME} {old.port}"),
            ("port 26379", ""), ("SENTINEL_PASSWORD", PASSWORDS["sentinel"]), *DIGESTS.items(),
        )  # fmt: skip
        login = f"sentinel:{PASSWORDS['sentinel']}@"
        with Sentinel("redis", conf, login) as fourth:
            until(lambda: fourth.sees()["num-slaves"] == "2", "it has found the replicas")
            assert fourth.sees()["flags"] == "master"
            assert fourth.primary() == old.port


def test_the_configuration_is_that_of_deploy() -> None:
    """One file, in two places, because kustomize takes none from elsewhere."""
    assert (LARGE / "sentinel.conf").read_text() == (
        ROOT / "deploy/redis/sentinel.conf"
    ).read_text()
