"""Generations: a server that may have come back with an older data set loses nothing silently."""

import json

import pytest

from chat.store.library import library
from tests.contract.pool import NO_DATA, NODE, OK, OLDER, OTHER_NODE, Person, Pool

NOT_NOW = [2]
FIRST_AFTER = 1_000_000


@pytest.fixture
def both(pool: Pool) -> tuple[Person, Person, int]:
    """Two who talk on a server that a node has greeted: Alice has the pushes 1 to 3."""
    pool.begin("first")
    alice, bob = pool.person("Alice", NODE), pool.person("Bob", OTHER_NODE)
    session = pool.pair(alice, bob)
    for text in "one", "two":
        bob.say(session, text)
    return alice, bob, session


def numbers(pushes: list[bytes]) -> list[int]:
    return [json.loads(push)["seq"] for push in pushes]


def test_a_generation_begins_with_a_process(pool: Pool) -> None:
    """Whoever greets it first; the others, and one that may not ask for its name, change nothing."""
    before = pool.now()
    first = pool.begin("a")
    assert before <= first <= pool.now(), "it is a time"
    assert [pool.begin(run, first) for run in ("a", "", "a")] == [first] * 3
    second = pool.begin("b", first)
    assert second > first
    assert pool.begin("b") == second
    assert pool.person().account["generation"] == b"%d" % second


def test_a_process_that_is_met_again_after_another(pool: Pool) -> None:
    """It lived on with what it had when the nodes left it: that is older than what they have seen."""
    first = pool.begin("a")
    assert pool.begin("a", first + 5) > first + 5


def test_a_generation_that_is_forgotten_does_not_come_again(pool: Pool) -> None:
    """A data set that was emptied counts from now, also where the library is loaded once more."""
    first = pool.begin("a")
    pool.client.flushall()
    pool.client.execute_command(*library())
    while pool.now() <= first:
        pass
    assert pool.begin("a") > first


def test_numbers_that_may_have_been_given_are_passed_over(pool: Pool) -> None:
    """A session that is lost is not found again with other people in it, nor an account."""
    pool.begin("first")
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    pool.begin("second")
    for person in alice, bob:
        person.attach(seq=1)
    carol = pool.person("Carol")
    assert carol.id > bob.id + 1000 * FIRST_AFTER
    bob.say(session)
    assert pool.pair(carol, bob) > session + 1000 * FIRST_AFTER


def test_a_new_data_set_counts_from_the_beginning(pool: Pool) -> None:
    """Where nothing was given nothing is passed over."""
    pool.begin("first")
    assert pool.person().id == 1000


def test_within_a_generation_nothing_is_asked(pool: Pool, both: tuple[Person, Person, int]) -> None:
    """Numbers go on by one, also when another node greets the same process."""
    alice, bob, session = both
    pool.begin("first")
    assert bob.say(session) == [0, 3]
    assert alice.seqs == [1, 2, 3, 4]


def test_nothing_is_said_to_someone_whose_node_was_not_heard_of(
    pool: Pool, both: tuple[Person, Person, int]
) -> None:
    """Its node will be back in a moment: try again. Then numbers go on, and nothing is missing."""
    alice, bob, session = both
    pool.begin("second")
    assert bob.resume(0) == 0
    before = pool.dump()
    assert bob.say(session) == NOT_NOW
    assert bob.viewed(session, 1) == NOT_NOW
    assert pool.dump() == before
    assert alice.resume(3) == 3
    assert bob.say(session) == [0, 3]
    assert alice.seqs == [1, 2, 3, 4]
    assert alice.attach(seq=4)[3] == 1


def test_a_socket_that_got_more_than_the_data_set_knows(
    pool: Pool, both: tuple[Person, Person, int]
) -> None:
    """It is told so; nothing is said before its client is back, who hears that something is lost."""
    alice, bob, session = both
    pool.begin("second")
    bob.resume(0)
    assert alice.resume(7) == OLDER[0]
    assert bob.say(session) == NOT_NOW
    *_, recovered, _, _, acked, last, pushes = alice.attach(seq=7)
    assert (recovered, acked, numbers(pushes)) == (0, 0, [1, 2, 3])
    assert last > FIRST_AFTER
    assert bob.say(session, "new") == [0, 3]
    code, _, later = alice.inbox(3)
    assert (code, numbers(later)) == (0, [last + 1])


def test_a_node_that_comes_late_does_not_hide_what_is_lost(
    pool: Pool, both: tuple[Person, Person, int]
) -> None:
    """Alice had 7 pushes and is away; meanwhile as many are pushed as were lost: with new numbers, so
    that those her client has seen are not taken for the new ones."""
    alice, bob, session = both
    alice.detach()
    pool.begin("second")
    bob.resume(0)
    for number in range(3, 9):
        assert bob.say(session) == [0, number]
    assert alice.seqs[:3] == [1, 2, 3]
    assert alice.seqs[3] > FIRST_AFTER
    *_, recovered, _, _, acked, _, pushes = alice.attach(seq=7)
    assert recovered == 0
    assert numbers(pushes) == alice.seqs == list(range(acked + 1, acked + 7))


def test_a_loss_is_told_until_it_is_known_to_be_heard(
    pool: Pool, both: tuple[Person, Person, int]
) -> None:
    """The answer that said so may itself have been lost; a number behind the loss shows it was not."""
    alice, bob, session = both
    pool.begin("second")
    bob.resume(0)
    assert alice.attach(seq=7)[3] == 0
    bob.say(session, "new")
    (new,) = numbers(alice.inbox(3)[2])
    assert alice.attach(seq=7)[3] == 0
    assert alice.attach()[3] == 0
    assert alice.attach(seq=new)[3] == 1
    assert alice.attach()[3] == 1
    assert "hole" not in alice.account


def test_numbers_that_were_passed_over_take_no_room(
    pool: Pool, both: tuple[Person, Person, int]
) -> None:
    """An inbox is full when so many pushes wait in it, whatever their numbers are."""
    alice, bob, session = both
    alice.detach()
    pool.begin("second")
    bob.resume(0)
    results = [bob.say(session, room=6)[0] for _ in range(5)]
    assert results == [0, 0, 0, 6, 6], "three were there"


def test_who_is_gone_is_gone(pool: Pool, both: tuple[Person, Person, int]) -> None:
    """The partner of someone who said goodbye is told with a number that was surely not given before."""
    alice, bob, _ = both
    pool.begin("second")
    bob.resume(0)
    bob.detach(goodbye=True)
    assert alice.seqs[-1] > FIRST_AFTER
    assert alice.resume(3) == alice.seqs[-1]
    code, last, pushes = alice.inbox(3)
    assert (code, numbers(pushes)) == (0, [last])


def test_leaving_waits_for_the_partners_node(pool: Pool, both: tuple[Person, Person, int]) -> None:
    """Nobody is cut off for a signal that can wait a moment."""
    alice, bob, session = both
    pool.begin("second")
    bob.resume(0)
    assert bob.leave(session) == NOT_NOW
    assert session in alice.sessions
    alice.resume(3)
    assert bob.leave(session) == OK
    assert alice.seqs == [1, 2, 3, 4]


def test_who_waits_keeps_the_place_until_the_node_was_heard_of(pool: Pool) -> None:
    """Others are handed out meanwhile; nobody is lost from the queue, and the order stays."""
    pool.begin("first")
    alice, bob, carol, dave, eve = pool.people("Alice", "Bob", "Carol", "Dave", "Eve")
    for person in alice, bob, carol:
        pool.client.hset(pool.key("account", person.id), "waiting", "yes")
        pool.client.rpush(pool.key("queue"), person.id)
    pool.begin("second")
    for person in carol, dave, eve:
        person.resume(0)
    _, session, partner, _ = dave.match()
    assert partner == carol.id
    assert pool.queue() == [alice.id, bob.id]
    assert eve.match() == NO_DATA
    assert pool.queue() == [alice.id, bob.id, eve.id]
    bob.resume(0)
    dave.say(session)
    assert dave.match()[2] == bob.id
    assert pool.queue() == [alice.id, eve.id]


def test_a_node_that_was_not_heard_of_is_asked(
    pool: Pool, both: tuple[Person, Person, int]
) -> None:
    """By a word on the account's channel, so that nobody waits for a link to break."""
    alice, bob, session = both
    pool.begin("second")
    bob.resume(0)
    alice.heard()
    assert bob.say(session) == NOT_NOW
    assert alice.heard() == [b"resume"]


def test_someone_is_not_told_of_an_absence_before_the_node_was_heard_of(
    pool: Pool, both: tuple[Person, Person, int]
) -> None:
    """It would be the first to be numbered anew, for a hint."""
    alice, bob, _ = both
    pool.begin("second")
    bob.resume(0)
    assert bob.detach() == OK
    assert alice.seqs == [1, 2, 3]
    assert alice.resume(3) == 3
    bob.attach()
    assert alice.seqs == [1, 2, 3], "nobody is back who was not away"


def test_who_comes_to_a_new_process_is_known_there(pool: Pool) -> None:
    """An account made or taken over belongs to the generation of that moment."""
    pool.begin("first")
    alice = pool.person("Alice")
    pool.begin("second")
    bob = pool.person("Bob")
    alice.attach(seq=0)
    session = pool.pair(alice, bob)
    assert bob.say(session) == [0, 1]
    assert alice.seqs == [1, 2]


# A pool that is handed over, as a cluster does that moves it


def test_a_pool_that_was_handed_over_lost_nothing(
    pool: Pool, both: tuple[Person, Person, int]
) -> None:
    """It is the same generation at another process: nobody is asked, and numbers go on by one."""
    alice, bob, session = both
    first = pool.begin("first")
    assert pool.begin("second", first, "first") == first
    assert pool.begin("second", first) == first, "it is known there now"
    assert bob.say(session) == [0, 3]
    assert alice.seqs == [1, 2, 3, 4]
    assert pool.person().id == 3000


def test_the_next_process_that_nobody_has_handed_it_to(pool: Pool) -> None:
    """It is a new generation, as ever: also where the one of before is named that had it long ago."""
    first = pool.begin("first")
    pool.begin("second", first, "first")
    assert pool.begin("third", first, "first") > first, "the second one had it"
    assert pool.begin("fourth") > first


def test_who_hands_over_less_than_a_node_has_seen(pool: Pool) -> None:
    """It was put down by a fail-over, say, and has not what the last one had: that is a loss."""
    first = pool.begin("first")
    assert pool.begin("second", first + 5, "first") > first + 5


def test_without_the_names_of_processes_nothing_is_known(pool: Pool) -> None:
    """A user who may not ask for them: as ever, only what a node has seen counts."""
    first = pool.begin("first")
    assert pool.begin("", first, "first") == first
    assert pool.begin("second", first, "") > first


def test_a_pool_that_comes_back_to_a_process(pool: Pool) -> None:
    """What that one remembers of it is read anew: nobody is pushed to by the generation of before."""
    first = pool.begin("first")
    alice = pool.person("Alice")
    pool.client.hset(pool.key("last"), mapping={"run": "elsewhere", "generation": first + 7})
    assert pool.begin("first", first + 7, "elsewhere") == first + 7
    bob = pool.person("Bob")
    assert alice.account["generation"] == b"%d" % first
    assert bob.account["generation"] == b"%d" % (first + 7)


def test_what_is_published_says_its_generation(pool: Pool) -> None:
    """In 13 digits: so that a node knows what a server publishes that was replaced; `resume` says the same."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    alice.heard()
    assert set(alice.marks) == {b"%013d" % 0}, "nobody has said which process it is"
    generation = pool.begin("process 1")
    alice.marks.clear()
    assert pool.call("resume", alice.id, alice.epoch, 1)[2] == generation
    assert bob.say(session)[0] == 0
    alice.heard()
    assert set(alice.marks) == {b"%013d" % generation}
    assert pool.begin("process 1") == generation, "read again"
    alice.marks.clear()
    bob.say(session)
    alice.heard()
    assert set(alice.marks) == {b"%013d" % generation}
