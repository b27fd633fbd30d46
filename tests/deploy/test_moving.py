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
    """Calls a function all the time, as a node does it: it goes where a pool has moved to, and waits on its way."""

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
        except redis.exceptions.MovedError as error:
            self._place = error.host, error.port
            return
        except redis.exceptions.AskError:
            return  # a node waits, and asks again
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


def counted(cluster: Cluster) -> int:
    return int(cluster.pools()[POOL].ask("chat", "HGET", f"chat:{{{POOL}}}:count", "n"))


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
    assert counted(cluster) == caller.confirmed
    all_is_there(new)
    listed = cluster.keeper.run("move.py").stdout.splitlines()
    assert len(listed) == POOLS
    assert f"{new.place}  {KEYS + 4} keys" in listed[POOL]
    again = move(cluster, POOL, new)
    assert "is there" in again.stdout
    assert "NOPERM" not in cluster.keeper.log()


@pytest.mark.parametrize("to", [1, 0], ids=["again", "back"])
def test_it_is_killed_in_the_middle(cluster: Cluster, to: int) -> None:
    """Then the pool stands still, until the same command does it, or the one that says where it is; it is whole."""
    old, new = cluster.pools()[POOL], cluster.servers[1]
    script = cluster.given / "move.py"
    text = script.read_text()
    script.write_text(replaced(text, ("copied += len(keys)", "os._exit(9)")))
    with calling(old) as caller:
        until(lambda: caller.confirmed > 20, "it is under way")
        assert move(cluster, POOL, new).returncode == 9
        script.write_text(text)
        so_far = caller.confirmed
        done = move(cluster, POOL, cluster.servers[to])
        assert done.returncode == 0, done.stdout + done.stderr
        until(lambda: caller.confirmed > so_far + 20, "it goes on")
    assert not caller.refused
    assert cluster.pools()[POOL] is cluster.servers[to]
    assert counted(cluster) == caller.confirmed
    all_is_there(cluster.servers[to])


def test_it_does_not_work(cluster: Cluster) -> None:
    """Then it is where it was, nobody waits any more, and the other primary has nothing of it."""
    old, new = cluster.pools()[POOL], cluster.servers[1]
    script = cluster.given / "move.py"
    script.write_text(
        replaced(script.read_text(), ("copied += len(keys)", "raise OSError('gone')"))
    )
    done = move(cluster, POOL, new)
    assert (done.returncode, done.stderr) == (1, "move: gone\n")
    with calling(old) as caller:
        until(lambda: caller.confirmed > 20, "nobody waits")
    assert cluster.pools()[POOL] is old
    all_is_there(old)
    for pod in (old, new):
        assert "[" not in str(pod.ask("keeper", "CLUSTER", "NODES")).replace("'slots': [[", "")
    assert new.ask("keeper", "CLUSTER", "COUNTKEYSINSLOT", slot_of(POOL)) == 0


def test_the_old_primary_dies_while_it_is_copied(cluster: Cluster) -> None:
    """Its replica has all of the pool, and goes on with it."""
    old, new = cluster.pools()[POOL], cluster.servers[1]
    heir = cluster.replica_of(old)
    until(
        lambda: heir.ask("keeper", "CLUSTER", "COUNTKEYSINSLOT", slot_of(POOL)) == KEYS + 3,
        "it has all",
    )
    script = cluster.given / "move.py"
    script.write_text(
        replaced(script.read_text(), ("copied += len(keys)", f"os.kill({old.pid}, 9)"))
    )
    assert move(cluster, POOL, new).returncode == 1
    until(lambda: cluster.pools()[POOL] is heir, "its replica has taken over")
    all_is_there(heir)
    with calling(heir) as caller:
        until(lambda: caller.confirmed > 20, "it goes on")
    assert not caller.refused


def test_it_says_what_cannot_be(cluster: Cluster) -> None:
    """A replica cannot have a pool, nor can somebody who does not answer."""
    for host in (cluster.servers[3].host, "redis-9"):
        done = cluster.keeper.run("move.py", str(POOL), host)
        assert done.returncode == 1
        assert done.stderr.startswith("move: ")
        assert len(done.stderr.splitlines()) == 1


def test_it_grows_and_shrinks(cluster: Cluster) -> None:
    """Two more pods: one is a primary without slots, the other follows it, and a pool is moved to them. When it is
    moved back they can go, and are forgotten as docs/operations.md says."""
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
    back = cluster.servers[1]
    assert move(cluster, POOL, back).returncode == 0
    ids = [pod.ask("chat", "CLUSTER", "MYID") for pod in (new, follower)]
    cluster.shrink(primaries=3, size=6)
    for pod in cluster.servers:
        for one in ids:
            pod.ask("keeper", "CLUSTER", "FORGET", one)
    cluster.until_whole()
    assert cluster.pools()[POOL] is back
    all_is_there(back)
