"""The pods of k8s/overlays/cluster as far as one machine can: its scripts start Redis and the keeper with its own
files. Each Redis has a name that stays and an address that may change: loopback has many."""

import os
import re
import shutil
import subprocess
import sys
from binascii import crc_hqx
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import pytest
import redis

from tests.deploy.pods import BASE, SEVERAL, digest, make_users, until
from tests.support.balancer import replaced
from tests.support.nodes import ROOT
from tests.support.process import HOST, Process, free_port, is_free
from tests.support.servers import find_binary

CLUSTER = ROOT / "k8s" / "overlays" / "cluster"
PASSWORDS = {"chat": "of-nodes", "replica": "of-replicas", "keeper": "of-the-keeper"}
POOLS = 6
SLOTS = 16384
BUS = 10_000
FIRST_OUTGOING = 32_768


def two_free_ports() -> int:
    """A free port, for which the one of the bus is no port that outgoing connections take."""
    while True:
        port = free_port()
        bus = port + BUS
        if bus < FIRST_OUTGOING and is_free(bus):
            return port


class RedisPod(Process):
    """A container with one Redis. Its volume, ``data``, is kept over restarts; ``fresh`` gives it a new one."""

    def __init__(self, number: int, given: Path) -> None:
        super().__init__(f"redis-{number}")
        self.port = two_free_ports()
        self.host = f"127.0.1.{number + 1}"
        self.address = f"127.0.2.{number + 1}"
        self.given = given
        self.alone = False
        """As in base/: no cluster."""
        for volume in ("data", "made"):
            (self.directory / volume).mkdir()

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "SELF": self.place,
            "ADDRESS": self.address,
            "GIVEN": str(self.given),
            "DATA": str(self.data),
            "MADE": str(self.directory / "made"),
            "REPLICA_PASSWORD": PASSWORDS["replica"],
            "KEEPER_PASSWORD": PASSWORDS["keeper"],
        }

    def start(self) -> Self:
        """Start it; how far it gets is for the test to see."""
        script = (self.given / "redis.sh").read_text()
        bind = (
            f'echo "bind {HOST} {self.host} {self.address}"\n    echo "include $GIVEN/redis.conf"'
        )
        own = self.directory / "redis.sh"
        script = replaced(script, ('echo "include $GIVEN/redis.conf"', bind))
        if self.alone:
            script = replaced(script, ("include $GIVEN/cluster.conf", ""))
        own.write_text(script)
        self._launch(["/bin/sh", str(own)], env=self.env)
        return self

    def hand_over(self) -> None:
        """What preStop does."""
        command = ["/bin/sh", str(self.given / "stop.sh")]
        subprocess.run(command, env=self.env, check=True, timeout=30)

    def move(self) -> None:
        """Its next start is at another address."""
        _, _, net, number = self.address.split(".")
        self.address = f"127.0.{int(net) + 1}.{number}"

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

    def says(self, section: str) -> dict[str, str]:
        """INFO of a section, or CLUSTER INFO."""
        question = ("CLUSTER", "INFO") if section == "cluster" else ("INFO", section)
        said = self.ask("chat", *question) if self.running else None
        if isinstance(said, dict):
            return {name: str(value) for name, value in said.items()}
        return dict(line.split(":", 1) for line in (said or "").splitlines() if ":" in line)

    @property
    def primary(self) -> bool:
        return self.says("replication").get("role") == "master"


class KeeperPod(Process):
    """The container of the keeper."""

    def __init__(self, given: Path, env: Mapping[str, str]) -> None:
        super().__init__("keeper")
        self.given = given
        self.env = dict(env)

    def start(self) -> Self:
        env = {"PATH": os.environ["PATH"], "KEEPER_PASSWORD": PASSWORDS["keeper"], **self.env}
        env["PYTHONDONTWRITEBYTECODE"] = "1"
        self._launch([sys.executable, str(self.given / "keeper.py")], env=env)
        return self

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """As `kubectl exec` does it in that container."""
        env = {**os.environ, "KEEPER_PASSWORD": PASSWORDS["keeper"], **self.env}
        command = [sys.executable, str(self.given / script), *arguments]
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=60, check=False
        )


class Cluster:
    """Some Redis and a keeper, not started."""

    def __init__(self, given: Path, size: int) -> None:
        self.given = given
        self.servers = [RedisPod(number, given) for number in range(size)]
        self.keeper = KeeperPod(given, {"CHAT_POOLS": str(POOLS)})
        self.keep(3)

    def keep(self, primaries: int) -> None:
        """What the keeper is told when it starts next."""
        places = " ".join(pod.place for pod in self.servers)
        self.keeper.env |= {"PRIMARIES": str(primaries), "PEERS": places}

    def start(self) -> None:
        for pod in self.servers:
            pod.start()
        self.keeper.start()

    def grow(self, primaries: int, size: int) -> None:
        """More pods, as the StatefulSet makes them, and the keeper knows of it."""
        self.keeper.stop()
        added = [RedisPod(number, self.given) for number in range(len(self.servers), size)]
        self.servers += added
        for pod in added:
            pod.start()
        self.keep(primaries)
        self.keeper.start()

    def shrink(self, primaries: int, size: int) -> None:
        """The last ones go, and the keeper does not know them any more."""
        self.keeper.stop()
        for pod in self.servers[size:]:
            pod.close()
        del self.servers[size:]
        self.keep(primaries)
        self.keeper.start()

    def close(self) -> None:
        for pod in [self.keeper, *self.servers]:
            pod.close()

    def owners(self) -> dict[int, RedisPod]:
        """Who has which slot, when all who answer agree on it; otherwise nothing."""
        told = [slots_of(pod) for pod in self.servers if pod.running]
        if not told or any(one != told[0] for one in told):
            return {}
        pods = {pod.host: pod for pod in self.servers}
        return {slot: pods[host] for slot, host in told[0].items() if host in pods}

    def pools(self) -> list[RedisPod]:
        """The primary of each pool, as soon as all agree."""
        found: list[RedisPod] = []

        def agreed() -> bool:
            owners = self.owners()
            slots = [crc_hqx(str(pool).encode(), 0) % SLOTS for pool in range(POOLS)]
            found[:] = [owners[slot] for slot in slots if slot in owners]
            return len(found) == POOLS

        until(agreed, "every pool has a primary")
        return found

    @contextmanager
    def second_keeper(self) -> Iterator[KeeperPod]:
        """Another one beside it, as while a pod is replaced."""
        with KeeperPod(self.given, self.keeper.env) as second:
            yield second

    def whole(self, primaries: int = 3) -> bool:
        """All slots have a primary, and each primary the same number of replicas, in step."""
        owners = self.owners()
        if len(owners) < SLOTS or len(set(owners.values())) != primaries:
            return False
        wanted = len(self.servers) // primaries - 1
        for pod in self.servers:
            if pod.says("cluster").get("cluster_state") != "ok":
                return False
            if pod.says("cluster")["cluster_known_nodes"] != str(len(self.servers)):
                return False
            said = pod.says("replication")
            if said["role"] == "master":
                states = [said.get(f"slave{one}", "") for one in range(wanted)]
                if said["connected_slaves"] != str(wanted) or not all(
                    "online" in s for s in states
                ):
                    return False
            elif said["master_link_status"] != "up":
                return False
        return True

    def until_whole(self, primaries: int = 3) -> dict[int, RedisPod]:
        """Return who has which slot, once everything is as it should be."""
        until(lambda: self.whole(primaries), "the cluster is whole")
        return self.owners()

    def replica_of(self, primary: RedisPod) -> RedisPod:
        """The one that follows it."""
        said = primary.says("replication")["slave0"]
        return next(pod for pod in self.servers if re.search(rf"port\W+{pod.port}\b", said))


def slots_of(pod: RedisPod) -> dict[int, str]:
    """The name of the primary of each slot, as that pod tells it to a node."""
    said = pod.ask("chat", "CLUSTER", "SLOTS") or []
    return {
        slot: str(owner[0])
        for first, last, owner, *_ in said
        for slot in range(int(first), int(last) + 1)
    }


def unfold(directory: Path) -> None:
    """What the ConfigMaps and the init container make, for this machine."""
    for source in (BASE / "users.acl", SEVERAL / "replica.acl", CLUSTER / "keeper.acl"):
        shutil.copy(source, directory)
    make_users(
        directory,
        {
            "SHA256": digest(PASSWORDS["chat"]),
            "REPLICA_SHA256": digest(PASSWORDS["replica"]),
            "KEEPER_SHA256": digest(PASSWORDS["keeper"]),
        },
    )
    for source in [SEVERAL / "replication.conf", *CLUSTER.glob("*.sh"), *CLUSTER.glob("*.py")]:
        shutil.copy(source, directory)
    conf = (BASE / "redis.conf").read_text()
    conf = replaced(conf, ("/etc/redis/users.acl", str(directory / "made" / "users.acl")))
    (directory / "redis.conf").write_text(conf)
    conf = (CLUSTER / "cluster.conf").read_text()
    conf = replaced(conf, ("cluster-node-timeout 5000", "cluster-node-timeout 2000"))
    (directory / "cluster.conf").write_text(conf)


@contextmanager
def cluster_pods(size: int = 6) -> Iterator[Cluster]:
    if find_binary("redis") is None or shutil.which("redis-cli") is None:
        pytest.skip("there is no redis on this machine")
    with ExitStack() as stack:
        given = Path(stack.enter_context(TemporaryDirectory()))
        unfold(given)
        cluster = Cluster(given, size)
        stack.callback(cluster.close)
        yield cluster
