"""Accounts: made, counted, taken over by a newer socket, and held by one socket only."""

import pytest

from chat.store.library import library
from tests.contract.pool import (
    LEASE,
    LOST,
    NO_DATA,
    NODE,
    OK,
    OLDER,
    OTHER_NODE,
    REPLACED,
    Person,
    Pool,
)  # fmt: skip


def test_an_account_is_recorded_as_documented(pool: Pool) -> None:
    """Its hash, its node's set and the node's lease; nothing else until something happens."""
    before = pool.now()
    alice = pool.person("Alice", NODE)
    assert alice.id % 1000 == 0, "the last three digits are the pool"
    since = int(alice.account["since"])
    assert before <= since <= pool.now()
    assert alice.account == {
        "nick": b'"Alice"',
        "token": b"token of Alice",
        "node": b"node-1",
        "epoch": b"%d" % since,
        "state": b"online",
        "seq": b"0",
        "acked": b"0",
        "generation": b"0",
        "since": b"%d" % since,
    }
    assert pool.names() == {"last", "open", f"account:{alice.id}", f"node:{NODE}", "nodes"}
    assert alice.epoch == since
    assert pool.held(NODE) == {alice.id: since}
    assert since + LEASE <= pool.scores("nodes")[NODE] <= pool.now() + LEASE


def test_account_numbers_are_never_given_twice(pool: Pool) -> None:
    """Not even when the account that had it is gone."""
    alice = pool.person()
    alice.detach(goodbye=True)
    bob = pool.person()
    assert bob.id == alice.id + 1000


def test_an_address_may_make_so_many_accounts_in_a_minute(pool: Pool) -> None:
    """One more is told how long to wait, and leaves nothing behind; another address is free."""

    def create(address: str, limit: int = 2) -> list[int]:
        return pool.call("create", NODE, '"x"', "t", address, limit, LEASE)

    assert [create("a")[0], create("a")[0]] == [0, 0]
    before = pool.names()
    code, wait = create("a")
    assert code == 6
    assert 0 < wait <= 60_000
    assert pool.names() == before
    assert create("b")[0] == 0
    assert create("a", limit=0)[0] == 0, "0 is no limit"
    assert 0 < pool.client.pttl(pool.key("made", "a")) <= wait, "trying again prolongs nothing"
    pool.client.delete(pool.key("made", "a"))  # as when the minute is over
    assert create("a")[0] == 0


def test_without_a_limit_addresses_are_not_counted(pool: Pool) -> None:
    """No key is kept for what nobody asks."""
    pool.person()
    assert not [key for key in pool.names() if key.startswith("made:")]


@pytest.mark.parametrize("token", ["", "wrong", "token of Alic", "token of Alice "])
def test_a_wrong_token_gets_nothing(pool: Pool, token: str) -> None:
    """Neither the account nor any change to it."""
    alice = pool.person("Alice")
    before = pool.dump()
    assert alice.attach(OTHER_NODE, token=token) == NO_DATA
    assert pool.dump() == before
    assert alice.heard() == []


def test_an_unknown_account_gets_nothing(pool: Pool) -> None:
    """An account that never was, and one that is gone, cannot be told apart."""
    alice = pool.person()
    alice.detach(goodbye=True)
    before = pool.dump()
    assert alice.attach() == NO_DATA
    assert pool.call("attach", 999_000, "token", NODE, "", LEASE) == NO_DATA
    assert pool.call("attach", 999_000, "", NODE, "", LEASE) == NO_DATA
    assert pool.dump() == before


def test_a_newer_socket_takes_the_account_over(pool: Pool) -> None:
    """From another node: the older one hears of it by the channel, and owns nothing any more."""
    alice = pool.person("Alice", NODE)
    first = alice.epoch
    code, second, *rest = alice.attach(OTHER_NODE)
    assert [code, *rest] == [0, b'"Alice"', 1, 0, [], 0, 0, []]
    assert second > first
    assert alice.heard() == [b"epoch %d" % second]
    assert pool.held(NODE) == {}
    assert pool.held(OTHER_NODE) == {alice.id: second}
    assert alice.account["node"] == OTHER_NODE.encode()
    code, third, *_ = alice.attach(OTHER_NODE)
    assert code == 0, "on the same node too"
    assert third > second
    assert alice.heard() == [b"epoch %d" % third]
    assert pool.held(OTHER_NODE) == {alice.id: third}


def test_a_takeover_is_no_absence(pool: Pool) -> None:
    """Partners hear nothing, and a place in the queue is kept."""
    alice, bob, carol = pool.people("Alice", "Bob", "Carol")
    session = pool.pair(alice, bob)
    alice.say(session)
    bob.heard()
    alice.match()
    assert alice.attach(OTHER_NODE)[4] == 1, "still waiting"
    assert bob.heard() == []
    assert pool.queue() == [alice.id]
    assert carol.match()[2] == alice.id


def every_command(person: Person, session: int) -> list[list[int]]:
    """The result of every function that a socket's epoch guards, the harmless ones too."""
    return [
        person.match(), person.cancel(), person.say(session), person.say(session, retry=True),
        person.viewed(session, 1), person.typing(session), person.leave(session),
        person.inbox(0), person.detach(), person.detach(99, goodbye=True),
    ]  # fmt: skip


def test_a_replaced_socket_changes_nothing(pool: Pool) -> None:
    """Every command of an older epoch gets -1, and neither a key nor a channel knows of it."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    bob.say(session)
    older = alice.epoch
    alice.attach(OTHER_NODE)
    alice.epoch = older
    bob.heard(), alice.heard()
    before = pool.dump()
    assert every_command(alice, session) == [REPLACED] * 10
    assert alice.ack(1) == OK
    assert pool.dump() == before
    assert bob.heard() == alice.heard() == []


def test_the_socket_of_an_account_that_is_away_changes_nothing(pool: Pool) -> None:
    """Every command gets -2: it may come back, by attach alone."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    bob.say(session)
    alice.detach()
    bob.heard(), alice.heard()
    before = pool.dump()
    assert every_command(alice, session) == [LOST] * 10
    assert alice.ack(1) == OK
    assert pool.dump() == before
    assert bob.heard() == alice.heard() == []


def test_the_socket_of_an_account_that_is_gone_changes_nothing(pool: Pool) -> None:
    """Every command gets -2, and nothing comes to life again."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    alice.detach(goodbye=True)
    bob.heard()
    before = pool.dump()
    assert every_command(alice, session) == [LOST] * 10
    assert alice.ack(1) == OK
    assert pool.dump() == before
    assert bob.heard() == []


def test_an_epoch_that_this_data_set_has_not_given_yet(pool: Pool) -> None:
    """As after a fail-over that forgot an attach: such a socket was not replaced, it may come back."""
    alice, bob = pool.people("Alice", "Bob")
    session = pool.pair(alice, bob)
    alice.epoch += 1
    before = pool.dump()
    assert every_command(alice, session) == [OLDER] * 10
    assert pool.dump() == before


def test_epochs_are_compared_as_numbers(pool: Pool) -> None:
    """9 is older than 10: a server whose clock stands where it had one digit less."""
    alice = pool.person()
    ahead = 10 ** len(str(alice.epoch))
    pool.client.hset(pool.key("account", alice.id), "epoch", ahead - 1)
    assert alice.attach()[1] == ahead
    alice.epoch = ahead - 1
    assert alice.cancel() == REPLACED


def test_an_account_that_is_made_again_has_another_epoch(pool: Pool) -> None:
    """A server that came back with an older data set gives a number a second time: the socket of
    the first account does not hold the second one, and is told that this data set is not its own."""
    alice = pool.person("Alice")
    alice.detach(goodbye=True)
    pool.client.hset(pool.key("last"), "account", 0)
    while pool.now() == alice.epoch:
        pass
    bob = pool.person("Bob")
    assert bob.id == alice.id
    assert bob.epoch > alice.epoch
    assert alice.match() == REPLACED
    assert bob.account["epoch"] == b"%d" % bob.epoch


def test_an_attach_that_is_forgotten_is_done_with_another_epoch(pool: Pool) -> None:
    """So two sockets never have the same, whatever the data set knows of the first."""
    alice = pool.person()
    before = pool.client.hgetall(pool.key("account", alice.id))
    alice.attach()
    forgotten = alice.epoch
    pool.client.hset(pool.key("account", alice.id), mapping=before)
    while pool.now() <= forgotten:
        pass
    alice.attach(OTHER_NODE)
    assert alice.epoch > forgotten


def test_a_socket_of_an_emptied_data_set_hears_of_a_new_account_of_its_number(pool: Pool) -> None:
    """Before anything else comes on that channel: it is not meant for it."""
    alice = pool.person("Alice")
    pool.client.flushall()
    pool.client.execute_command(*library())
    alice.heard()
    bob = pool.person("Bob")
    assert bob.id == alice.id
    assert alice.heard() == [b"new"]
