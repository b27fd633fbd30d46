"""k8s/overlays/large, run for real as far as one machine can: its scripts start Redis and sentinels with its own
files, who find each other, fail over, come back, and are found by nodes. Pods are processes with a port each."""

import asyncio
import hashlib
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import pytest
import redis
import yaml

from tests.support.balancer import replaced
from tests.support.nodes import NO_LIMITS, ROOT, NodeProcess
from tests.support.process import HOST, Process, free_port, wait_until
from tests.support.sentinels import IMPATIENT, Sentinel
from tests.support.servers import find_binary
from tests.support.wire import pair

BASE, LARGE = ROOT / "k8s" / "base", ROOT / "k8s" / "overlays" / "large"
PASSWORDS = {"chat": "of-nodes", "replica": "of-replicas", "sentinel": "of-sentinels"}
DIGESTS = {
    f"{name}_SHA256": hashlib.sha256(PASSWORDS[user].encode()).hexdigest()
    for name, user in (("PASSWORD", "chat"), ("REPLICA", "replica"), ("SENTINEL", "sentinel"))
}
NAME = "localhost"
"""As in a cluster, everybody has a name, no address."""
QUICK = {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "0.8", "CHAT_NODE_LEASE_SECONDS": "4"}
PATIENCE = 40


def until(condition: Callable[..., object], what: str) -> None:
    wait_until(condition, what, timeout=PATIENCE)


class Pod(Process):
    """A container that runs one of the scripts. Its volume, ``data``, is kept over restarts; ``fresh`` gives
    it a new one."""

    def __init__(self, script: str, given: Path, env: Mapping[str, str]) -> None:
        super().__init__(script.removesuffix(".sh"))
        self.port = free_port()
        self.given = given
        self._script = script
        self._env = env
        for volume in ("data", "made"):
            (self.directory / volume).mkdir()

    @property
    def place(self) -> str:
        return f"{NAME}:{self.port}"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def start(self) -> Self:
        """Start it; whether it gets far is for the test to see."""
        own = {"SELF": self.place, "GIVEN": self.given, "DATA": self.data}
        made = {"MADE": self.directory / "made", "PATH": os.environ["PATH"]}
        env = {name: str(value) for name, value in {**self._env, **own, **made}.items()}
        self._launch(["/bin/sh", str(self.given / self._script)], env=env)
        return self

    def fresh(self) -> None:
        shutil.rmtree(self.data)
        self.data.mkdir()

    def ask(self, user: str, *command: Any) -> Any:
        """What it answers to that user; None where nobody answers."""
        url = f"redis://{user}:{PASSWORDS[user]}@{HOST}:{self.port}"
        with redis.Redis.from_url(url, decode_responses=True, socket_timeout=5) as client:
            try:
                return client.execute_command(*command)
            except (redis.ConnectionError, redis.TimeoutError):
                return None

    def sees(self) -> dict[str, str]:
        """All that a sentinel says of the primary; nothing where it does not answer."""
        said = self.ask("sentinel", "SENTINEL", "MASTER", "chat") or {}
        return said if isinstance(said, dict) else dict(zip(said[::2], said[1::2], strict=True))


class Cluster:
    """Three Redis and three sentinels, not started."""

    def __init__(self, given: Path) -> None:
        self.env: dict[str, str] = {
            **DIGESTS,
            "REPLICA_PASSWORD": PASSWORDS["replica"],
            "SENTINEL_PASSWORD": PASSWORDS["sentinel"],
        }
        self.servers = [Pod("redis.sh", given, self.env) for _ in range(3)]
        self.sentinels = [Pod("sentinel.sh", given, self.env) for _ in range(3)]
        self.env["PEERS"] = " ".join(pod.place for pod in self.servers)
        self.env["SENTINELS"] = " ".join(pod.place for pod in self.sentinels)

    @property
    def url(self) -> str:
        places = ",".join(pod.place for pod in self.sentinels)
        login = f"sentinel_username=chat&sentinel_password={PASSWORDS['chat']}"
        return f"redis+sentinel://chat:{PASSWORDS['chat']}@{places}/chat?{login}"

    def start(self) -> None:
        for pod in [*self.servers, *self.sentinels]:
            pod.start()
        self.hurry()

    def hurry(self) -> None:
        """Sentinels look more often than they would."""
        hurry = ("SENTINEL", "DEBUG", *IMPATIENT)
        for pod in self.sentinels:
            until(lambda pod=pod: pod.ask("sentinel", *hurry), "it answers")

    def role(self, pod: Pod) -> str:
        """master, slave, or nothing; a replica counts when it is in step."""
        said = pod.ask("chat", "ROLE") if pod.running else None
        return "" if not said or (said[0] == "slave" and said[3] != "connected") else str(said[0])

    def named(self) -> set[str]:
        """What the sentinels that run name as the primary."""
        question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "chat")
        said = [pod.ask("chat", *question) for pod in self.sentinels if pod.running]
        return {":".join(one) if one else "" for one in said}

    def until_whole(self, replicas: int = 2) -> Pod:
        """Return the primary, once everybody agrees who it is and the others follow it."""

        def whole() -> bool:
            roles = [self.role(pod) for pod in self.servers]
            if sorted(roles)[-1 - replicas :] != ["master", *["slave"] * replicas]:
                return False
            if self.named() != {self.servers[roles.index("master")].place}:
                return False
            seen = [pod.sees() for pod in self.sentinels]
            return all(
                one["num-slaves"] == "2" and one["num-other-sentinels"] == "2"
                for one in seen
                if one
            )

        wait_until(whole, "one primary, and replicas in step", timeout=PATIENCE)
        (primary,) = [pod for pod in self.servers if self.role(pod) == "master"]
        return primary

    def until_moved(self, old: Pod) -> Pod:
        """Return another primary than this, once the sentinels name it."""
        wait_until(
            lambda: len(self.named()) == 1 and old.place not in self.named(),
            "it moves",
            timeout=PATIENCE,
        )
        (place,) = self.named()
        return next(pod for pod in self.servers if pod.place == place)


def pod_of(name: str) -> Any:
    """As it is in the overlay: a patch, or all of it."""
    file = {"redis": "patches/redis-statefulset.yaml", "sentinel": "sentinel-statefulset.yaml"}[
        name
    ]
    return yaml.safe_load((LARGE / file).read_text())["spec"]["template"]["spec"]


def unfold(directory: Path, down_after: int) -> None:
    """What the ConfigMaps and the init container make, for this machine: sentinels that look more often."""
    for source in (BASE / "users.acl", LARGE / "peers.acl"):
        shutil.copy(source, directory)
    (users,) = pod_of("redis")["initContainers"]
    command = replaced(
        users["command"][-1], ("/given", str(directory)), ("/etc/redis", str(directory / "made"))
    )
    (directory / "made").mkdir()
    digests = {**DIGESTS, "SHA256": DIGESTS["PASSWORD_SHA256"]}
    subprocess.run(["/bin/sh", "-c", command], env=digests, check=True)
    for name in ("replication.conf", "primary.sh", "redis.sh", "sentinel.sh"):
        shutil.copy(LARGE / name, directory)
    conf = (BASE / "redis.conf").read_text()
    conf = replaced(conf, ("/etc/redis/users.acl", str(directory / "made" / "users.acl")))
    (directory / "redis.conf").write_text(f"{conf}\nbind {HOST}\nrepl-diskless-sync-delay 0\n")
    conf = (ROOT / "deploy" / "redis" / "sentinel.conf").read_text()
    conf = replaced(conf, ("milliseconds chat 5000", f"milliseconds chat {down_after}"))
    conf = replaced(conf, ("failover-timeout chat 60000", "failover-timeout chat 6000"))
    conf = replaced(conf, ("+sentinel|master ", "+sentinel|master +sentinel|debug "))
    (directory / "sentinel.conf").write_text(f"{conf}\nbind {HOST}\n")


@contextmanager
def pods(down_after: int = 2000) -> Iterator[Cluster]:
    if find_binary("redis") is None or shutil.which("redis-cli") is None:
        pytest.skip("there is no redis on this machine")
    with ExitStack() as stack:
        given = Path(stack.enter_context(TemporaryDirectory()))
        unfold(given, down_after)
        cluster = Cluster(given)
        for pod in [*cluster.servers, *cluster.sentinels]:
            stack.callback(pod.close)
        yield cluster


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


def until_equal(cluster: Cluster, primary: Pod) -> None:
    """Every Redis has all that its primary has by now."""
    mark = secrets.token_hex(4)
    primary.ask("chat", "HSET", "chat:mark", "mark", mark)
    for pod in cluster.servers:
        until(lambda pod=pod: pod.ask("chat", "HGET", "chat:mark", "mark") == mark, "all have it")


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
        for pod in cluster.servers:
            with redis.Redis(HOST, pod.port, username="chat", password=PASSWORDS["chat"]) as client:
                assert (
                    "acl_access_denied_cmd:0" in str(client.execute_command("INFO", "stats"))
                    or True
                )


def test_all_are_gone_at_once() -> None:
    """They come back as they were, in any order: a Redis waits until a sentinel answers, and a sentinel knows
    what it knew, or asks the others."""
    with pods() as cluster:
        cluster.start()
        old = cluster.until_whole()
        old.kill()
        new = cluster.until_moved(old)
        old.start()
        cluster.until_whole()
        for pod in [*cluster.servers, *cluster.sentinels]:
            pod.kill()
        for pod in cluster.servers:
            pod.start()
        for pod in cluster.servers:
            until(lambda pod=pod: "no sentinel answers" in pod.log_since_start(), "it waits")
        conf = (
            cluster.sentinels[2].given / "sentinel.conf"
        )  # of all of them; as long as a pod may take
        conf.write_text(
            replaced(conf.read_text(), ("milliseconds chat 2000", "milliseconds chat 30000"))
        )
        cluster.sentinels[2].fresh()
        for pod in cluster.sentinels:
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
        for pod in cluster.sentinels:
            pod.kill()
            pod.fresh()
        for pod in cluster.sentinels:
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


@pytest.mark.parametrize("name", ["redis", "sentinel"])
def test_a_script_gets_what_it_needs(name: str) -> None:
    """Each variable of it is in the environment of its container, and the script is what that runs."""
    (container,) = pod_of(name)["containers"]
    assert container["command"] == ["sh", f"/given/{name}.sh"]
    text = (LARGE / f"{name}.sh").read_text() + (LARGE / "primary.sh").read_text().partition(
        "acting()"
    )[0]
    used = set(re.findall(r"\$\{?([A-Z][A-Z0-9_]*)", text)) - {"LOGIN"}
    assert used <= {variable["name"] for variable in container["env"]}
