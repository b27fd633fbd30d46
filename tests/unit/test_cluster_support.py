"""The cluster that other tests stand on does what it says: forms, fails over, moves slots, comes and goes."""

from collections.abc import Iterator

import pytest
import redis

from tests.support.cluster import Cluster, cluster, shares, slot_of
from tests.support.process import wait_until
from tests.support.reshard import add_primary, move_keys, move_pool, remove_primary
from tests.support.servers import KINDS, Kind, available_servers

POOLS = range(3)


@pytest.fixture(scope="module", params=KINDS)
def whole(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Of each kind of server in turn. Every test leaves it whole."""
    kind: Kind = request.param
    if kind not in available_servers():
        pytest.skip(f"there is no {kind} on this machine")
    with cluster(appendonly=True, kind=kind) as made:
        yield made


@pytest.fixture
def made(whole: Cluster) -> Iterator[Cluster]:
    """With a key in each pool, and in the end whole again and empty."""
    with whole.client() as client:
        for pool in POOLS:
            client.set(key(pool), f"of pool {pool}")
    yield whole
    whole.until_whole()
    with whole.client() as client:
        client.flushall()


def key(pool: int) -> str:
    return f"chat:{{{pool}}}:key"


def test_pools_are_spread() -> None:
    """Each primary has one of the first pools, and all slots together are all there are."""
    parts = shares(3)
    assert [slot_of(pool) in part for pool, part in enumerate(parts)] == [True] * 3
    assert sorted(slot for part in parts for slot in part) == list(range(16384))
    assert [list(part) for part in shares(1)] == [list(range(16384))]


def test_a_cluster_is_whole(made: Cluster) -> None:
    """Every primary has its pool and its replica, and everybody can reach everything."""
    primaries = [made.primary_of(pool) for pool in POOLS]
    assert set(primaries) == set(made.primaries)
    assert len(made.primaries) == len(POOLS)
    replicas = [replica for one in primaries for replica in made.replicas_of(one)]
    assert set(primaries) | set(replicas) == set(made.servers)
    assert len(replicas) == len(POOLS)
    with made.client() as client:
        assert [client.get(key(pool)) for pool in POOLS] == [f"of pool {pool}" for pool in POOLS]
    assert sorted(made.all_keys(), key=lambda found: found[1]) == [
        (primaries[pool], key(pool)) for pool in POOLS
    ]


def test_the_url_names_everybody(made: Cluster) -> None:
    """One is enough to find the others, but it may be the one that is dead."""
    places = made.url.removeprefix("redis+cluster://").split(",")
    assert places == [f"127.0.0.1:{one.port}" for one in made.servers]


def test_a_dead_primary_is_replaced(made: Cluster) -> None:
    """By its replica; when it comes back, it is the replica, at the same address and with the same name."""
    old = made.primary_of(1)
    name, (replica,) = old.id, made.replicas_of(old)
    old.kill()
    assert made.until_another_has(1, old) is replica
    old.start()
    made.until_whole()
    assert made.replicas_of(replica) == [old]
    assert old.itself().name == name
    with made.client() as client:
        assert client.get(key(1)) == "of pool 1"


def test_one_that_stands_still_is_not_asked(made: Cluster) -> None:
    """Nobody waits for it; and what it believes when it wakes does not count."""
    old = made.primary_of(0)
    old.pause()
    new = made.until_another_has(0, old)
    assert made.primary_of(0) is new
    old.resume()
    made.until_whole()
    assert made.primary_of(0) is new


@pytest.mark.parametrize("how", [(), ("FORCE",), ("TAKEOVER",)])
def test_an_ordered_failover(made: Cluster, how: tuple[str, ...]) -> None:
    """A replica takes over, with all the data, and the old primary becomes a replica."""
    old = made.primary_of(2)
    new = made.fail_over(2, *how)
    made.until_whole()
    assert made.primary_of(2) is new is not old
    assert made.replicas_of(new) == [old]
    with made.client() as client:
        assert client.get(key(2)) == "of pool 2"


def test_a_pool_moves(made: Cluster) -> None:
    """All its keys, and no other; and back."""
    home = made.primary_of(0)
    away = made.primary_of(1)
    with made.client() as client:
        for number in range(25):
            client.set(f"{key(0)}:{number}", number)
    assert move_pool(made, 0, away) == 26
    assert made.primary_of(0) is away
    assert {place for place, name in made.all_keys() if name.startswith(key(0))} == {away}
    assert made.primary_of(3) is not away
    assert move_pool(made, 0, away) == 0
    assert move_pool(made, 0, home) == 26


def test_a_pool_on_its_way(made: Cluster) -> None:
    """While it moves, the old primary answers for what it still has, and says where the rest is."""
    home, away, slot = made.primary_of(0), made.primary_of(1), slot_of(0)
    away.ask("SETSLOT", slot, "IMPORTING", home.id)
    home.ask("SETSLOT", slot, "MIGRATING", away.id)
    with home.client() as client:
        assert client.get(key(0)) == b"of pool 0"
        assert move_keys(home, slot, away) == 1
        with pytest.raises(redis.ResponseError, match=f"{slot} 127.0.0.1:{away.port}"):
            client.get(key(0))
    assert made.primary_of(0) is home
    move_pool(made, 0, away)
    move_pool(made, 0, home)


def test_a_primary_comes_and_goes(made: Cluster) -> None:
    """It is empty but for the functions, takes a pool, gives it back, and nobody knows it any more."""
    with made.primary_of(0).client() as client:
        client.function_load("#!lua name=lib\nredis.register_function('f', function() end)")
    newcomer = add_primary(made)
    with newcomer.client() as client:
        assert len(client.function_list()) == 1
    assert move_pool(made, 0, newcomer) == 1
    made.until_whole()
    with made.client() as client:
        assert client.get(key(0)) == "of pool 0"
    remove_primary(made, newcomer)
    made.until_whole()
    assert newcomer not in made.servers
    assert not newcomer.running
    with made.client() as client:
        assert client.get(key(0)) == "of pool 0"


def test_a_killed_server_remembers(made: Cluster) -> None:
    """With ``appendonly`` each write is on disk before it is answered; who comes back soon enough is primary still."""
    primary = made.primary_of(2)
    primary.kill()
    primary.start()
    made.until_whole()
    assert made.primary_of(2) is primary
    with made.client() as client:
        assert client.get(key(2)) == "of pool 2"


def test_what_the_bus_carries_is_counted(made: Cluster) -> None:
    """PUBLISH goes to every server, SPUBLISH to those of the slot alone."""
    before = made.sent()
    with made.primary_of(0).client() as client:
        client.publish("everybody", "word")
        wait_until(lambda: grown(made, before, "publish") == 5, "it went to the five others")
        client.execute_command("SPUBLISH", "chat:{0}:push:1000", "word")
        wait_until(lambda: grown(made, before, "publishshard") == 1, "it went to the replica")
    assert grown(made, before, "publish") == 5
    wait_until(lambda: grown(made, before, "ping") > 0, "what keeps it together is counted apart")


def grown(made: Cluster, before: dict[str, int], kind: str) -> int:
    return made.sent().get(kind, 0) - before.get(kind, 0)
