"""The very bytes of every push: field names, types, and ``seq`` as the last field."""

import pytest

from tests.contract.pool import Pool

# Beyond 32 bits, beyond what prints without an exponent, and the last numbers below 2^53.
LARGE = [2**31 - 1, 2**32, 10**15, 2**53 - 3]


def test_every_push_is_written_as_documented(pool: Pool) -> None:
    """What is published is what is recorded, and is the frame that the socket will send."""
    alice, bob = pool.people("Alice", "Bob")  # 1000, 2000
    session = pool.pair(alice, bob)  # 1000
    bob.say(session, "hi")
    bob.say(session, "you")
    bob.viewed(session, 2)
    bob.detach()
    bob.attach()
    bob.leave(session)
    to_alice = b'"sessionId":1000,"receiverId":1000,"signalType":'
    new = b'{"cmd":"PUSH_SIGNAL_REQ","senderId":2000,' + to_alice
    notice = b'{"cmd":"PUSH_SIGNAL_REQ","senderId":0,' + to_alice
    said = b'{"cmd":"PUSH_DIALOGUE_REQ","msgId":%d,"senderId":2000,"sessionId":1000,"content":%b'
    expected = [
        new + b'"NewSession","data":{"accountId":2000,"nickName":"Bob"},"seq":1}',
        said % (1, b'"hi","seq":2}'),
        said % (2, b'"you","seq":3}'),
        b'{"cmd":"PUSH_VIEWED_ACK_REQ","sessionId":1000,"accountId":2000,"msgId":2,"seq":4}',
        notice + b'"PartnerAway","data":{"accountId":2000},"seq":5}',
        notice + b'"PartnerBack","data":{"accountId":2000},"seq":6}',
        notice + b'"PartnerExit","data":{"accountId":2000},"seq":7}',
    ]
    assert alice.recorded == expected
    assert alice.heard() == expected


@pytest.mark.parametrize("flag", ["true", "false"])
def test_typing_is_written_as_documented(pool: Pool, flag: str) -> None:
    """It ends with its data, not with a number: that is how nodes tell that it has none."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    alice.heard()
    bob.typing(session, flag)
    assert alice.heard() == [
        b'{"cmd":"PUSH_SIGNAL_REQ","senderId":2000,"sessionId":1000,"receiverId":1000,'
        b'"signalType":"Typing","data":{"accountId":2000,"typing":%b}}' % flag.encode()
    ]


def test_coming_back_into_a_session_is_written_like_any_other_new_session(pool: Pool) -> None:
    """Whoever is paired while coming back gets NewSession too."""
    alice, bob = pool.people("Alice", "Bob")
    alice.match()
    alice.detach()
    bob.match()
    alice.attach()
    (push,) = alice.recorded
    assert push == (
        b'{"cmd":"PUSH_SIGNAL_REQ","senderId":2000,"sessionId":1000,"receiverId":1000,'
        b'"signalType":"NewSession","data":{"accountId":2000,"nickName":"Bob"},"seq":1}'
    )


@pytest.mark.parametrize("number", [n // 1000 for n in LARGE])
def test_large_ids_are_integers(pool: Pool, number: int) -> None:
    """In results, keys, frames and channels: digits only, never an exponent."""
    pool.client.hset(pool.key("last"), mapping={"account": number - 3, "session": number - 1})
    alice, bob = pool.people("Alice", "Bob")
    assert [alice.id, bob.id] == [(number - 2) * 1000, (number - 1) * 1000]
    session = pool.pair(alice, bob)
    assert session == number * 1000 < 2**53
    assert alice.sessions == bob.sessions == {session}
    assert bob.say(session) == [0, 1]
    new, message = alice.heard()
    assert b'"senderId":%d,"sessionId":%d,' % (bob.id, session) in message
    assert b'"data":{"accountId":%d,' % bob.id in new
    assert alice.attach()[5] == [session, bob.id, b'"Bob"']
    assert pool.held(alice.node) == {alice.id: alice.epoch, bob.id: bob.epoch}


@pytest.mark.parametrize("number", LARGE)
def test_large_message_numbers_are_integers(pool: Pool, number: int) -> None:
    """In the answer, the push, the memory of requests and what was viewed."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    pool.client.hset(pool.key("session", session), "last", number - 1)
    assert bob.say(session) == [0, number]
    assert bob.say(session, retry=True) == [0, number]
    assert alice.frames[-1]["msgId"] == number
    assert b'"msgId":%d,' % number in alice.recorded[-1]
    assert alice.viewed(session, number) == [0]
    assert alice.viewed(session, number + 1) == [4]
    assert b'"msgId":%d,' % number in bob.recorded[-1]
    assert pool.hash("session", session)["last"] == b"%d" % number


@pytest.mark.parametrize("number", LARGE)
def test_large_delivery_numbers_are_integers(pool: Pool, number: int) -> None:
    """As seq of the push, as its entry in the inbox, acknowledged, and asked for by number."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    alice.ack(1)
    pool.client.hset(
        pool.key("account", alice.id), mapping={"seq": number - 2, "acked": number - 2}
    )
    bob.say(session, "one")
    bob.say(session, "two")
    assert alice.seqs == [number - 1, number]
    assert alice.recorded[-1].endswith(b',"seq":%d}' % number)
    assert alice.inbox(number - 1) == [0, number, alice.recorded[1:]]
    alice.ack(number - 1)
    assert alice.seqs == [number]
    assert alice.account["acked"] == b"%d" % (number - 1)
    assert alice.attach(seq=number)[6:] == [number, number, []]


@pytest.mark.parametrize("number", [10**14, 2**53 - 1])
def test_large_epochs_are_integers(pool: Pool, number: int) -> None:
    """In the answer, on the channel, and where it is compared."""
    alice = pool.person()
    pool.client.hset(pool.key("account", alice.id), "epoch", number - 1)
    assert alice.attach()[1] == number
    assert alice.heard() == [b"epoch %d" % number]
    assert alice.cancel() == [0]
    alice.epoch -= 1
    assert alice.cancel() == [-1]
