"""Delivery: numbers, what is acknowledged, what is replayed."""

import json

import pytest

from tests.contract.pool import LOST, NO_DATA, OK, OLDER, OTHER_NODE, REPLACED, Person, Pool


@pytest.fixture
def alice(pool: Pool) -> Person:
    """Someone with the pushes 1 to 5, who is on the waiting side of session 1000 with Bob (2000)."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    for number in range(4):
        bob.say(session, f"message {number}")
    alice.heard()
    return alice


def numbers(pushes: list[bytes]) -> list[int]:
    return [json.loads(push)["seq"] for push in pushes]


def in_session(person: Person, command: str, session: int) -> None:
    """A command that names a session, by its name."""
    if command == "viewed":
        assert person.viewed(session, 99) == NO_DATA
    else:
        getattr(person, command)(session)


def test_pushes_are_numbered_for_the_account(pool: Pool) -> None:
    """From 1, by one, over all sessions and all kinds that are stored."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    first = pool.pair(alice, bob)
    bob.say(first)
    second = pool.pair(alice, carol)
    alice.say(second)
    carol.viewed(second, 1)
    bob.typing(first)
    carol.detach()
    bob.leave(first)
    published = [json.loads(push) for push in alice.heard()]
    assert [frame.get("seq") for frame in published] == [1, 2, 3, 4, None, 5, 6]
    assert alice.account["seq"] == b"6"


def test_an_acknowledgement_lets_go_of_what_has_arrived(alice: Person) -> None:
    """Everything up to it; nothing behind it."""
    assert alice.ack(2) == OK
    assert alice.seqs == [3, 4, 5]
    assert alice.account["acked"] == b"2"
    assert alice.ack(5) == OK
    assert alice.seqs == []


@pytest.mark.parametrize("seq", [0, 1, 2, 6, 2**31, 2**53 - 1])
def test_an_acknowledgement_out_of_bounds_changes_nothing(
    alice: Person, pool: Pool, seq: int
) -> None:
    """Neither below what is acknowledged nor beyond the last push."""
    alice.ack(2)
    before = pool.dump()
    assert alice.ack(seq) == OK
    assert pool.dump() == before


def test_numbers_go_on_when_the_inbox_is_empty(alice: Person, pool: Pool) -> None:
    """The next push is the next number."""
    alice.ack(5)
    epoch = pool.hash("account", 2000)["epoch"]
    assert pool.call("say", 10, 2000, epoch, 1000, 0, "r", 0, '"hi"') == [0, 0, 5]
    assert alice.seqs == [6]


def test_many_are_acknowledged_in_one_call(pool: Pool) -> None:
    """Each for itself: a stale or unknown one in between is passed over."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    session = pool.pair(alice, bob)
    bob.say(session)
    alice.say(session)
    other = pool.pair(carol, bob)
    bob.say(other)
    stale = carol.epoch
    carol.attach(OTHER_NODE)
    acks = [
        (carol.id, stale, 2), (999_000, 1, 1), (alice.id, alice.epoch, 2), (bob.id, bob.epoch, 1),
        (alice.id, alice.epoch + 1, 3),
    ]  # fmt: skip
    assert pool.call("ack", *[part for ack in acks for part in ack]) == OK
    assert [person.seqs for person in (alice, bob, carol)] == [[], [], [1, 2]]


def test_acknowledging_nothing_is_fine(pool: Pool) -> None:
    """No triples, no change."""
    assert pool.call("ack") == OK
    assert pool.names() == set()


def test_the_inbox_is_read_from_a_number_on(alice: Person, pool: Pool) -> None:
    """Exactly what is recorded after it; reading changes nothing."""
    before = pool.dump()
    for after in 0, 3, 4, 5:
        code, last, pushes = alice.inbox(after)
        assert (code, last) == (0, 5)
        assert numbers(pushes) == list(range(after + 1, 6))
    assert alice.inbox(0)[2] == alice.recorded
    assert pool.dump() == before


def test_a_number_that_was_not_given_yet_shows_an_older_data_set(alice: Person) -> None:
    """The node has written what this server does not know: it must not go on as if nothing was."""
    assert alice.inbox(6) == OLDER
    alice.ack(5)
    assert alice.inbox(5) == [0, 5, []]
    assert alice.inbox(6) == OLDER


def test_a_long_inbox_is_read_a_part_at_a_time(pool: Pool) -> None:
    """Each call says how far it goes, so that the reader knows whether there is more."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    for number in range(249):
        bob.say(session, str(number))
    *_, recovered, _, _, acked, last, pushes = alice.attach()
    assert (recovered, acked, last, numbers(pushes)) == (1, 0, 250, list(range(1, 101)))
    assert [numbers(alice.inbox(after)[2]) for after in (100, 200, 250)] == [
        list(range(101, 201)), list(range(201, 251)), [],
    ]  # fmt: skip
    assert alice.inbox(249)[:2] == [0, 250]


def test_the_inbox_is_read_only_by_who_holds_the_account(alice: Person) -> None:
    """A replaced socket hears -1, a lost one -2."""
    first = alice.epoch
    alice.attach()
    second, alice.epoch = alice.epoch, first
    assert alice.inbox(0) == REPLACED
    alice.epoch = second
    alice.detach()
    assert alice.inbox(0) == LOST


def test_coming_back_without_a_number_replays_all_that_is_not_acknowledged(alice: Person) -> None:
    """In order, from the one behind ``acked``."""
    alice.ack(2)
    *_, recovered, _, _, acked, _, pushes = alice.attach()
    assert (recovered, acked, numbers(pushes)) == (1, 2, [3, 4, 5])
    assert pushes == alice.recorded


@pytest.mark.parametrize("seq", [3, 4, 5])
def test_coming_back_with_a_number_acknowledges_up_to_it(alice: Person, seq: int) -> None:
    """Only what is behind it is replayed."""
    alice.ack(2)
    *_, recovered, _, _, acked, _, pushes = alice.attach(seq=seq)
    assert (recovered, acked, numbers(pushes)) == (1, seq, list(range(seq + 1, 6)))
    assert alice.seqs == numbers(pushes)


@pytest.mark.parametrize("seq", [0, 1, 2])
def test_nothing_acknowledged_is_repeated(alice: Person, seq: int) -> None:
    """A number below what is acknowledged is as good as that."""
    alice.ack(2)
    *_, recovered, _, _, acked, _, pushes = alice.attach(seq=seq)
    assert (recovered, acked, numbers(pushes)) == (1, 2, [3, 4, 5])


@pytest.mark.parametrize("seq", [6, 2**31, 2**53 - 1])
def test_a_number_beyond_the_last_push_counts_as_absent(alice: Person, seq: int) -> None:
    """And says that the client has seen what this data set has lost: not recovered."""
    alice.ack(2)
    *_, recovered, _, _, acked, _, pushes = alice.attach(seq=seq)
    assert (recovered, acked, numbers(pushes)) == (0, 2, [3, 4, 5])


def test_what_cannot_be_replayed_is_said(alice: Person, pool: Pool) -> None:
    """An inbox that lost entries is no silent gap, wherever they were."""
    pool.client.xdel(pool.key("inbox", alice.id), "3-0")
    assert alice.attach()[3] == 0
    pool.client.delete(pool.key("inbox", alice.id))
    assert alice.attach(seq=1)[3] == 0
    assert alice.attach(seq=5)[3] == 1, "what was lost had arrived before"


def test_what_cannot_be_replayed_is_said_also_to_who_is_paired_at_once(pool: Pool) -> None:
    """The NewSession of that very moment does not hide what is missing."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    session = pool.pair(alice, carol)
    carol.say(session)
    alice.match()
    alice.detach(acked=1)
    pool.client.delete(pool.key("inbox", alice.id))
    bob.match()
    assert alice.attach()[3] == 0


def test_a_socket_that_closes_says_what_had_arrived(alice: Person) -> None:
    """So that it is not replayed; a number out of bounds says nothing."""
    alice.detach(acked=3)
    assert alice.seqs == [4, 5]
    alice.attach()
    alice.detach(acked=6)
    assert alice.seqs == [4, 5]
    alice.attach()
    alice.detach(acked=1)
    assert alice.seqs == [4, 5]


@pytest.mark.parametrize("command", ["say", "viewed", "typing", "leave"])
def test_a_command_in_a_session_shows_that_its_new_session_arrived(
    pool: Pool, command: str
) -> None:
    """And all before it, but nothing behind it."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    first = pool.pair(alice, carol)
    carol.say(first)
    second = pool.pair(alice, bob)
    bob.say(second)
    bob.say(second)
    assert alice.seqs == [1, 2, 3, 4, 5]
    in_session(alice, command, second)
    assert alice.seqs == [4, 5]
    assert alice.account["acked"] == b"3"


@pytest.mark.parametrize("command", ["say", "viewed", "typing", "leave"])
def test_that_holds_also_for_a_new_session_on_coming_back(pool: Pool, command: str) -> None:
    """Who is paired while coming back is pushed a NewSession as well."""
    alice, bob = pool.people("Alice", "Bob")
    alice.match()
    alice.detach()
    bob.match()
    alice.attach()
    (session,) = alice.sessions
    assert alice.seqs == [1]
    in_session(alice, command, session)
    assert alice.seqs == []


def test_a_command_in_a_session_shows_nothing_to_the_one_who_asked(pool: Pool) -> None:
    """Whoever asked got an answer, no push."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    alice.say(session)
    bob.typing(session)
    assert bob.seqs == [1]


def test_asking_for_a_match_shows_nothing(pool: Pool) -> None:
    """An old client repeats it without looking."""
    alice, bob = pool.people("Alice", "Bob")
    pool.pair(alice, bob)
    alice.match()
    assert alice.seqs == [1]
