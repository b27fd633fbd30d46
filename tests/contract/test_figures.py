"""What the library says to those who look on: figures, who waits, nodes, the times of pushes."""

from typing import Any

from tests.contract.pool import LEASE, NODE, OTHER_NODE, Pool
from tests.support.process import wait_until


def overview(pool: Pool) -> dict[str, Any]:
    """By name, nodes too."""
    code, *flat = pool.call("overview")
    assert code == 0
    found = dict(zip(map(bytes.decode, flat[::2]), flat[1::2], strict=True))
    nodes = {}
    for name, *fields in found.pop("nodes"):
        nodes[name.decode()] = dict(zip(map(bytes.decode, fields[::2]), fields[1::2], strict=True))
    return {**found, "nodes": nodes}


def figures(pool: Pool) -> list[int]:
    """accounts, away, sessions, waiting, longest, nodes: as a lease says them."""
    return pool.call("lease", NODE, LEASE, 0)[4]  # type: ignore[no-any-return]


def waits_since(pool: Pool, person: Any, ms: int) -> None:
    pool.client.hset(pool.key("account", person.id), "queued", pool.now() - ms)


def test_an_empty_pool_has_figures_too(pool: Pool) -> None:
    """All of them 0, and the node that asked."""
    assert figures(pool) == [0, 0, 0, 0, 0, 1]
    assert pool.call("waiting", 10) == [0]


def test_figures_follow_what_happens(pool: Pool) -> None:
    """Accounts, of these away, open sessions, who waits; down again when all have gone."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    first = pool.pair(alice, bob)
    alice.say(first)
    pool.pair(carol, alice)
    bob.match()
    assert figures(pool)[:4] == [3, 0, 2, 1]
    carol.detach()
    assert figures(pool)[:4] == [3, 1, 2, 1]
    alice.leave(first)
    bob.cancel()
    assert figures(pool)[:4] == [3, 1, 1, 0]
    alice.detach(goodbye=True)
    bob.detach(goodbye=True)
    carol.attach()
    carol.detach(goodbye=True)
    assert figures(pool)[:4] == [0, 0, 0, 0]


def test_an_account_that_was_deleted_by_hand_is_not_counted_off_twice(pool: Pool) -> None:
    """Its deadline is still there, and its time is over."""
    alice, bob = pool.people("Alice", "Bob")
    alice.detach()
    pool.client.delete(pool.key("account", alice.id))
    pool.client.hincrby(pool.key("open"), "accounts", -1)
    pool.run_out(alice)
    pool.sweep()
    assert figures(pool)[0] == 1, bob


def test_a_session_that_was_deleted_by_hand_is_counted_off_once(pool: Pool) -> None:
    """Both have it in their sets still, and each ends it with the account."""
    alice, bob = pool.people("Alice", "Bob")
    pool.client.delete(pool.key("session", pool.pair(alice, bob)))
    carol, dave = pool.people("Carol", "Dave")
    pool.pair(carol, dave)
    assert figures(pool)[2] == 2
    alice.detach(goodbye=True)
    assert figures(pool)[2] == 1
    bob.detach(goodbye=True)
    assert figures(pool)[2] == 1


def test_a_dead_node_is_not_counted(pool: Pool) -> None:
    """Also before anybody has swept it."""
    pool.call("lease", OTHER_NODE, LEASE, 0)
    assert figures(pool)[5] == 2
    pool.kill(OTHER_NODE)
    assert figures(pool)[5] == 1


def test_a_clock_that_was_set_back_makes_no_time_below_zero(pool: Pool) -> None:
    """Somebody waits since a time that is still to come: for 0 ms, and is counted as a match."""
    alice, bob = pool.people("Alice", "Bob")
    alice.match()
    waits_since(pool, alice, -60_000)
    assert figures(pool)[4] == overview(pool)["longest"] == 0
    assert pool.call("waiting", 10) == [0, alice.id, 0]
    assert pool.call("match", bob.id, bob.epoch, 8, 1000)[4] == 0


def test_what_somebody_wrote_by_hand_makes_no_figure_fail(pool: Pool) -> None:
    """Nodes could not renew their leases any more."""
    alice = pool.person()
    alice.match()
    pool.client.lpush(pool.key("queue"), "nobody")
    pool.client.hdel(pool.key("account", alice.id), "queued")
    assert pool.call("waiting", 10) == [0, alice.id, 0]
    pool.client.hset(pool.key("account", alice.id), "queued", "long ago")
    pool.client.hset(pool.key("open"), "sessions", "many")
    assert figures(pool) == [1, 0, 0, 2, 0, 1]
    assert pool.call("waiting", 10) == [0, alice.id, 0]
    assert overview(pool)["sessions"] == 0


def test_who_waits_is_told_with_how_long(pool: Pool) -> None:
    """Longest first, as many as are asked for; nothing changes by that."""
    people = pool.people("Alice", "Bob", "Carol")
    for person, ms in zip(people, (90_000, 60_000, 5_000), strict=True):
        pool.client.rpush(pool.key("queue"), person.id)
        pool.client.hset(pool.key("account", person.id), "waiting", "yes")
        waits_since(pool, person, ms)
    before = pool.dump()
    code, *flat = pool.call("waiting", 2)
    assert (code, flat[::2]) == (0, [people[0].id, people[1].id])
    assert 90_000 <= flat[1] < 95_000
    assert 60_000 <= flat[3] < 65_000
    assert 90_000 <= overview(pool)["longest"] < 95_000
    assert pool.dump() == before


def test_a_match_says_how_long_the_partner_has_waited(pool: Pool) -> None:
    """Once: asked again, it is no new one."""
    alice, bob = pool.people("Alice", "Bob")
    before = pool.now()
    alice.match()
    assert before <= int(alice.account["queued"]) <= pool.now()
    waits_since(pool, alice, 30_000)
    asked = ("match", bob.id, bob.epoch, 8, 1000)
    assert 30_000 <= pool.call(*asked)[4] < 35_000
    assert pool.call(*asked)[4] == -1
    assert "queued" not in alice.account


def test_who_comes_back_to_a_match_is_told_that_too(pool: Pool) -> None:
    """Who waited before and is paired at once; everybody else: no match."""
    alice, bob = pool.people("Alice", "Bob")
    attach = ("attach", alice.id, alice.token, NODE, "", LEASE)
    alice.match()
    alice.detach()
    assert "queued" not in alice.account, "who is away does not wait"
    bob.match()
    waits_since(pool, bob, 20_000)
    assert 20_000 <= pool.call(*attach)[9] < 25_000
    assert pool.call(*attach)[9] == -1


def test_a_place_that_is_given_up_has_no_time(pool: Pool) -> None:
    """Neither after a cancel nor after a goodbye."""
    alice = pool.person()
    alice.match()
    alice.cancel()
    assert "queued" not in alice.account


def test_a_node_is_seen_as_it_reports_itself(pool: Pool) -> None:
    """With its lease, for as long as that; with how many it holds."""
    pool.person(node=NODE)
    pool.call("lease", NODE, 60_000, 0, "sockets", "7", "version", "1.2")
    pool.call("lease", OTHER_NODE, 60_000, 0)
    nodes = overview(pool)["nodes"]
    assert 55_000 < nodes[NODE].pop("lease") <= 60_000
    assert nodes[NODE] == {"accounts": 1, "sockets": b"7", "version": b"1.2"}
    assert 55_000 < pool.client.pttl(pool.key("load", NODE)) <= 60_000
    assert nodes[OTHER_NODE].keys() == {"lease", "accounts"}


def test_a_dead_node_is_seen_as_one(pool: Pool) -> None:
    """Its lease is below zero, and what it said of itself is gone with it."""
    pool.call("lease", NODE, 1, 0, "sockets", "7")

    def is_dead() -> bool:
        (node,) = overview(pool)["nodes"].values()
        return node["lease"] <= 0 and "sockets" not in node

    wait_until(is_dead, "its lease is over, and it says nothing any more")


def test_a_node_that_leaves_is_not_seen_any_more(pool: Pool) -> None:
    """Nor what it said of itself."""
    pool.call("lease", NODE, 60_000, 0, "sockets", "7")
    pool.call("lease", NODE, 0, 0, "sockets", "7")
    assert overview(pool)["nodes"] == {}
    assert not pool.client.exists(pool.key("load", NODE))


def test_every_eighth_push_is_followed_by_its_time(pool: Pool) -> None:
    """Messages and others alike, by the number of the push: the server's clock in microseconds."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    before = pool.now()
    for _ in range(14):
        bob.say(session)
    assert len(alice.heard()) == 15
    assert len(alice.times) == 1, "of pushes 1 to 15 it is the 8th"
    bob.detach()
    assert alice.heard_about(bob, "PartnerAway")
    assert len(alice.times) == 2
    assert 1000 * before <= alice.times[0] <= alice.times[1] <= 1000 * (pool.now() + 1)


def test_what_only_reads_may_be_called_read_only(pool: Pool) -> None:
    """As redis-cli does it with FCALL_RO, on a replica too."""
    for function, *args in ("overview",), ("waiting", 10), ("held", NODE, 0):
        reply = pool.client.execute_command("FCALL_RO", f"chat_1_{function}", 1, pool.name, *args)
        assert reply[0] == 0
