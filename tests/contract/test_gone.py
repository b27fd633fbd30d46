"""Gone: a goodbye, a grace time that ran out, and nothing left behind."""

import pytest

from tests.contract.pool import (
    CLOSED,
    NO_DATA,
    NODE,
    OK,
    OTHER_NODE,
    RATE_LIMITED,
    Pool,
)


def test_a_goodbye_ends_the_account_at_once(pool: Pool) -> None:
    """Partners get PartnerExit, the token opens nothing, and no key is left."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(bob, alice)
    bob.say(session)
    bob.heard()
    alice.match()
    assert alice.detach(goodbye=True) == OK
    assert bob.heard_about(alice, "PartnerExit")
    assert alice.attach() == NO_DATA
    assert bob.sessions == set()
    assert pool.queue() == []
    assert not [
        key for key in pool.names() if key.endswith(f":{alice.id}") and "session:" not in key
    ]
    assert bob.say(session) == CLOSED


def test_a_goodbye_while_waiting_gives_up_the_place(pool: Pool) -> None:
    """Nobody is paired with someone who is gone."""
    alice, bob = pool.people("Alice", "Bob")
    alice.match()
    alice.detach(goodbye=True)
    assert pool.queue() == []
    assert bob.match() == NO_DATA


def test_the_end_of_an_account_is_told_to_full_inboxes_too(pool: Pool) -> None:
    """Once for each session, so it is bounded by their number."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(bob, alice)
    alice.say(session, request="1", room=2)
    assert alice.say(session, request="2", room=2) == RATE_LIMITED
    bob.heard()
    alice.detach(goodbye=True, room=2)
    assert bob.heard_about(alice, "PartnerExit")


def test_a_grace_time_that_ran_out_ends_the_account(pool: Pool) -> None:
    """Coming back beats the deadline or it does not: whichever of attach and sweep is first."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    first = pool.pair(bob, alice)
    alice.detach(), carol.detach()
    bob.heard()
    pool.run_out(alice)
    pool.run_out(carol)
    assert carol.attach()[0] == 0, "late, but nobody has swept"
    assert pool.sweep() == [0, 0, 1]
    assert bob.heard_about(alice, "PartnerExit")
    assert alice.attach() == NO_DATA
    assert bob.say(first) == CLOSED
    assert carol.cancel() == OK


def test_a_grace_time_that_lasts_is_left_alone(pool: Pool) -> None:
    """A sweep ends nobody before the deadline."""
    alice = pool.person()
    alice.detach()
    before = pool.dump()
    assert pool.sweep() == [0, 0, 0]
    assert pool.dump() == before


def test_without_a_grace_time_the_next_sweep_ends_the_account(pool: Pool) -> None:
    """A deadline of now is over."""
    alice = pool.person()
    assert pool.call("detach", alice.id, alice.epoch, 0, 0, 0, 10) == OK
    assert pool.sweep() == [0, 0, 1]
    assert alice.attach() == NO_DATA


@pytest.mark.parametrize("goodbye", [True, False])
def test_nothing_is_left_when_everybody_is_gone(pool: Pool, goodbye: bool) -> None:
    """Only the last numbers, ended sessions for their hour, counted addresses for their minute,
    and the nodes' leases."""
    people = pool.people("Alice", "Bob", "Carol", "Dave")
    pool.call("create", NODE, '"x"', "t", "address", 5, 1000)
    alice, bob, carol, dave = people
    first = pool.pair(alice, bob)
    bob.say(first), alice.say(first), alice.viewed(first, 1), bob.typing(first)
    second = pool.pair(alice, carol)
    carol.say(second), alice.leave(first), dave.match(), carol.match()
    alice.detach(), alice.attach(OTHER_NODE), dave.match()
    for person in people:
        person.detach(goodbye=goodbye)
    if not goodbye:
        for person in people:
            pool.run_out(person)
    pool.lease(NODE, 0)
    for end in pool.scores("away"):
        pool.client.zadd(pool.key("away"), {end: 1})
    pool.sweep()
    for end in pool.scores("away"):
        pool.client.zadd(pool.key("away"), {end: 1})
    pool.sweep()
    sessions = {key for key in pool.names() if key.startswith("session:")}
    assert pool.names() - sessions == {"last", "open", "made:address", "nodes"}
    assert pool.hash("open") == {"accounts": b"0", "sessions": b"0"}
    assert {f"session:{first}", f"session:{second}"} <= sessions
    for key in sessions | {"made:address"}:
        assert pool.client.ttl(pool.key(key)) > 0
    assert set(pool.scores("nodes")) == {OTHER_NODE}
