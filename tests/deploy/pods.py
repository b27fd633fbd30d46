"""The pods of k8s/overlays/large as far as one machine can: its scripts start Redis and sentinels with its own
files. Pods are processes with a port each."""

import hashlib
import os
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

from tests.support.balancer import replaced
from tests.support.nodes import ROOT
from tests.support.process import HOST, Process, free_port, wait_until
from tests.support.sentinels import IMPATIENT
from tests.support.servers import find_binary

BASE = ROOT / "k8s" / "base"
LARGE, SEVERAL = ROOT / "k8s" / "overlays" / "large", ROOT / "k8s" / "overlays" / "several"
PASSWORDS = {"chat": "of-nodes", "replica": "of-replicas", "sentinel": "of-sentinels"}


def digest(password: str) -> str:
    """What Redis keeps of it."""
    return hashlib.sha256(password.encode()).hexdigest()


DIGESTS = {
    f"{name}_SHA256": digest(PASSWORDS[user])
    for name, user in (("PASSWORD", "chat"), ("REPLICA", "replica"), ("SENTINEL", "sentinel"))
}
NAME = "localhost"
"""As in a cluster, everybody has a name, no address."""
PATIENCE = 40
LINES = 12
"""Of a log, where something did not happen."""


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

    def waiting_for_sentinels(self, answering: int) -> None:
        """Return once every Redis has said that it waits, since no more of them answer."""
        said = f"{answering} of 3 sentinels answer"
        for pod in self.servers:
            until(lambda pod=pod: said in pod.log_since_start(), f"it says: {said}")

    def kill_sentinels(self, primary: Pod) -> None:
        """Return once nothing is under way that they said, from the primary to its replicas either: who comes after
        them, in the same place and with a new name, would take it for what another says, and count itself twice."""
        for pod in self.sentinels:
            pod.kill()
        for pod in self.servers:
            until(lambda pod=pod: self._alone(pod), "it has read all and knows that they are gone")
        until_equal(self, primary)

    def _alone(self, pod: Pod) -> bool:
        said = pod.ask("chat", "INFO", "clients")
        others = 0 if self.role(pod) == "master" else 1  # a replica counts its primary
        return said is not None and said["connected_clients"] == 1 + others

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

        try:
            wait_until(whole, "one primary, and replicas in step", timeout=PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.told()}") from None
        (primary,) = [pod for pod in self.servers if self.role(pod) == "master"]
        return primary

    def told(self) -> str:
        """How everybody sees it, and what they have logged last."""
        seen: list[tuple[Pod, object]] = [(pod, self.role(pod)) for pod in self.servers]
        seen += [(pod, pod.sees()) for pod in self.sentinels]
        lines: list[str] = []
        for pod, what in seen:
            lines += [f"{pod.place}: {what}", *pod.log_since_start().splitlines()[-LINES:]]
        return "\n".join(lines)

    def until_moved(self, old: Pod) -> Pod:
        """Return another primary than this, once the sentinels name it."""
        wait_until(
            lambda: len(self.named()) == 1 and old.place not in self.named(),
            "it moves",
            timeout=PATIENCE,
        )
        (place,) = self.named()
        return next(pod for pod in self.servers if pod.place == place)


def make_users(directory: Path, digests: Mapping[str, str]) -> None:
    """What the init container does: the list is in a directory of its own then."""
    (directory / "made").mkdir()
    users = {"GIVEN": str(directory), "USERS": str(directory / "made" / "users.acl")}
    script = ["/bin/sh", str(SEVERAL / "users.sh")]
    subprocess.run(script, env={"PATH": os.environ["PATH"], **users, **digests}, check=True)


def unfold(directory: Path, down_after: int) -> None:
    """What the ConfigMaps and the init container make, for this machine: sentinels that look more often."""
    for source in (BASE / "users.acl", SEVERAL / "replica.acl", LARGE / "sentinel.acl"):
        shutil.copy(source, directory)
    make_users(directory, {**DIGESTS, "SHA256": DIGESTS["PASSWORD_SHA256"]})
    shutil.copy(SEVERAL / "replication.conf", directory)
    for name in ("writes.conf", "primary.sh", "redis.sh", "sentinel.sh"):
        shutil.copy(LARGE / name, directory)
    conf = (BASE / "redis.conf").read_text()
    conf = replaced(conf, ("/etc/redis/users.acl", str(directory / "made" / "users.acl")))
    (directory / "redis.conf").write_text(f"{conf}\nbind {HOST}\n")
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


def until_equal(cluster: Cluster, primary: Pod) -> None:
    """Every Redis has all that its primary has by now."""
    mark = secrets.token_hex(4)
    primary.ask("chat", "HSET", "chat:mark", "mark", mark)
    for pod in cluster.servers:
        until(lambda pod=pod: pod.ask("chat", "HGET", "chat:mark", "mark") == mark, "all have it")
