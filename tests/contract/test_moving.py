"""Moving: who waits alone in one pool gets to another, and can be taken by its socket at every step."""

import pytest

from tests.contract.pool import (
    GRACE,
    LOST,
    NO_DATA,
    NODE,
    NOT_ALLOWED,
    OK,
    OTHER_NODE,
    REPLACED,
    ROOM,
    Person,
    Pool,
    Result,
)

NUMBER = 7
MOVED = [-5, 0]
DAY = 24 * 3600


@pytest.fixture
def away(pool: Pool) -> Pool:
    """Another pool, from which somebody moves to pool 0."""
    return pool.other(NUMBER)


def alone(pool: Pool, node: str = NODE) -> list[int]:
    """How many wait, and who would be paired next: without for how long."""
    result = pool.call("alone", node)
    assert len(result) == 5
    return result[1:4]


def copy(person: Person) -> Result:
    return person.pool.call("copy", person.id, person.epoch)


def admit(to: Pool, person: Person, copied: Result, grace: int = GRACE) -> Result:
    code, _, _, _, fields, pushes = copied
    assert code == 0
    return to.call("admit", person.id, grace, len(pushes), *pushes, *fields)


def depart(person: Person, copied: Result, to: Pool) -> Result:
    _, _, seq, acked, *_ = copied
    return person.pool.call("depart", person.id, person.epoch, seq, acked, to.number)


def at(pool: Pool, person: Person) -> Person:
    """The same account, as it may be in that pool."""
    return Person(pool, person.id, person.token, person.node, person.nick, person.epoch)


def move(person: Person, to: Pool) -> Person:
    """All steps; the account is in that pool then, with the same socket."""
    copied = copy(person)
    assert admit(to, person, copied) == OK
    assert depart(person, copied, to) == OK
    moved = at(to, person)
    assert moved.attach(person.node, here=True)[0] == 0
    return moved


def with_pushes(pool: Pool) -> Person:
    """Somebody who waits, and has not acknowledged all that was pushed: numbers 2 to 4 are in the inbox."""
    alice, dave = pool.people("Alice", "Dave")
    session = pool.pair(alice, dave)
    for text in "one", "two":
        dave.say(session, text)
    dave.leave(session)
    alice.ack(1)
    dave.detach(goodbye=True)
    assert alice.match() == NO_DATA
    assert alice.seqs == [2, 3, 4]
    return alice


# Who waits alone


def test_who_would_be_paired_next(pool: Pool) -> None:
    """How many wait, and the first of them: with epoch and time for the node that has the socket, and for no other."""
    assert pool.call("alone", NODE) == [0, 0, 0, 0, 0]
    alice, bob = pool.person("Alice"), pool.person("Bob", OTHER_NODE)
    alice.match()
    pool.client.hset(pool.key("account", alice.id), "queued", pool.now() - 5000)
    code, waiting, account, epoch, ms = pool.call("alone", NODE)
    assert (code, waiting, account, epoch) == (0, 1, alice.id, alice.epoch)
    assert 5000 <= ms < 60_000
    assert alone(pool, OTHER_NODE) == [1, 0, 0]
    alice.cancel()
    bob.match()
    assert alone(pool) == [1, 0, 0]
    assert alone(pool, OTHER_NODE) == [1, bob.id, bob.epoch]


def test_who_has_a_session_stays(pool: Pool) -> None:
    """It waits for another one, and its partner cannot move along: others come to it."""
    alice, bob = pool.people("Alice", "Bob")
    alice.say(pool.pair(bob, alice))
    assert alice.match() == NO_DATA
    assert alone(pool) == alone(pool, OTHER_NODE) == [1, -1, 0]
    assert copy(alice) == NOT_ALLOWED


def test_looking_changes_nothing(pool: Pool) -> None:
    """Neither who waits, nor what is copied: a replica could say it."""
    alice = with_pushes(pool)
    before = pool.dump()
    for function, args in ("alone", (NODE,)), ("copy", (alice.id, alice.epoch)):
        pool.client.execute_command("FCALL_RO", f"chat_1_{function}", 1, pool.name, *args)
    assert pool.dump() == before


def test_strange_things_in_the_queue(pool: Pool) -> None:
    """What is no account waits for nobody; one that is gone cannot be moved."""
    pool.client.rpush(pool.key("queue"), "nonsense")
    assert pool.call("alone", NODE) == [0, 0, 0, 0, 0]
    pool.client.delete(pool.key("queue"))
    pool.client.rpush(pool.key("queue"), 5000)
    assert alone(pool) == [1, 0, 0]


# All of it


def test_who_moves_is_the_same_as_before(pool: Pool, away: Pool) -> None:
    """Name, token, numbers, what waits in the inbox and since when: all but the pool; and is there as if it had
    always been. Nothing is left but where it is now."""
    alice = with_pushes(away)
    before, inbox = alice.account, alice.recorded
    moved = move(alice, pool)
    assert moved.recorded == inbox
    fields = {"nick", "token", "since", "seq", "acked", "queued", "partner"}
    assert {name: moved.account[name] for name in fields} == {name: before[name] for name in fields}
    assert moved.account["waiting"] == b"yes"
    assert moved.account["generation"] == b"0"
    assert "newest" not in moved.account
    assert moved.epoch > alice.epoch
    assert pool.queue() == [alice.id]
    assert pool.held(NODE) == {alice.id: moved.epoch}
    figures = pool.figures()
    assert figures.pop("longest") < 60_000
    assert figures == {"accounts": 1, "away": 0, "sessions": 0, "waiting": 1}
    assert set(away.figures().values()) == {0}
    left = {name for name in away.names() if not name.startswith(("session:", "said:"))}
    assert left == {"last", "open", "nodes", f"moved:{alice.id}"}


def test_what_is_not_acknowledged_is_pushed_again(pool: Pool, away: Pool) -> None:
    """By the answer that the node gets: from the last that its client has acknowledged on, and nothing is missing."""
    alice = with_pushes(away)
    copied = copy(alice)
    admit(pool, alice, copied)
    depart(alice, copied, pool)
    code, _, nick, recovered, waiting, sessions, acked, last, pushes = at(pool, alice).attach(
        here=True
    )
    assert (code, nick, recovered, waiting, sessions) == (0, b'"Alice"', 1, 1, [])
    assert (acked, last, pushes) == (1, 4, copied[5])


def test_two_who_wait_in_different_pools_meet(pool: Pool, away: Pool) -> None:
    """The one who moves is paired in the moment in which it is there; numbers of its pushes go on."""
    bob = pool.person("Bob")
    alice = with_pushes(away)
    assert bob.match() == NO_DATA
    bob.heard()
    moved = move(alice, pool)
    (session,) = moved.sessions
    assert bob.sessions == {session}
    assert bob.signals() == [("NewSession", {"accountId": alice.id, "nickName": "Alice"})]
    assert moved.frames[-1]["signalType"] == "NewSession"
    assert moved.seqs == [2, 3, 4, 5]
    assert moved.say(session, "hello") == [0, 1]
    assert bob.say(session, "hello") == [0, 2]
    assert pool.queue() == []


def test_who_moves_keeps_the_time_of_waiting(pool: Pool, away: Pool) -> None:
    """Whoever meets it there is told how long it has waited, in both pools."""
    alice = away.person("Alice")
    alice.match()
    away.client.hset(away.key("account", alice.id), "queued", away.now() - 5000)
    move(alice, pool)
    bob = pool.person("Bob")
    code, *_, waited = pool.call("match", bob.id, bob.epoch, 8, ROOM)
    assert code == 0
    assert 5000 <= waited < 60_000


def test_it_is_known_where_an_account_has_moved_to(pool: Pool, away: Pool) -> None:
    """Also without the token, which is there; each question keeps it known for a day. A socket of before holds nothing."""
    alice = away.person("Alice")
    alice.match()
    moved = move(alice, pool)
    pointer = away.key("moved", alice.id)
    away.client.expire(pointer, 60)
    assert alice.attach() == alice.attach(token="wrong") == MOVED
    assert DAY - 60 < away.client.ttl(pointer) <= DAY
    assert alice.cancel() == alice.detach() == LOST
    assert moved.attach()[0] == 0
    assert moved.attach(token="wrong") == NO_DATA


# Where it is in between


def test_a_copy_is_away_until_it_is_taken(pool: Pool, away: Pool) -> None:
    """It is handed out to nobody; without its socket it ends with its grace time, and nobody hears of it."""
    alice, bob = away.person("Alice"), pool.person("Bob")
    alice.match()
    before = pool.now()
    assert admit(pool, alice, copy(alice)) == OK
    assert before + GRACE <= pool.scores("away")[str(alice.id)] <= pool.now() + GRACE
    there = at(pool, alice).account
    assert (there["state"], there["node"], there["waiting"]) == (b"away", b"", b"again")
    assert bob.match() == NO_DATA
    assert pool.figures()["accounts"] == 2
    pool.run_out(at(pool, alice))
    assert pool.sweep() == [0, 0, 1]
    assert pool.figures()["accounts"] == 1
    assert not {name for name in pool.names() if str(alice.id) in name}
    assert away.queue() == [alice.id], "it lives where it was"


def test_before_it_departs_it_is_taken_where_it_was(pool: Pool, away: Pool) -> None:
    """By a newer socket, which waits there again; then it is not as it was copied."""
    alice = with_pushes(away)
    copied = copy(alice)
    admit(pool, alice, copied)
    newer = at(away, alice)
    assert newer.attach(OTHER_NODE)[0] == 0
    assert depart(alice, copied, pool) == REPLACED
    assert away.queue() == [alice.id]
    assert newer.seqs == [2, 3, 4]


def test_a_later_attempt_takes_the_place_of_an_earlier_one(pool: Pool, away: Pool) -> None:
    """With what there is by then, once."""
    alice = with_pushes(away)
    admit(pool, alice, copy(alice))
    alice.ack(3)
    assert admit(pool, alice, copy(alice)) == OK
    assert at(pool, alice).seqs == [4]
    assert pool.figures()["accounts"] == pool.figures()["away"] == 1


def test_nobody_is_admitted_where_it_lives(pool: Pool, away: Pool) -> None:
    """An attempt that comes late must not undo what has happened since."""
    alice = away.person("Alice")
    alice.match()
    copied = copy(alice)
    moved = move(alice, pool)
    before = pool.dump()
    assert admit(pool, alice, copied) == NOT_ALLOWED
    assert pool.dump() == before
    moved.cancel()
    moved.detach()
    before = pool.dump()
    assert admit(pool, alice, copied) == NOT_ALLOWED, "nor where it is away"
    assert pool.dump() == before


def test_nobody_with_a_session_is_admitted_again(pool: Pool, away: Pool) -> None:
    """Also where it is away: its partner would talk to nobody."""
    alice = away.person("Alice")
    alice.match()
    copied = copy(alice)
    bob = pool.person("Bob")
    bob.match()
    moved = move(alice, pool)
    moved.detach()
    before = pool.dump()
    assert admit(pool, alice, copied) == NOT_ALLOWED
    assert pool.dump() == before


@pytest.mark.parametrize("what", ["paired", "pushed", "acknowledged", "cancelled", "away", "gone"])
def test_who_is_not_as_it_was_copied_does_not_depart(pool: Pool, away: Pool, what: str) -> None:
    """It stays, with all that has happened since."""
    alice = with_pushes(away)
    copied = copy(alice)
    admit(pool, alice, copied)
    expected = NOT_ALLOWED
    if what == "paired":
        away.person("Bob").match()
    elif what == "pushed":
        away.client.hincrby(away.key("account", alice.id), "seq", 1)
    elif what == "acknowledged":
        alice.ack(2)
    elif what == "cancelled":
        alice.cancel()
    else:
        alice.detach(goodbye=what == "gone")
        expected = LOST
    before = away.dump()
    assert depart(alice, copied, pool) == expected
    assert away.dump() == before


def test_who_may_not_be_copied(pool: Pool) -> None:
    """Only who waits; the socket that has the account; with an inbox that one call can read, and of this generation."""
    alice = pool.person("Alice")
    assert copy(alice) == NOT_ALLOWED
    alice.match()
    assert copy(alice)[0] == 0
    older = at(pool, alice)
    alice.attach()
    assert copy(older) == REPLACED
    assert copy(alice)[0] == 0
    pool.begin("another process")
    assert copy(alice) == NOT_ALLOWED
    alice.resume(0)
    assert copy(alice)[0] == 0
    alice.detach()
    assert copy(alice) == LOST


def test_a_long_inbox_stays(pool: Pool) -> None:
    """Beyond what one call reads."""
    alice, dave = pool.people("Alice", "Dave")
    session = pool.pair(alice, dave)
    for number in range(99):
        dave.say(session, "hi", str(number))
    dave.leave(session)
    alice.match()
    assert len(alice.seqs) == 101
    assert copy(alice) == NOT_ALLOWED
    alice.ack(1)
    assert len(copy(alice)[5]) == 100


# There and back


def test_who_comes_back_is_found_where_it_was_at_first(pool: Pool, away: Pool) -> None:
    """Each pool then knows of the other's; who is sent in a circle is where it was asked for twice."""
    alice = pool.person("Alice")
    alice.match()
    moved = move(alice, away)
    back = move(moved, pool)
    assert moved.attach() == MOVED
    assert back.attach()[0] == 0
    assert back.match() == NO_DATA


def test_until_it_departs_it_is_not_found_where_it_goes_back_to(pool: Pool, away: Pool) -> None:
    """Its first pool is asked for it at every return, and has a copy by then: of an account that lives elsewhere."""
    alice = pool.person("Alice")
    alice.match()
    moved = move(alice, away)
    copied = copy(moved)
    assert admit(pool, moved, copied) == OK
    again = at(pool, alice)
    assert again.attach() == [-5, NUMBER]
    away.person("Bob").match()
    assert depart(moved, copied, pool) == NOT_ALLOWED, "it was paired in that moment"
    assert again.attach() == [-5, NUMBER]
    assert moved.attach()[5], "there it has its session"


def test_who_was_moved_back_and_not_yet_taken(pool: Pool, away: Pool) -> None:
    """Its node has died in that moment: whoever is sent there and back again takes it there."""
    alice = pool.person("Alice")
    alice.match()
    moved = move(alice, away)
    copied = copy(moved)
    admit(pool, moved, copied)
    assert depart(moved, copied, pool) == OK
    again = at(pool, alice)
    assert again.attach() == [-5, NUMBER]
    assert moved.attach() == MOVED
    assert again.attach(token="wrong", here=True) == NO_DATA
    assert again.attach() == [-5, NUMBER], "nobody else can take it, or make it forgotten"
    assert again.attach(here=True)[0] == 0
    assert again.attach()[0] == 0


# What is known of it


def test_who_lives_long_stays_known(pool: Pool, away: Pool) -> None:
    """Said for many at once, each with its pool; also where the pool had lost it."""
    alice, bob = away.people("Alice", "Bob")
    for person in alice, bob:
        person.match()
        move(person, pool)
        person.pool.client.delete(away.key("moved", person.id))
        assert person.attach() == NO_DATA
    assert away.call("keep", alice.id, 0, bob.id, 3) == OK
    assert alice.attach() == MOVED
    assert bob.attach() == [-5, 3]
    for person in alice, bob:
        assert DAY - 60 < away.client.ttl(away.key("moved", person.id)) <= DAY


def test_what_is_said_late_hides_nobody(pool: Pool) -> None:
    """An account that is here is not elsewhere."""
    alice = pool.person("Alice")
    assert pool.call("keep", alice.id, 7) == OK
    assert alice.attach()[0] == 0


def test_who_has_ended_is_forgotten(pool: Pool, away: Pool) -> None:
    """It is nowhere then."""
    alice, bob = away.people("Alice", "Bob")
    for person in alice, bob:
        person.match()
        move(person, pool).cancel()
    assert away.call("forget", alice.id) == OK
    assert alice.attach() == NO_DATA
    assert bob.attach() == MOVED
    assert away.call("forget", alice.id) == OK
