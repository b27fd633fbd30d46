"""Viewed: what was read is told once, and shows what has arrived."""

from tests.contract.pool import CLOSED, NO_DATA, OK, RATE_LIMITED, Person, Pool


def talk(pool: Pool, messages: int = 3) -> tuple[Person, Person, int]:
    """Bob said so much to Alice, who waited; the pushes at Alice have the numbers 2, 3, ..."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    for number in range(messages):
        bob.say(session, request=f"r{number}")
    alice.heard()
    return alice, bob, session


def test_what_was_read_is_told_to_the_partner(pool: Pool) -> None:
    """Once for each number, in the partner's inbox like every push."""
    alice, bob, session = talk(pool)
    assert [alice.viewed(session, number) for number in (1, 3)] == [OK, OK]
    pushed = [(frame["cmd"], frame["accountId"], frame["msgId"]) for frame in bob.frames]
    assert pushed == [("PUSH_VIEWED_ACK_REQ", alice.id, number) for number in (1, 3)]
    assert bob.heard() == bob.recorded
    assert alice.heard() == []


def test_what_was_read_before_is_not_told_again(pool: Pool) -> None:
    """A number not above one already acknowledged: 0, and nothing is pushed."""
    alice, bob, session = talk(pool)
    alice.viewed(session, 2)
    bob.heard()
    before = pool.dump()
    assert [alice.viewed(session, number) for number in (2, 1)] == [OK, OK]
    assert pool.dump() == before
    assert bob.heard() == []


def test_viewed_numbers_are_compared_as_numbers(pool: Pool) -> None:
    """10 is above 9."""
    alice, bob, session = talk(pool, messages=10)
    for number in 9, 10:
        alice.viewed(session, number)
    assert [frame["msgId"] for frame in bob.frames] == [9, 10]
    alice.viewed(session, 9)
    assert len(bob.frames) == 2


def test_what_was_never_said_cannot_be_read(pool: Pool) -> None:
    """Above the session's last message: code 4, and nothing changes."""
    alice, bob, session = talk(pool)
    alice.ack(1)
    before = pool.dump()
    assert [alice.viewed(session, number) for number in (4, 2**53 - 1)] == [NO_DATA, NO_DATA]
    assert pool.dump() == before
    assert bob.heard() == []


def test_in_a_silent_session_there_is_nothing_to_read(pool: Pool) -> None:
    """Not even message 1."""
    alice, _, session = talk(pool, messages=0)
    assert alice.viewed(session, 1) == NO_DATA


def test_both_sides_read_for_themselves(pool: Pool) -> None:
    """What one has read says nothing about the other."""
    alice, bob, session = talk(pool)
    alice.say(session)
    assert [alice.viewed(session, 3), bob.viewed(session, 4), bob.viewed(session, 3)] == [OK] * 3
    seen = [f["msgId"] for f in alice.frames if f["cmd"] == "PUSH_VIEWED_ACK_REQ"]
    assert seen == [4]
    session_hash = pool.hash("session", session)
    assert {session_hash["viewed_a"], session_hash["viewed_b"]} == {b"3", b"4"}


def test_with_a_full_inbox_at_the_partner_it_is_told_later(pool: Pool) -> None:
    """Code 6: neither told nor remembered; said again when there is room, it is told."""
    alice, bob, session = talk(pool)
    assert alice.viewed(session, 1, room=1) == OK
    assert alice.viewed(session, 2, room=1) == RATE_LIMITED
    assert alice.viewed(session, 1, room=1) == OK, "known already: that needs no room"
    assert pool.hash("session", session)["viewed_b"] == b"1"
    bob.ack(1)
    assert alice.viewed(session, 2, room=1) == OK
    assert [frame["msgId"] for frame in bob.frames] == [2]


def test_reading_shows_that_the_push_arrived(pool: Pool) -> None:
    """Everything up to that message's push leaves the inbox, also when the message is no news."""
    alice, bob, session = talk(pool)
    assert alice.seqs == [1, 2, 3, 4]
    alice.viewed(session, 2)
    assert alice.seqs == [4]
    assert alice.account["acked"] == b"3"
    alice.viewed(session, 1)
    assert alice.account["acked"] == b"3"
    bob.say(session, request="another")
    alice.viewed(session, 4)
    assert alice.seqs == []


def test_reading_shows_that_the_push_arrived_also_when_it_cannot_be_told(pool: Pool) -> None:
    """The partner's full inbox is not one's own."""
    alice, _, session = talk(pool)
    assert alice.viewed(session, 3, room=0) == RATE_LIMITED
    assert alice.seqs == []


def test_reading_acknowledges_what_came_before_in_other_sessions(pool: Pool) -> None:
    """Pushes are numbered for the account: who has one has those before it."""
    alice, _, session = talk(pool, messages=1)
    carol = pool.person("Carol")
    other = pool.pair(alice, carol)
    carol.say(other)
    alice.viewed(other, 1)
    assert alice.seqs == []
    assert alice.viewed(session, 1) == OK


def test_ones_own_message_shows_nothing(pool: Pool) -> None:
    """Its push went to the other side: its number there is not one of here."""
    alice, bob, session = talk(pool)
    bob.ack(0)
    alice.say(session)
    assert alice.viewed(session, 4) == OK
    assert alice.seqs == [2, 3, 4]
    assert bob.seqs == [1, 2]


def test_a_message_that_is_not_remembered_shows_it_too(pool: Pool) -> None:
    """Its place was taken by the 64th after it, whose push is another; it is found in the inbox."""
    alice, _, session = talk(pool, messages=70)
    carol = pool.person("Carol")
    other = pool.pair(alice, carol)
    carol.say(other)
    assert alice.viewed(session, 5) == OK
    assert alice.account["acked"] == b"6"
    assert alice.viewed(session, 1) == OK
    assert alice.account["acked"] == b"6"


def test_only_what_was_written_to_the_socket_is_acknowledged(pool: Pool) -> None:
    """A session may be known by an answer before its push, or those before it, have been sent."""
    alice, _, session = talk(pool, messages=3)
    assert alice.say(session, written=0)[0] == 0
    assert alice.typing(session, written=0) == OK
    assert alice.account["acked"] == b"0"
    assert alice.viewed(session, 3, written=3) == OK
    assert alice.account["acked"] == b"1", "its NewSession, but not the message"
    assert alice.viewed(session, 2, written=3) == OK
    assert alice.seqs[0] == 4


def test_reading_in_an_ended_session_shows_only_that_it_had_begun(pool: Pool) -> None:
    """Code 7; its NewSession is not repeated to an old client, whose window it would empty."""
    alice, bob, session = talk(pool)
    bob.leave(session)
    bob.heard()
    assert alice.viewed(session, 3) == CLOSED
    assert bob.heard() == []
    assert alice.seqs == [2, 3, 4, 5]


def test_the_last_of_very_many_messages_shows_it_too(pool: Pool) -> None:
    """It is remembered: nobody has to look for it among all that waits."""
    alice, _, session = talk(pool, messages=150)
    assert len(alice.seqs) == 151
    assert alice.viewed(session, 149) == OK
    assert alice.seqs == [151]
