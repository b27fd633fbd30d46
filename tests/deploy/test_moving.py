"""k8s/overlays/cluster/move.py: a pool moves to another primary in one piece, whatever happens meanwhile."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from layout import slot_of
from tests.deploy.cluster_pods import PASSWORDS, POOLS, Cluster, RedisPod, cluster_pods
from tests.deploy.pods import until
from tests.support.balancer import replaced

POOL = 3
KEYS = 3000
# Says no where it finds only a part of the pool, as the functions of the nodes cannot.
LIBRARY = """#!lua name=test
redis.register_function('test_count', function(keys)
    if redis.call('EXISTS', keys[1] .. ':first') + redis.call('EXISTS', keys[1] .. ':last') ~= 2 then
        return redis.error_reply('HALF of the pool is here')
    end
    return redis.call('HINCRBY', keys[1] .. ':count', 'n', 1)
end)
"""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """One that is whole, with something in the pool."""
    with cluster_pods() as made:
        made.start()
        made.until_whole()
        for pod in made.servers[:3]:
            pod.ask("chat", "FUNCTION", "LOAD", LIBRARY)
        fill(made.pools()[POOL])
        yield made


def fill(primary: RedisPod) -> None:
    url = f"redis://chat:{PASSWORDS['chat']}@{primary.host}:{primary.port}"
    with redis.Redis.from_url(url) as client, client.pipeline(transaction=False) as pipe:
        for number in range(KEYS):
            pipe.hset(f"chat:{{{POOL}}}:account:{number}", "nick", str(number))
        pipe.xadd(f"chat:{{{POOL}}}:inbox:1", {"push": "é"}, id="7-0")
        pipe.pexpire(f"chat:{{{POOL}}}:inbox:1", 600_000)
        for name in ("first", "last"):
            pipe.hset(f"chat:{{{POOL}}}:{name}", "a", "1")
        pipe.execute()


def move(cluster: Cluster, pool: int, to: RedisPod) -> subprocess.CompletedProcess[str]:
    return cluster.keeper.run("move.py", str(pool), to.host)


class Caller(threading.Thread):
    """Somebody who calls a function all the time, wherever the servers say."""

    def __init__(self, first: RedisPod) -> None:
        super().__init__()
        self.confirmed = 0
        self.refused: set[str] = set()
        self.enough = threading.Event()
        self._place = first.host, first.port

    def run(self) -> None:
        while not self.enough.is_set():
            self._call()

    def _call(self) -> None:
        call = ("FCALL", "test_count", 1, f"chat:{{{POOL}}}")
        try:
            with self._client(*self._place) as client:
                client.execute_command(*call)
        except redis.exceptions.AskError as error:
            with self._client(error.host, error.port) as client, client.pipeline(False) as pipe:
                pipe.execute_command("ASKING")
                pipe.execute_command(*call)
                pipe.execute()
        except redis.exceptions.MovedError as error:
            self._place = error.host, error.port
            return
        except redis.ResponseError as error:
            self.refused.add(str(error))
            return
        self.confirmed += 1

    def _client(self, host: str, port: int) -> redis.Redis:
        login = {"username": "chat", "password": PASSWORDS["chat"]}
        return redis.Redis(host, port, **login)  # type: ignore[arg-type]


@contextmanager
def calling(first: RedisPod) -> Iterator[Caller]:
    caller = Caller(first)
    caller.start()
    try:
        yield caller
    finally:
        caller.enough.set()
        caller.join()


def all_is_there(primary: RedisPod) -> None:
    assert primary.ask("chat", "HGET", f"chat:{{{POOL}}}:account:{KEYS - 1}", "nick") == str(
        KEYS - 1
    )
    inbox = f"chat:{{{POOL}}}:inbox:1"
    assert [one[0] for one in primary.ask("chat", "XRANGE", inbox, "-", "+")] == ["7-0"]
    assert 500_000 < primary.ask("chat", "PTTL", inbox) <= 600_000


def test_a_pool_is_moved_while_people_write(cluster: Cluster) -> None:
    """Nobody finds half of it, whatever was confirmed is there, and the old primary keeps nothing of it."""
    old, new = cluster.pools()[POOL], cluster.servers[1]
    with calling(old) as caller:
        until(lambda: caller.confirmed > 20, "it is under way")
        done = move(cluster, POOL, new)
        assert done.returncode == 0, done.stdout + done.stderr
        so_far = caller.confirmed
        until(lambda: caller.confirmed > so_far + 20, "it goes on")
    assert not caller.refused
    cluster.until_whole()
    assert cluster.pools()[POOL] is new
    assert int(new.ask("chat", "HGET", f"chat:{{{POOL}}}:count", "n")) == caller.confirmed
    all_is_there(new)
    listed = cluster.keeper.run("move.py").stdout.splitlines()
    assert len(listed) == POOLS
    assert f"{new.place}  {KEYS + 4} keys" in listed[POOL]
    again = move(cluster, POOL, new)
    assert "is there" in again.stdout
    assert "NOPERM" not in cluster.keeper.log()


def test_key_by_key_a_function_would_find_half_of_it(cluster: Cluster) -> None:
    """The usual way, as `redis-cli --cluster reshard` begins it: that is why there is another one."""
    old, new = cluster.pools()[POOL], cluster.servers[1]
    setslot = ("CLUSTER", "SETSLOT", slot_of(POOL))
    new.ask("keeper", *setslot, "IMPORTING", old.ask("chat", "CLUSTER", "MYID"))
    old.ask("keeper", *setslot, "MIGRATING", new.ask("chat", "CLUSTER", "MYID"))
    with calling(old) as caller:
        until(lambda: caller.refused, "it has called")
    assert caller.confirmed == 0
    assert "HALF" in str(caller.refused)


@pytest.mark.parametrize(
    "before",
    ['self._set(old, "MIGRATING"', 'self._set(new, "NODE"'],
    ids=["while it is copied", "when it is copied"],
)
def test_it_is_killed_in_the_middle(cluster: Cluster, before: str) -> None:
    """The same command again ends it well, and what was written meanwhile is there."""
    old, new = cluster.pools()[POOL], cluster.servers[1]
    script = cluster.given / "move.py"
    text = script.read_text()
    script.write_text(replaced(text, (before, f"os._exit(9), {before}")))
    with calling(old) as caller:
        until(lambda: caller.confirmed > 20, "it is under way")
        assert move(cluster, POOL, new).returncode == 9
        script.write_text(text)
        if "NODE" in before:
            so_far = caller.confirmed
            until(lambda: caller.confirmed > so_far + 20, "it goes on where it was sent")
        done = move(cluster, POOL, new)
        assert done.returncode == 0, done.stdout + done.stderr
        so_far = caller.confirmed
        until(lambda: caller.confirmed > so_far + 20, "it goes on")
    assert not caller.refused
    cluster.until_whole()
    assert cluster.pools()[POOL] is new
    assert int(new.ask("chat", "HGET", f"chat:{{{POOL}}}:count", "n")) == caller.confirmed
    all_is_there(new)


def test_it_takes_too_long(cluster: Cluster) -> None:
    """Then it is where it was, nobody waits any more, and the other primary has nothing of it."""
    old, new = cluster.pools()[POOL], cluster.servers[1]
    script = cluster.given / "move.py"
    script.write_text(replaced(script.read_text(), ("PAUSE_SECONDS = 30", "PAUSE_SECONDS = 5")))
    done = move(cluster, POOL, new)
    assert done.returncode == 1
    assert "too long" in done.stderr
    assert "chat:" not in done.stderr
    with calling(old) as caller:
        until(lambda: caller.confirmed > 20, "nobody waits")
    assert cluster.pools()[POOL] is old
    all_is_there(old)
    assert "[" not in str(new.ask("chat", "CLUSTER", "NODES")).replace("[]", "").split("myself")[0]


def test_it_says_what_cannot_be(cluster: Cluster) -> None:
    """A replica cannot have a pool, nor can somebody who does not answer."""
    for host in (cluster.servers[3].host, "redis-9"):
        done = cluster.keeper.run("move.py", str(POOL), host)
        assert done.returncode == 1
        assert done.stderr.startswith("move: ")
        assert len(done.stderr.splitlines()) == 1


def test_it_grows(cluster: Cluster) -> None:
    """Two more pods: one is a primary without slots, the other follows it, and a pool is moved to them."""
    cluster.grow(primaries=4, size=8)
    new, follower = cluster.servers[6:]

    def joined() -> bool:
        said = new.says("replication")
        if said.get("connected_slaves") != "1" or new.says("cluster")["cluster_state"] != "ok":
            return False
        return cluster.replica_of(new) is follower

    until(joined, "the new ones are a pair, and ready")
    done = move(cluster, POOL, new)
    assert done.returncode == 0, done.stdout + done.stderr
    cluster.until_whole(primaries=4)
    assert cluster.pools()[POOL] is new
    all_is_there(new)
    until(lambda: "all is whole" in cluster.keeper.log_since_start(), "the keeper leaves it so")
    new.kill()
    until(lambda: cluster.pools()[POOL] is follower, "its replica has taken over")
    all_is_there(follower)
