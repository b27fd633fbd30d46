"""Leases: nodes that live, leave and die, and the sweep that looks after their accounts."""

from threading import Barrier, Thread

from tests.contract.pool import GRACE, LEASE, LOST, NO_DATA, NODE, OTHER_NODE, Person, Pool


def test_a_lease_says_whether_the_pool_knew_the_node(pool: Pool) -> None:
    """New, then known; its end is counted from the server's clock."""
    before = pool.now()
    code, kept, end = pool.lease(NODE, 5000)
    assert (code, kept) == (0, 0)
    assert before + 5000 <= pool.scores("nodes")[NODE] == end <= pool.now() + 5000
    code, kept, end = pool.lease(NODE, LEASE, end)
    assert (code, kept) == (0, 1)
    assert pool.scores("nodes")[NODE] == end >= before + LEASE
    assert pool.lease(OTHER_NODE, 1, end)[:2] == [0, 0]


def test_a_node_is_listed_by_what_it_holds(pool: Pool) -> None:
    """Without a lease of its own too, so that nothing it holds is without an owner."""
    alice = pool.person(node=NODE)
    assert set(pool.scores("nodes")) == {NODE}
    alice.attach(OTHER_NODE)
    assert set(pool.scores("nodes")) == {NODE, OTHER_NODE}
    assert pool.lease(NODE, LEASE)[:2] == [0, 0], "that was no lease of its own"


def test_accounts_prolong_no_lease(pool: Pool) -> None:
    """A dead node stays dead, whatever is still given to it."""
    pool.lease(NODE, LEASE)
    pool.kill(NODE)
    alice = pool.person(node=NODE)
    alice.attach(NODE)
    assert pool.scores("nodes")[NODE] == 1
    assert pool.sweep() == [0, 1, 0]


def test_held_says_which_accounts_a_node_has(pool: Pool) -> None:
    """With their epochs; a node that has none, or that nobody knows, has none."""
    alice, bob, carol = (pool.person(name, NODE) for name in ("Alice", "Bob", "Carol"))
    bob.attach(NODE)
    carol.attach(OTHER_NODE)
    before = pool.dump()
    assert pool.held(NODE) == {alice.id: alice.epoch, bob.id: bob.epoch}
    assert pool.held(OTHER_NODE) == {carol.id: carol.epoch}
    assert pool.call("held", "unknown", 0) == [0, 0, []]
    assert pool.dump() == before
    alice.detach()
    bob.detach(goodbye=True)
    assert pool.held(NODE) == {}


def test_many_are_told_a_part_at_a_time(pool: Pool) -> None:
    """All of them in the end, however many; a call that read all would hold everybody up."""
    people = {
        number: epoch
        for _ in range(1000)
        for _, number, epoch in [pool.call("create", NODE, '"x"', "t", "address", 0, LEASE)]
    }
    code, cursor, flat = pool.call("held", NODE, 0)
    assert (code, cursor > 0, 0 < len(flat) < 1000) == (0, True, True)
    assert pool.held(NODE) == people


def test_a_living_node_is_left_alone(pool: Pool) -> None:
    """A sweep changes nothing before a lease ran out."""
    pool.person()
    before = pool.dump()
    assert pool.sweep() == [0, 0, 0]
    assert pool.dump() == before


def test_a_sweep_that_comes_too_late_does_nothing(pool: Pool) -> None:
    """It was asked for before this server stood still: meanwhile no node could say that it lives."""
    pool.person()
    pool.kill(NODE)
    before = pool.dump()
    assert pool.sweep(by=pool.now() - 1) == [0, 0, 0]
    assert pool.dump() == before
    assert pool.sweep(by=pool.now() + 1000) == [0, 1, 0]


def test_the_accounts_of_a_dead_node_become_away(pool: Pool) -> None:
    """With the grace time from now; their partners hear of it; the node is forgotten."""
    alice, bob = pool.person("Alice", NODE), pool.person("Bob", OTHER_NODE)
    session = pool.pair(alice, bob)
    bob.say(session)
    alice.match()
    *_, end = pool.lease(NODE, LEASE)
    pool.kill(NODE)
    before = pool.now()
    assert pool.sweep() == [0, 1, 0]
    assert before + GRACE <= pool.scores("away")[str(alice.id)] <= pool.now() + GRACE
    assert bob.signals() == [("PartnerAway", {"accountId": alice.id})]
    assert alice.cancel() == LOST
    assert pool.queue() == []
    assert set(pool.scores("nodes")) == {OTHER_NODE}
    assert pool.lease(NODE, LEASE, end)[:2] == [0, 0], "it hears that it was swept"
    code, _, *rest = alice.attach(OTHER_NODE)
    assert [code, *rest[:3]] == [0, b'"Alice"', 1, 1]
    assert bob.signals() == [("PartnerBack", {"accountId": alice.id})]


def test_who_went_elsewhere_in_time_is_not_swept(pool: Pool) -> None:
    """Only what the dead node still holds."""
    alice, bob = pool.person("Alice", NODE), pool.person("Bob", NODE)
    pool.kill(NODE)
    alice.attach(OTHER_NODE)
    assert pool.sweep() == [0, 1, 0]
    assert alice.match() == NO_DATA
    assert bob.match() == LOST


def test_a_lease_taken_again_before_the_sweep_saves_the_node(pool: Pool) -> None:
    """It was late, but nobody noticed."""
    alice = pool.person(node=NODE)
    *_, end = pool.lease(NODE, -1)
    assert pool.lease(NODE, LEASE, end)[:2] == [0, 1]
    assert pool.sweep() == [0, 0, 0]
    assert alice.match() == NO_DATA


def test_a_node_that_was_swept_hears_of_it_also_when_it_is_listed_again(pool: Pool) -> None:
    """Someone may have come to it between the sweep and its next lease."""
    alice = pool.person("Alice", NODE)
    *_, end = pool.lease(NODE, -1)
    assert pool.sweep() == [0, 1, 0]
    bob = pool.person("Bob", NODE)
    assert pool.lease(NODE, LEASE, end)[:2] == [0, 0]
    assert [alice.resume(0), bob.resume(0)] == [LOST[0], 0]


def test_a_node_that_leaves_is_forgotten_when_it_holds_nothing(pool: Pool) -> None:
    """At once."""
    *_, end = pool.lease(NODE, LEASE)
    assert pool.lease(NODE, 0, end)[:2] == [0, 1]
    assert pool.names() == set()
    assert pool.lease(NODE, 0, end)[:2] == [0, 0]
    assert pool.names() == set()


def test_what_a_leaving_node_still_holds_is_swept_at_once(pool: Pool) -> None:
    """It counts as dead from that moment."""
    alice = pool.person(node=NODE)
    pool.lease(NODE, 0)
    assert pool.sweep() == [0, 1, 0]
    assert alice.match() == LOST
    assert pool.scores("nodes") == {}


def test_a_sweep_takes_a_batch_at_a_time(pool: Pool) -> None:
    """A number that is the whole batch says that there is more to do; in the end all is done."""
    people = [pool.person(str(n), NODE) for n in range(5)]
    pool.kill(NODE)
    assert [pool.sweep(2) for _ in range(4)] == [[0, 2, 0], [0, 2, 0], [0, 1, 0], [0, 0, 0]]
    assert pool.scores("nodes") == {}
    for person in people:
        pool.run_out(person)
    assert [pool.sweep(2) for _ in range(4)] == [[0, 0, 2], [0, 0, 2], [0, 0, 1], [0, 0, 0]]
    assert pool.names() == {"last", "open"}


def test_a_batch_goes_over_several_nodes(pool: Pool) -> None:
    """Also over those that hold nothing, and never beyond the batch."""
    for node in "a", "b", "c":
        pool.lease(node, LEASE)
        pool.kill(node)
    for name in "b", "b", "c", "c":
        pool.person(name, name)
    assert pool.sweep(3) == [0, 3, 0]
    assert set(pool.scores("nodes")) == {"c"}
    assert pool.sweep(3) == [0, 1, 0]
    assert pool.scores("nodes") == {}


def test_both_kinds_of_batch_are_done_in_one_sweep(pool: Pool) -> None:
    """Dead nodes do not keep deadlines waiting."""
    alice, bob = pool.person("Alice", NODE), pool.person("Bob", OTHER_NODE)
    bob.detach()
    pool.run_out(bob)
    pool.kill(NODE)
    assert pool.sweep() == [0, 1, 1]
    assert alice.attach()[0] == 0
    assert bob.attach() == NO_DATA


def test_the_earliest_deadlines_end_first(pool: Pool) -> None:
    """A batch that is too small for all is fair."""
    people = [pool.person(str(n)) for n in range(3)]
    for person, deadline in zip(people, (3, 1, 2), strict=True):
        person.detach()
        pool.client.zadd(pool.key("away"), {person.id: deadline})
    pool.sweep(1)
    assert set(pool.scores("away")) == {str(people[0].id), str(people[2].id)}
    pool.sweep(1)
    assert set(pool.scores("away")) == {str(people[0].id)}


def test_those_whose_inbox_is_full_are_not_told_of_a_swept_partner(pool: Pool) -> None:
    """As with a lost socket."""
    alice, bob = pool.person("Alice", NODE), pool.person("Bob", OTHER_NODE)
    pool.pair(bob, alice)
    bob.heard()
    pool.kill(NODE)
    assert pool.sweep(room=1) == [0, 1, 0]
    assert bob.heard() == []
    alice.attach()
    assert bob.heard() == []


def test_several_sweepers_at_once_do_it_once(pool: Pool) -> None:
    """Every account is made away once and ended once, whoever gets there first."""
    people: list[Person] = [pool.person(str(n), NODE) for n in range(20)]
    watcher = pool.person("watcher", OTHER_NODE)
    for person in people[:5]:
        watcher.say(pool.pair(person, watcher))
        watcher.heard()
    pool.kill(NODE)
    assert sum(result[1] for result in sweep_at_once(pool)) == 20
    assert sorted(kind for kind, _ in watcher.signals()) == ["PartnerAway"] * 5
    for person in people:
        pool.run_out(person)
    assert sum(result[2] for result in sweep_at_once(pool)) == 20
    assert sorted(kind for kind, _ in watcher.signals()) == ["PartnerExit"] * 5
    assert pool.scores("away") == {}


def sweep_at_once(pool: Pool, sweepers: int = 4) -> list[list[int]]:
    """Several sweep in small batches until there is nothing left to do; all their results."""
    results: list[list[int]] = []
    start = Barrier(sweepers)

    def sweep() -> None:
        start.wait()
        while (result := pool.sweep(3))[1:] != [0, 0]:
            results.append(result)

    threads = [Thread(target=sweep) for _ in range(sweepers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_an_account_that_somebody_deleted_stops_nothing(pool: Pool) -> None:
    """By hand, or by a policy of evicting: it is passed over, others are swept, no key comes of it."""
    alice, bob, carol = (pool.person(name, NODE) for name in ("Alice", "Bob", "Carol"))
    session = pool.pair(alice, bob)
    pool.client.delete(pool.key("account", alice.id))
    assert pool.held(NODE) == {bob.id: bob.epoch, carol.id: carol.epoch}
    assert bob.say(session) == NO_DATA
    pool.kill(NODE)
    assert pool.sweep()[1] == 3
    assert pool.scores("nodes") == {}
    for person in bob, carol:
        pool.run_out(person)
    assert pool.sweep() == [0, 0, 2]
    assert not [name for name in pool.names() if name.startswith("account:")]
