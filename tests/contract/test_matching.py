"""Matching: who is paired with whom, and who waits."""

import json

from tests.contract.pool import NO_DATA, NOT_ALLOWED, OK, RATE_LIMITED, Person, Pool


def put_in_queue(pool: Pool, *people: Person) -> None:
    """Several who wait: they would be paired with each other if they asked."""
    for person in people:
        pool.client.rpush(pool.key("queue"), person.id)
        pool.client.hset(pool.key("account", person.id), "waiting", "yes")


def test_with_nobody_waiting_one_waits(pool: Pool) -> None:
    """Code 4 at once, and a place in the queue."""
    alice = pool.person()
    assert alice.match() == NO_DATA
    assert pool.queue() == [alice.id]
    assert alice.account["waiting"] == b"yes"
    assert alice.heard() == []


def test_the_asker_gets_the_answer_and_the_other_a_new_session(pool: Pool) -> None:
    """Each learns who the other is; only the one who waited is pushed something."""
    alice, bob = pool.people("Alice", "Bob")
    alice.match()
    assert bob.match() == [0, 1000, alice.id, b'"Alice"']
    assert alice.signals() == [("NewSession", {"accountId": bob.id, "nickName": "Bob"})]
    assert bob.heard() == []
    assert bob.frames == []
    assert pool.queue() == []
    assert alice.sessions == bob.sessions == {1000}
    session = pool.hash("session", 1000)
    assert 0 < int(session.pop("since")) <= pool.now()
    assert session == {
        "state": b"open", "a": b"%d" % bob.id, "b": b"%d" % alice.id, "nick_a": b'"Bob"',
        "nick_b": b'"Alice"', "last": b"0", "opened_b": b"1",
    }  # fmt: skip
    for person, partner in (alice, bob), (bob, alice):
        assert person.account["newest"] == b"1000"
        assert person.account["partner"] == b"%d" % partner.id
        assert "waiting" not in person.account


def test_whoever_has_waited_longest_is_first(pool: Pool) -> None:
    """The queue is a queue."""
    first, second, third, asker = pool.people("1", "2", "3", "asker")
    put_in_queue(pool, first, second, third)
    met = []
    for _ in range(3):
        _, session, partner, _ = asker.match()
        asker.say(session)
        met.append(partner)
    assert met == [first.id, second.id, third.id]


def test_the_last_partner_is_passed_over_and_keeps_the_first_place(pool: Pool) -> None:
    """Whoever came after is taken; the last partner goes on waiting, longest."""
    alice, bob, carol, dave = pool.people("Alice", "Bob", "Carol", "Dave")
    alice.leave(pool.pair(alice, bob))
    bob.match()
    put_in_queue(pool, carol, dave)
    assert alice.match()[2] == carol.id
    assert pool.queue() == [bob.id, dave.id]


def test_the_last_partner_is_taken_when_nobody_else_waits(pool: Pool) -> None:
    """Better than nobody."""
    alice, bob = pool.people("Alice", "Bob")
    first = pool.pair(alice, bob)
    alice.leave(first)
    second = pool.pair(bob, alice)
    assert second != first
    assert alice.sessions == bob.sessions == {second}


def test_only_the_very_last_partner_is_passed_over(pool: Pool) -> None:
    """The one before is a stranger again."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    alice.leave(pool.pair(bob, alice))
    alice.leave(pool.pair(carol, alice))
    bob.match()
    assert alice.match()[2] == bob.id


def test_nobody_is_paired_with_themselves(pool: Pool) -> None:
    """Neither by asking twice nor, whatever the queue says, in any other way."""
    alice = pool.person()
    assert [alice.match(), alice.match()] == [NO_DATA, NO_DATA]
    assert pool.queue() == [alice.id]
    pool.client.hdel(pool.key("account", alice.id), "waiting")
    assert alice.match() == NO_DATA
    assert pool.queue() == [alice.id]


def test_nobody_who_is_gone_or_does_not_wait_is_handed_out(pool: Pool) -> None:
    """What should not be in the queue is dropped on the way to who waits."""
    away, idle, waiting, asker = pool.people("away", "idle", "waiting", "asker")
    away.match()
    away.detach()
    pool.client.rpush(pool.key("queue"), 999_000, away.id, idle.id)
    assert waiting.match() == NO_DATA
    assert pool.queue() == [waiting.id]
    assert asker.match()[2] == waiting.id


def test_asking_again_before_a_word_was_said_is_the_same_session(pool: Pool) -> None:
    """For both sides, however often; nothing is pushed again and nobody is queued."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    alice.heard()
    before = pool.dump()
    assert [bob.match(), bob.match()] == [[0, session, alice.id, b'"Alice"']] * 2
    assert [alice.match(), alice.match()] == [[0, session, bob.id, b'"Bob"']] * 2
    assert pool.dump() == before
    assert alice.heard() == bob.heard() == []


def test_after_a_word_asking_again_is_for_another_stranger(pool: Pool) -> None:
    """Whoever said it; the old session stays open beside the new one."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    first = pool.pair(alice, bob)
    alice.say(first)
    assert bob.match() == NO_DATA
    second = carol.match()[1]
    assert bob.sessions == {first, second}


def test_a_silent_session_that_ended_is_not_answered_again(pool: Pool) -> None:
    """Leaving is how one gets the next stranger without a word."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    alice.leave(session)
    assert bob.match() == NO_DATA


def test_a_repeat_after_the_newest_session_ended_finds_somebody_new(pool: Pool) -> None:
    """However many older sessions are open."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    older = pool.pair(alice, bob)
    bob.say(older)
    newer = pool.pair(carol, bob)
    assert bob.match()[1] == newer
    bob.leave(newer)
    assert bob.match() == NO_DATA
    assert bob.sessions == {older}


def test_sessions_are_limited(pool: Pool) -> None:
    """Beyond the limit code 5, and no place in the queue; a session less, and it goes on."""
    alice, bob, carol, dave = pool.people("Alice", "Bob", "Carol", "Dave")
    sessions = [pool.pair(other, alice) for other in (bob,)]
    bob.say(sessions[0])
    sessions.append(pool.pair(carol, alice))
    carol.say(sessions[1])
    dave.match()
    before = pool.dump()
    assert alice.match(sessions=2) == NOT_ALLOWED
    assert pool.dump() == before
    alice.leave(sessions[0])
    assert alice.match(sessions=2)[2] == dave.id


def test_the_limit_holds_for_those_who_wait(pool: Pool) -> None:
    """One waits for one session at a time, so waiting can never lead beyond the limit."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    bob.say(pool.pair(alice, bob))
    assert alice.match(sessions=2) == NO_DATA
    carol.say(carol.match()[1])
    assert len(alice.sessions) == 2
    assert alice.match(sessions=2) == NOT_ALLOWED
    assert pool.queue() == []


def test_at_the_limit_a_silent_session_is_answered_again(pool: Pool) -> None:
    """A repeat that crosses a NewSession is no new wish."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    assert alice.match(sessions=1)[1] == session


def test_with_a_full_inbox_one_has_to_wait(pool: Pool) -> None:
    """A NewSession would not fit: code 6, and no place in the queue."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    session = pool.pair(alice, bob)
    assert bob.say(session)[0] == 0
    assert carol.match() == NO_DATA
    assert alice.match(room=2) == RATE_LIMITED
    assert pool.queue() == [carol.id]
    assert "waiting" not in alice.account
    alice.ack(1)
    assert alice.match(room=2)[2] == carol.id


def test_a_place_in_the_queue_can_be_given_up(pool: Pool) -> None:
    """Answered with 0 also when there was none."""
    alice, bob = pool.people("Alice", "Bob")
    alice.match()
    assert [alice.cancel(), alice.cancel()] == [OK, OK]
    assert pool.queue() == []
    assert "waiting" not in alice.account
    assert bob.match() == NO_DATA
    assert alice.heard() == []


def test_giving_up_changes_nothing_but_the_queue(pool: Pool) -> None:
    """Not even the session that crossed it on the wire."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    before = pool.dump()
    assert alice.cancel() == OK
    assert pool.dump() == before
    assert alice.match()[1] == session


def test_names_are_passed_on_as_they_are(pool: Pool) -> None:
    """The node's JSON text, byte for byte, in the answer and in the push."""
    nick = '"\\u0041\\n é \u2028 👩‍👩‍👧 \\"}]"'.encode()
    alice = pool.person("Alice", nick=nick)
    bob = pool.person("Bob", nick=nick)
    alice.match()
    assert bob.match()[3] == nick
    (push,) = alice.heard()
    assert b'"nickName":' + nick + b"}" in push
    assert json.loads(push)["data"]["nickName"] == json.loads(nick)
    assert alice.attach()[5] == [1000, bob.id, nick]
