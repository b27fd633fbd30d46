"""Messages: numbered, passed on unaltered, repeated without being delivered twice."""

import json

import pytest

from tests.contract.pool import CLOSED, NO_DATA, OK, RATE_LIMITED, Pool

TEXTS = {
    "emoji": json.dumps("👩‍👩‍👧 🏳️‍🌈 🇩🇪", ensure_ascii=False).encode(),
    "escapes": rb'"\"\\\/\b\f\n\r\t\u0000\u0041\ud83d\ude00"',
    "line separators": '"a\u2028b\u2029c\u0085d"'.encode(),
    "combining": '"e\u0301 \u1e9b\u0323 a\u0308\u0304"'.encode(),
    "right to left": '"\u202eשלום \u061c مرحبا\u202c"'.encode(),
    "what could end a frame": rb'"},\"seq\":7}{\"cmd\":\"X\"}]"',
    "what formats and patterns know": b'"%s %d %% %1 \\u0025 ${x} \'; return 1 --"',
    "a delete character and a trailing break": b'"\x7f  \\n"',
    "long, a byte each": b'"' + b"x" * 2000 + b'"',
    "long, four bytes each": b'"' + "😀".encode() * 2000 + b'"',
    "long, escaped": b'"' + rb"\u0000" * 2000 + b'"',
    "bytes that are no text": b'"\xff\xfe\x00\x80"',
}

REQUESTS = ["r", "a:b:c", ":", "1:2:a:x", "a\nb", "\r\n", "%d+", "é👩‍👧\u2028", "\0", "x" * 100]


@pytest.mark.parametrize("content", TEXTS.values(), ids=TEXTS.keys())
def test_content_is_never_altered(pool: Pool, content: bytes) -> None:
    """Byte for byte in the inbox, on the channel, and replayed."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    assert bob.say(session, content) == [0, 1]
    head = b'{"cmd":"PUSH_DIALOGUE_REQ","msgId":1,"senderId":2000,"sessionId":1000,"content":'
    frame = head + content + b',"seq":2}'
    assert alice.heard()[-1] == frame
    assert alice.inbox(1) == [0, 2, [frame]]
    assert alice.attach(seq=1)[8] == [frame]


def test_messages_are_numbered_within_their_session(pool: Pool) -> None:
    """From 1, by one, over both sides; every session counts for itself."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    first = pool.pair(alice, bob)
    assert [who.say(first) for who in (alice, bob, bob, alice)] == [[0, n] for n in (1, 2, 3, 4)]
    second = pool.pair(carol, bob)
    assert [carol.say(second), alice.say(first), bob.say(second)] == [[0, 1], [0, 5], [0, 2]]
    assert pool.hash("session", first)["last"] == b"5"


def test_only_the_partner_gets_a_message(pool: Pool) -> None:
    """Not the sender, and nobody else."""
    alice, bob, carol, dave = pool.people("Alice", "Bob", "Carol", "Dave")
    session = pool.pair(alice, bob)
    pool.pair(carol, dave)
    for person in alice, bob, carol, dave:
        person.heard()
    bob.say(session)
    assert [len(person.heard()) for person in (alice, bob, carol, dave)] == [1, 0, 0, 0]


def test_a_session_of_others_or_of_nobody_is_not_found(pool: Pool) -> None:
    """Code 4 for every command in it, and nothing happens."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    session = pool.pair(alice, bob)
    bob.say(session)
    before = pool.dump()
    for number in session, 999_000, 2**53 - 1:
        results = [
            carol.say(number), carol.say(number, retry=True), carol.viewed(number, 1),
            carol.typing(number), carol.leave(number),
        ]  # fmt: skip
        assert results == [NO_DATA] * 5
    assert pool.dump() == before


@pytest.mark.parametrize("request_id", REQUESTS)
def test_a_repeated_request_is_answered_and_not_delivered_twice(
    pool: Pool, request_id: str
) -> None:
    """With retry and a requestId that was accepted: its msgId again, and nothing is pushed."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    bob.say(session, "before", "another")
    assert bob.say(session, "hi", request_id) == [0, 2]
    bob.say(session, "after", "a third")
    before = pool.dump()
    alice.heard()
    assert bob.say(session, "hi", request_id, retry=True) == [0, 2]
    assert pool.dump() == before
    assert alice.heard() == []


@pytest.mark.parametrize("request_id", REQUESTS)
def test_a_repeated_request_that_never_arrived_is_a_message(pool: Pool, request_id: str) -> None:
    """With retry and an unknown requestId it is recorded, and known from then on."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    assert bob.say(session, request=request_id, retry=True) == [0, 1]
    assert bob.say(session, request=request_id, retry=True) == [0, 1]
    assert len(alice.frames) == 2, "NewSession and the message"


def test_a_request_id_is_known_as_a_whole(pool: Pool) -> None:
    """Neither a part of one nor one that only looks like what is remembered."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    bob.say(session, request="a:b")
    for number, other in enumerate(["a", "b", ":b", "a:", "a:b ", "A:B", "1:2:a:a:b", "%w:%w"], 2):
        assert bob.say(session, request=other, retry=True) == [0, number]


def test_without_retry_a_message_is_new_whatever_its_request_id(pool: Pool) -> None:
    """An old client may give every message the same one."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    assert [bob.say(session, request="same") for _ in range(3)] == [[0, 1], [0, 2], [0, 3]]
    assert len(alice.frames) == 4


def test_the_other_sides_request_id_is_another(pool: Pool) -> None:
    """A requestId is the sender's."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    bob.say(session, request="same")
    assert alice.say(session, request="same", retry=True) == [0, 2]
    assert bob.say(session, request="same", retry=True) == [0, 1]
    assert alice.say(session, request="same", retry=True) == [0, 2]


def test_a_request_id_of_another_session_is_another(pool: Pool) -> None:
    """It counts in one session."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    first = pool.pair(alice, bob)
    bob.say(first, request="same")
    second = pool.pair(carol, bob)
    assert bob.say(second, request="same", retry=True) == [0, 1]
    assert len(carol.frames) == 2


def test_the_last_64_requests_of_each_are_remembered(pool: Pool) -> None:
    """The 65th takes the place of the first; of what the other says meanwhile none does: who repeats a
    message after a long silence finds it, however much was said to it."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    assert alice.say(session, request="r1") == [0, 1]
    for number in range(2, 202):
        assert bob.say(session, request=f"r{number}") == [0, number]
    assert alice.say(session, request="r1", retry=True) == [0, 1]
    assert bob.say(session, request="r138", retry=True) == [0, 138]
    assert bob.say(session, request="r137", retry=True) == [0, 202], "forgotten, so it is new"
    assert bob.say(session, request="r138", retry=True) == [0, 203], "and has taken its place"
    kept = pool.client.llen(pool.key("said", f"{session}:a"))
    kept += pool.client.llen(pool.key("said", f"{session}:b"))
    assert kept <= 2 * 128


def test_64_requests_are_remembered_at_every_moment(pool: Pool) -> None:
    """However many are kept at that moment, which are never many more."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    for number in range(1, 300):
        assert bob.say(session, request=f"r{number}") == [0, number]
        oldest = max(1, number - 63)
        assert bob.say(session, request=f"r{oldest}", retry=True) == [0, oldest]
        assert pool.client.llen(pool.key("said", f"{session}:a")) <= 128
        alice.ack(number)


def test_a_repeated_request_is_answered_when_the_inbox_is_full(pool: Pool) -> None:
    """It was accepted before: it needs no room."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    bob.say(session, request="r", room=2)
    assert bob.say(session, request="new", room=2) == RATE_LIMITED
    assert bob.say(session, request="r", retry=True, room=2) == [0, 1]


def test_a_full_inbox_refuses_messages(pool: Pool) -> None:
    """Code 6 and nothing happens; it counts what is not acknowledged, and takes more after that."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    assert [bob.say(session, request=f"{n}", room=3) for n in (1, 2)] == [[0, 1], [0, 2]]
    before = pool.dump()
    alice.heard()
    assert bob.say(session, request="3", room=3) == RATE_LIMITED
    assert bob.say(session, request="3", retry=True, room=3) == RATE_LIMITED
    assert pool.dump() == before
    assert alice.heard() == []
    assert alice.say(session, room=3) == [0, 3], "the sender's own inbox is another"
    alice.ack(2)
    assert bob.say(session, request="3", retry=True, room=3) == [0, 4]


def test_a_message_to_someone_away_waits_in_the_inbox(pool: Pool) -> None:
    """Accepted like any other, within the bound."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    alice.detach(1)
    assert bob.say(session, "one", room=2) == [0, 1]
    assert bob.say(session, "two", room=2) == [0, 2]
    assert bob.say(session, "three", room=2) == RATE_LIMITED
    assert [frame["content"] for frame in map(json.loads, alice.attach(seq=1)[8])] == ["one", "two"]


def test_typing_is_passed_on_and_never_stored(pool: Pool) -> None:
    """No number, no entry, no key changed; a full inbox does not matter."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    alice.heard()
    before = pool.dump()
    assert [bob.typing(session, "true"), bob.typing(session, "false")] == [OK, OK]
    assert pool.dump() == before
    typed = [{"accountId": bob.id, "typing": flag} for flag in (True, False)]
    assert alice.signals() == [("Typing", data) for data in typed]
    assert bob.heard() == []


def test_in_an_ended_session_every_command_gets_7(pool: Pool) -> None:
    """From both sides, and also after one of them is gone."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    bob.say(session)
    assert bob.leave(session) == OK
    for person in alice, bob:
        results = [
            person.say(session), person.say(session, retry=True), person.viewed(session, 1),
            person.viewed(session, 99), person.typing(session), person.leave(session),
        ]  # fmt: skip
        assert results == [CLOSED] * 6
    bob.detach(goodbye=True)
    assert alice.say(session) == CLOSED


def test_only_who_did_not_leave_is_told_again_and_only_after_a_message(pool: Pool) -> None:
    """PartnerExit is pushed again after a say, to the side that was left."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    bob.leave(session)
    left = ("PartnerExit", {"accountId": bob.id})
    assert alice.signals()[1:] == [left]
    assert bob.heard() == []
    bob.say(session), bob.typing(session), bob.viewed(session, 1), bob.leave(session)
    alice.typing(session), alice.viewed(session, 1), alice.leave(session)
    assert alice.heard() == bob.heard() == []
    assert alice.say(session, room=2) == CLOSED
    assert alice.signals() == [left]
    assert bob.heard() == []
    assert alice.say(session, room=2) == CLOSED, "within the bound of the inbox"
    assert alice.heard() == []
    assert alice.seqs == [2, 3], "its NewSession had arrived"


def test_an_ended_session_keeps_no_content_and_is_forgotten(pool: Pool) -> None:
    """Its requestIds go at once, the rest within an hour."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    for number in range(70):
        bob.say(session, request=f"r{number}")
        alice.say(session, request=f"r{number}")
    bob.leave(session)
    kept = pool.hash("session", session)
    assert set(kept) == {
        "state", "left", "ended", "a", "b", "nick_a", "nick_b", "last", "opened_b", "since",
    }  # fmt: skip
    assert (kept["state"], kept["left"]) == (b"ended", b"%d" % bob.id)
    assert not pool.client.exists(*(pool.key("said", f"{session}:{side}") for side in "ab"))
    assert 3500 < pool.client.ttl(pool.key("session", session)) <= 3600
    assert alice.sessions == bob.sessions == set()
    pool.client.delete(pool.key("session", session))  # as when the hour is over
    assert alice.say(session) == NO_DATA
