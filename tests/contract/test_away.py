"""Away: a lost socket, and coming back."""

from tests.contract.pool import (
    GRACE,
    NO_DATA,
    NODE,
    OK,
    OTHER_NODE,
    Pool,
)


def test_who_loses_the_socket_is_away_until_a_deadline(pool: Pool) -> None:
    """Off the node, with the grace time from the server's clock."""
    alice = pool.person()
    before = pool.now()
    assert alice.detach() == OK
    deadline = pool.scores("away")[str(alice.id)]
    assert before + GRACE <= deadline <= pool.now() + GRACE
    assert (alice.account["state"], alice.account["node"]) == (b"away", b"")
    assert pool.held(NODE) == {}
    assert pool.names() == {"last", "open", "nodes", "away", f"account:{alice.id}"}


def test_partners_hear_of_the_absence_and_of_the_return(pool: Pool) -> None:
    """Those of open sessions, each once."""
    alice, bob, carol, dave = pool.people("Alice", "Bob", "Carol", "Dave")
    with_bob = pool.pair(bob, alice)
    alice.say(with_bob)
    with_carol = pool.pair(carol, alice)
    alice.say(with_carol)
    left = pool.pair(dave, alice)
    dave.leave(left)
    for person in bob, carol, dave:
        person.heard()
    alice.detach()
    assert bob.heard_about(alice, "PartnerAway")
    assert carol.heard_about(alice, "PartnerAway")
    assert dave.heard() == []
    code, _, nick, recovered, waiting, sessions, *_ = alice.attach(OTHER_NODE)
    assert (code, nick, recovered, waiting) == (0, b'"Alice"', 1, 0)
    triples = set(zip(sessions[::3], sessions[1::3], sessions[2::3], strict=True))
    assert triples == {(with_bob, bob.id, b'"Bob"'), (with_carol, carol.id, b'"Carol"')}
    assert bob.heard_about(alice, "PartnerBack")
    assert carol.heard_about(alice, "PartnerBack")
    assert dave.heard() == []
    assert pool.scores("away") == {}
    assert pool.held(OTHER_NODE) == {alice.id: alice.epoch}
    alice.attach(NODE)
    assert bob.heard() == carol.heard() == [], "nobody is back who was not away"


def test_only_who_was_told_hears_of_the_return(pool: Pool) -> None:
    """One whose inbox is full is not told, of neither."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    alice.say(pool.pair(bob, alice))
    pool.pair(carol, alice)
    bob.heard(), carol.heard()
    assert alice.detach(room=2) == OK
    assert bob.heard() == [], "two pushes wait there"
    assert carol.heard_about(alice, "PartnerAway")
    alice.attach()
    assert bob.heard() == []
    assert carol.heard_about(alice, "PartnerBack")


def test_the_return_is_told_also_when_the_inbox_is_full_by_then(pool: Pool) -> None:
    """Who heard of the absence must not believe in it for ever."""
    alice, bob = pool.people("Alice", "Bob")
    pool.pair(bob, alice)
    bob.heard()
    alice.detach(room=2)
    assert bob.heard_about(alice, "PartnerAway")
    alice.attach()
    assert bob.heard_about(alice, "PartnerBack")


def test_each_absence_is_told(pool: Pool) -> None:
    """Away, back, away, back."""
    alice, bob = pool.people("Alice", "Bob")
    pool.pair(bob, alice)
    bob.heard()
    for _ in range(2):
        alice.detach()
        alice.attach()
    assert bob.heard_about(alice, *["PartnerAway", "PartnerBack"] * 2)


def test_both_may_be_away(pool: Pool) -> None:
    """Each finds in the inbox what happened meanwhile."""
    alice, bob = pool.people("Alice", "Bob")
    pool.pair(bob, alice)
    alice.detach(), bob.detach()
    kinds = [frame["signalType"] for frame in alice.frames]
    assert kinds == ["PartnerAway"]
    bob.attach()
    alice.attach()
    assert [frame["signalType"] for frame in alice.frames] == ["PartnerAway", "PartnerBack"]
    assert [f["signalType"] for f in bob.frames] == ["NewSession", "PartnerAway", "PartnerBack"]


def test_a_place_in_the_queue_is_given_up_until_the_return(pool: Pool) -> None:
    """Nobody is paired with someone away; back again, the place is at the end."""
    alice, bob = pool.people("Alice", "Bob")
    alice.match()
    alice.detach()
    assert pool.queue() == []
    assert alice.account["waiting"] == b"again"
    assert bob.match() == NO_DATA
    bob.cancel()
    assert alice.attach()[4:6] == [1, []]
    assert pool.queue() == [alice.id]
    assert bob.match()[2] == alice.id


def test_who_waited_and_comes_back_is_paired_at_once(pool: Pool) -> None:
    """With whoever waits now: NewSession to both, and waiting no more."""
    alice, bob = pool.people("Alice", "Bob")
    alice.match()
    alice.detach()
    bob.match()
    code, _, _, recovered, waiting, sessions, acked, _, pushes = alice.attach()
    assert (code, recovered, waiting, acked) == (0, 1, 0, 0)
    assert sessions == [1000, bob.id, b'"Bob"']
    assert pushes == alice.recorded
    assert alice.signals() == [("NewSession", {"accountId": bob.id, "nickName": "Bob"})]
    assert bob.signals() == [("NewSession", {"accountId": alice.id, "nickName": "Alice"})]
    assert pool.queue() == []
    assert "waiting" not in alice.account
    assert alice.match()[1] == bob.match()[1] == 1000


def test_who_comes_back_passes_over_the_last_partner_too(pool: Pool) -> None:
    """Unless nobody else waits."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    alice.leave(pool.pair(alice, bob))
    alice.match()
    alice.detach()
    bob.match()
    assert alice.attach()[5][1] == bob.id
    alice.leave(*alice.sessions)
    alice.match()
    alice.detach()
    bob.match()
    pool.client.rpush(pool.key("queue"), carol.id)
    pool.client.hset(pool.key("account", carol.id), "waiting", "yes")
    assert alice.attach()[5][1] == carol.id
    assert pool.queue() == [bob.id]


def test_who_had_given_up_waiting_does_not_wait_again(pool: Pool) -> None:
    """Coming back restores what was, not more."""
    alice, bob = pool.people("Alice", "Bob")
    alice.match()
    alice.cancel()
    alice.detach()
    bob.match()
    assert alice.attach()[4:6] == [0, []]
    assert pool.queue() == [bob.id]


def test_a_second_absence_waits_again_too(pool: Pool) -> None:
    """As long as nobody came."""
    alice = pool.person()
    alice.match()
    for _ in range(2):
        alice.detach()
        assert alice.attach()[4] == 1
    assert pool.queue() == [alice.id]
