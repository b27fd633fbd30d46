"""``hub``: pushes in order, one socket for an account (gaps: test_hub_gaps, test_hub_reading)."""

import pytest

from chat.errors import Close
from chat.store.library import UNMARKED
from tests.unit.fake_inboxes import push, typing
from tests.unit.hub_scene import World

# Who is here


def test_coming_and_going() -> None:
    """An account's channel is wanted from before its answer until its socket is gone."""
    world = World()
    world.hub.expect(0, 1000)
    assert world.inboxes.subscribed == [(0, 1000)]
    assert world.hub.epoch_of(0, 1000) is None
    assert len(world.hub) == 0
    world.hub.unexpect(0, 1000)
    assert world.inboxes.subscribed == []
    connection = world.join()
    assert (len(world.hub), world.inboxes.subscribed) == (1, [(0, 1000)])
    connection.closed(1006)
    assert (len(world.hub), world.inboxes.subscribed) == (0, [])
    assert world.hub.epoch_of(0, 1000) == 0


def test_two_sockets_expect_one_account() -> None:
    """The first to give up does not take the channel away from the other."""
    world = World()
    world.hub.expect(0, 1000)
    world.hub.expect(0, 1000)
    world.hub.unexpect(0, 1000)
    assert world.inboxes.subscribed == [(0, 1000)]
    world.hub.unexpect(0, 1000)
    assert world.inboxes.subscribed == []


def test_a_holder_that_goes_while_another_comes() -> None:
    """The channel stays for the one that comes."""
    world = World()
    connection = world.join()
    world.hub.expect(0, 1000)
    connection.closed(1006)
    assert world.inboxes.subscribed == [(0, 1000)]


def test_a_newer_socket_replaces_an_older_one() -> None:
    """The older one is closed with 4001, and its end does not touch the newer one."""
    world = World()
    older = world.join()
    newer = world.join(epoch=2)
    assert world.codes == {older: Close.REPLACED}
    world.hub.push(1000, push(1), UNMARKED)
    assert world.frames(newer) == [push(1)]
    assert world.frames(older) == []
    assert world.inboxes.subscribed == [(0, 1000)]


@pytest.mark.parametrize(("epoch", "replaced"), [(1, False), (2, False), (3, True), (10, True)])
def test_an_epoch_from_another_node(epoch: int, replaced: bool) -> None:
    """Only a newer one ends the socket; its own, heard late, does not."""
    world = World()
    connection = world.join(epoch=2)
    world.hub.push(1000, b"epoch %d" % epoch, UNMARKED)
    assert world.codes == ({connection: Close.REPLACED} if replaced else {})


# Pushes


def test_pushes_in_order_go_out_as_they_came() -> None:
    """Each is told to whoever watches for acknowledgements."""
    world = World()
    connection = world.join(acked=4)
    for seq in (5, 6, 7):
        world.hub.push(1000, push(seq), UNMARKED)
    assert world.frames(connection) == [push(5), push(6), push(7)]
    assert world.written == [(1000, 5), (1000, 6), (1000, 7)]
    assert world.inboxes.reads == []


def test_a_push_for_nobody() -> None:
    """An account that is not here, or not yet, is no concern."""
    world = World()
    world.hub.expect(0, 2000)
    world.hub.push(1000, push(1), UNMARKED)
    world.hub.push(2000, push(1), UNMARKED)
    assert world.written == []


def test_a_duplicate_is_dropped() -> None:
    """What was written before is not written again."""
    world = World()
    connection = world.join(acked=2)
    for seq in (3, 3, 1, 2, 4):
        world.hub.push(1000, push(seq), UNMARKED)
    assert world.frames(connection) == [push(3), push(4)]


def test_what_has_no_number_passes_at_once() -> None:
    """Typing is not recorded and needs no turn; it is no use to who does not even take the rest."""
    world = World()
    connection = world.join()
    world.hub.push(1000, typing(), UNMARKED)
    connection.congested = True
    world.hub.push(1000, typing(), UNMARKED)
    assert world.frames(connection) == [typing()]
    assert world.written == []


def test_a_new_account_of_the_same_number() -> None:
    """The data set was emptied: this socket's account is gone, its client may come back."""
    world = World()
    connection = world.join()
    world.hub.push(1000, b"new", UNMARKED)
    assert world.codes == {connection: Close.GOING_AWAY}


def test_somebody_waits_for_this_node() -> None:
    """It says how far the socket had come; nobody else is asked after."""
    world = World()
    connection = world.join(epoch=3, acked=2)
    world.join(2000)
    world.hub.push(1000, b"resume", UNMARKED)
    assert [sockets for sockets, _ in world.inboxes.asked] == [[(0, 1000, 3, 2)]]
    world.inboxes.say_last(2)
    world.hub.push(1000, push(3), UNMARKED)
    assert world.frames(connection) == [push(3)]


def test_the_time_of_a_push_is_taken_when_it_was_written() -> None:
    """It comes behind its push; of one that is being read from the inbox it says nothing."""
    world = World()
    world.join(1000)
    world.hub.push(1000, push(1), UNMARKED)
    world.hub.push(1000, b"at 250000", UNMARKED)
    assert world.counts.pushes.number == 1
    assert world.counts.pushes.total == 0.25
    world.hub.push(1000, push(3), UNMARKED)
    world.hub.push(1000, b"at 250000", UNMARKED)
    assert world.counts.pushes.number == 1
    assert (world.counts.gaps_filled, world.counts.replayed) == (0, 0)
    world.inboxes.answer(2, 3)
    assert (world.counts.gaps_filled, world.counts.replayed) == (1, 2)
    assert world.codes == {}


# Several pools, and whether what is published in one may be believed


def test_what_is_published_without_a_lease_is_not_believed() -> None:
    """Neither pushes nor words about the account: the shared state is asked, which says also who holds it."""
    world = World()
    connection, other = world.join(1007, pool=7), world.join(1000)
    world.doubtful.add(7)
    world.hub.push(1007, push(1), UNMARKED)
    world.hub.push(1007, b"epoch 99", UNMARKED)
    assert [sockets for sockets, _ in world.inboxes.asked] == [[(7, 1007, 1, 0)]], "once"
    assert (world.frames(connection), world.codes) == ([], {})
    world.hub.push(1000, push(1), UNMARKED)
    assert world.frames(other) == [push(1)], "another pool, another lease"
    world.inboxes.say_last(1)
    world.inboxes.answer(1)
    assert world.frames(connection) == [push(1)]
    world.hub.push(1007, push(2), UNMARKED)
    world.inboxes.say_last(-1)
    assert world.codes == {connection: Close.REPLACED}


def test_what_another_generation_publishes_is_not_believed() -> None:
    """As a primary does that was replaced while it stood still: its numbers are given to something else."""
    world = World()
    connection = world.join()
    stale = b"1700000000000"
    world.hub.push(1000, push(1), stale)
    world.hub.push(1000, typing(), stale)
    world.hub.push(1000, b"epoch 99", stale)
    assert (world.frames(connection), world.codes) == ([], {})
    world.inboxes.say_last(0)
    assert world.inboxes.reads == [], "nothing is missing"
    world.hub.push(1000, push(1), UNMARKED)
    assert world.frames(connection) == [push(1)], "the number's own push"


def test_a_gap_is_one_of_its_pools() -> None:
    """Nobody else is asked after."""
    world = World()
    for account, pool in (1000, 0), (1007, 7), (2007, 7), (1003, 3):
        world.join(account, pool=pool)
    world.hub.gap((7, 3))
    assert [sockets for sockets, _ in world.inboxes.asked] == [
        [(7, 1007, 1, 0), (7, 2007, 1, 0)], [(3, 1003, 1, 0)],
    ]  # fmt: skip


def test_an_account_lives_where_its_socket_says() -> None:
    """Not where its number says: it may have moved. Of any other pool it is not known here."""
    world = World()
    connection = world.join(1000, epoch=5, pool=7)
    assert world.inboxes.subscribed == [(7, 1000)]
    assert (world.hub.epoch_of(7, 1000), world.hub.epoch_of(0, 1000)) == (5, 0)
    world.hub.push(1000, push(2), UNMARKED)
    assert [read[:4] for read in world.inboxes.reads] == [(7, 1000, 5, 0)]
    connection.closed(1006)
    assert world.inboxes.subscribed == []


def test_a_newer_socket_of_another_pool() -> None:
    """The account has moved: its channel of before is not wanted any more, unless somebody expects it there."""
    world = World()
    older = world.join(1000, pool=0)
    newer = world.join(1000, epoch=2, pool=7)
    assert world.codes == {older: Close.REPLACED}
    assert world.inboxes.subscribed == [(7, 1000)]
    world.hub.expect(0, 1000)
    assert sorted(world.inboxes.subscribed) == [(0, 1000), (7, 1000)]
    assert world.hub.epoch_of(0, 1000) is None
    assert world.hub.epoch_of(7, 1000) == 2
    world.hub.unexpect(0, 1000)
    assert world.inboxes.subscribed == [(7, 1000)]
    world.hub.push(1000, push(1), UNMARKED)
    assert world.frames(newer) == [push(1)]
