"""Several messages in one call: each as if it were alone, one after the other."""

import json
from dataclasses import dataclass

import pytest

from tests.contract.pool import ALL, ROOM, Person, Pool, Result


@dataclass
class Message:
    sender: Person
    session: int
    text: str
    retry: bool = False
    written: int = 0
    request: str | None = None


def say(pool: Pool, *messages: Message, room: int = ROOM) -> list[Result]:
    """What is answered to each: its code, and its msgId."""
    args: list[object] = []
    for m in messages:
        request, content = json.dumps(m.request or m.text), json.dumps(m.text)
        args += (m.sender.id, m.sender.epoch, m.session, m.written, request, int(m.retry), content)
    done, *results = pool.call("say", room, *args)
    assert done == 0
    return [[code, msg] for code, msg in zip(results[::2], results[1::2], strict=True)]


def heard(person: Person) -> list[tuple[str, int]]:
    """The messages that were published for somebody, with their numbers."""
    pushes = [json.loads(push) for push in person.heard()]
    return [(push["content"], push["seq"]) for push in pushes if "content" in push]


def test_messages_of_many_people(pool: Pool) -> None:
    """Numbered in the order of the call, within each session and for each who gets them."""
    alice, bob, carol, dave = pool.people("Alice", "Bob", "Carol", "Dave")
    session, other = pool.pair(alice, bob), pool.pair(carol, dave)
    answers = say(
        pool,
        Message(bob, session, "b1"),
        Message(dave, other, "d1"),
        Message(alice, session, "a1"),
        Message(bob, session, "b2"),
        Message(carol, other, "c1"),
    )
    assert answers == [[0, 1], [0, 1], [0, 2], [0, 3], [0, 2]]
    assert heard(alice) == [("b1", 2), ("b2", 3)]
    assert heard(bob) == [("a1", 1)]
    assert heard(carol) == [("d1", 2)]
    assert heard(dave) == [("c1", 1)]
    assert [frame["seq"] for frame in alice.frames] == [1, 2, 3]


def test_a_hundred_of_one(pool: Pool) -> None:
    """As many as a node asks for at once; and the last 64 of them are remembered."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    messages = [Message(bob, session, f"{number}") for number in range(100)]
    assert say(pool, *messages) == [[0, number] for number in range(1, 101)]
    assert heard(alice) == [(f"{number}", number + 2) for number in range(100)]
    assert len(alice.times) == 101 // 8, "the time of every eighth push"
    again = [Message(bob, session, f"{number}", retry=True) for number in range(36, 100)]
    assert say(pool, *again) == [[0, number] for number in range(37, 101)]
    assert heard(alice) == []
    assert say(pool, Message(bob, session, "35", retry=True)) == [[0, 101]]


def test_a_repeat_in_the_same_call(pool: Pool) -> None:
    """It is known by then, also where it is repeated twice; another's of that name is another."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    answers = say(
        pool,
        Message(bob, session, "x", request="r"),
        Message(bob, session, "x", request="r", retry=True),
        Message(alice, session, "y", request="r", retry=True),
        Message(bob, session, "x", request="r", retry=True),
        Message(bob, session, "z", request="r"),
    )
    assert answers == [[0, 1], [0, 1], [0, 2], [0, 1], [0, 3]]
    assert heard(alice) == [("x", 2), ("z", 3)]
    assert heard(bob) == [("y", 1)]


def test_what_is_refused_does_nothing_to_the_others(pool: Pool) -> None:
    """A session of others, of nobody, of another pool, one that has ended; a socket of before, an account
    that is gone, and one that is away, although nobody has told its socket."""
    alice, bob, carol, dave, eve, frank = pool.people("A", "B", "C", "D", "E", "F")
    session, other = pool.pair(alice, bob), pool.pair(carol, dave)
    ended = pool.pair(eve, frank)
    eve.leave(ended)
    before = bob.epoch
    bob.attach()
    old = Person(pool, bob.id, bob.token, bob.node, bob.nick, before)
    gone = Person(pool, 9_000, "", "", b"", 1)
    dave.detach()
    alice.heard(), carol.heard()
    answers = say(
        pool,
        Message(bob, session, "1"),
        Message(bob, other, "not his"),
        Message(dave, other, "of one who is away"),
        Message(bob, session + 500_000, "nobody's"),
        Message(bob, 5007, "of another pool"),
        Message(old, session, "of before"),
        Message(gone, session, "of nobody"),
        Message(eve, ended, "too late"),
        Message(bob, session, "2"),
    )
    assert answers == [
        [0, 1], [4, 0], [-2, 0], [4, 0], [4, 0], [-1, 0], [-2, 0], [7, 0], [0, 2],
    ]  # fmt: skip
    assert [content for content, _ in heard(alice)] == ["1", "2"]
    assert carol.heard() == []
    pool.names()  # all of them are of this pool


def test_an_inbox_that_is_full_in_the_middle(pool: Pool) -> None:
    """To the last place; those to others are said, and so is the answer of who cannot be told any more."""
    alice, bob, carol, dave = pool.people("Alice", "Bob", "Carol", "Dave")
    session, other = pool.pair(alice, bob), pool.pair(carol, dave)
    answers = say(
        pool,
        *(Message(bob, session, f"{number}") for number in range(4)),
        Message(alice, session, "to Bob"),
        Message(dave, other, "to Carol"),
        Message(bob, session, "0", retry=True),
        room=3,
    )
    assert answers == [[0, 1], [0, 2], [6, 0], [6, 0], [0, 3], [0, 1], [0, 1]]
    assert alice.seqs == [1, 2, 3]


def test_a_client_without_numbers(pool: Pool) -> None:
    """Its message shows that its NewSession has arrived, if that was written to it; nothing else."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    bob.say(session)
    assert alice.seqs == [1, 2]
    assert say(pool, Message(alice, session, "1", written=0)) == [[0, 2]]
    assert alice.seqs == [1, 2]
    assert say(pool, *(Message(alice, session, text, written=2) for text in "23")) == [
        [0, 3],
        [0, 4],
    ]
    assert alice.seqs == [2]
    assert say(pool, Message(alice, session, "4", written=ALL)) == [[0, 5]]
    assert alice.seqs == [2]


@pytest.mark.parametrize("damaged", ["inbox", "account", "session"])
def test_a_damaged_key_costs_its_own_messages_their_answer(pool: Pool, damaged: str) -> None:
    """Somebody has put something else in its place: code 2, and nothing was done. The others of the call are
    said; and so are they, once the key is whole again, with the next numbers."""
    alice, bob, carol, dave = pool.people("Alice", "Bob", "Carol", "Dave")
    session, other = pool.pair(alice, bob), pool.pair(carol, dave)
    name = pool.key(damaged, session if damaged == "session" else alice.id)
    pool.client.rename(name, pool.key("whole"))
    pool.client.set(name, "damaged")
    alice.heard()
    kept = pool.dump()
    answers = say(
        pool,
        Message(dave, other, "1"),
        Message(bob, session, "2"),
        Message(dave, other, "3"),
        Message(bob, session, "4"),
    )
    assert answers == [[0, 1], [2, 0], [0, 2], [2, 0]]
    assert heard(carol) == [("1", 2), ("3", 3)]
    theirs = f"account:{carol.id}", f"inbox:{carol.id}", f"session:{other}", f"said:{other}:a"
    now = pool.dump()
    assert {key for key in now if now[key] != kept.get(key)} == set(theirs)
    pool.client.rename(pool.key("whole"), name)
    assert say(pool, Message(bob, session, "2", retry=True)) == [[0, 1]]
    assert heard(alice) == [("2", 2)]
