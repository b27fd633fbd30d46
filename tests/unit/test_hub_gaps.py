"""``hub``: a number that is missing, or a link that broke, is settled by reading the inbox."""

import pytest

from chat.errors import Close, Code
from chat.hub import FILLS_AT_ONCE
from tests.unit.test_hub import World, push


def test_a_gap_is_filled_from_the_inbox() -> None:
    """From the last push that was written, with the epoch of the socket; then pushes go on."""
    world = World()
    connection = world.join(epoch=3, acked=1)
    world.hub.push(1000, push(4))
    assert world.inboxes.reads[0][:3] == (1000, 3, 1)
    world.inboxes.answer(2, 3, 4)
    world.hub.push(1000, push(5))
    assert world.frames(connection) == [push(2), push(3), push(4), push(5)]


def test_one_read_for_a_gap() -> None:
    """Pushes that come while the read is under way are in its answer: dropped, and no second read."""
    world = World()
    connection = world.join()
    for seq in (2, 3, 1, 4):
        world.hub.push(1000, push(seq))
    assert len(world.inboxes.reads) == 1
    world.inboxes.answer(1, 2, 3, 4)
    assert world.frames(connection) == [push(1), push(2), push(3), push(4)]
    assert world.inboxes.reads == []


def test_a_link_that_was_interrupted() -> None:
    """Everybody's inbox is read, also where no number seems to be missing."""
    world = World()
    connections = [world.join(account) for account in (1000, 2000)]
    world.hub.gap()
    world.hub.gap()
    assert [read[0] for read in world.inboxes.reads] == [1000, 2000]
    world.inboxes.answer(1)
    world.inboxes.answer()
    assert [world.frames(connection) for connection in connections] == [[push(1)], []]
    world.hub.push(2000, push(1))
    assert world.frames(connections[1]) == [push(1)]


def test_reads_at_once_are_bounded() -> None:
    """A gap of everybody is filled in windows: the next read starts when one is answered."""
    world = World()
    for number in range(1, FILLS_AT_ONCE + 11):
        world.join(number * 1000)
    world.hub.gap()
    assert len(world.inboxes.reads) == FILLS_AT_ONCE
    for left in range(FILLS_AT_ONCE + 10, 0, -1):
        assert len(world.inboxes.reads) == min(left, FILLS_AT_ONCE)
        world.inboxes.answer()
    assert world.inboxes.reads == []


def test_a_read_that_failed_is_repeated() -> None:
    """Not at once, since Redis is away, but at the next turn; what is pushed meanwhile waits."""
    world = World()
    connection = world.join()
    world.hub.push(1000, push(2))
    world.inboxes.answer(code=Code.INTERNAL)
    assert world.inboxes.reads == []
    world.hub.fill()
    world.inboxes.answer(1, 2)
    world.hub.push(1000, push(3))
    assert world.frames(connection) == [push(1), push(2), push(3)]


def test_failed_reads_do_not_use_up_the_window() -> None:
    """After any number of failures as many reads as ever may be under way."""
    world = World()
    for number in range(1, FILLS_AT_ONCE + 1):
        world.join(number * 1000)
    world.hub.gap()
    for _ in range(3):
        while world.inboxes.reads:
            world.inboxes.answer(code=Code.INTERNAL)
        world.hub.fill()
        assert len(world.inboxes.reads) == FILLS_AT_ONCE


@pytest.mark.parametrize(("code", "close"), [(-1, Close.REPLACED), (-2, Close.GOING_AWAY)])
def test_a_read_shows_that_the_account_is_held_elsewhere(code: int, close: Close) -> None:
    """The socket is closed, and the code says whether to come back."""
    world = World()
    connection = world.join()
    world.hub.gap()
    world.inboxes.answer(code=code)
    assert world.codes == {connection: close}


@pytest.mark.parametrize("code", [Code.SUCCESS, Code.INTERNAL, Code(-1)])
def test_a_socket_that_goes_during_its_read(code: Code) -> None:
    """The answer finds nobody, and the next in line has its turn."""
    world = World()
    connection = world.join()
    world.hub.gap()
    connection.closed(1006)
    world.inboxes.answer(1, code=code)
    world.hub.fill()
    assert world.frames(connection) == []
    assert world.inboxes.reads == []


def test_a_socket_that_goes_before_its_read() -> None:
    """It gives up its place in the line."""
    world = World()
    connection = world.join()
    world.hub.gap()
    world.inboxes.answer(code=Code.INTERNAL)
    connection.closed(1006)
    world.hub.fill()
    assert world.inboxes.reads == []


def test_a_number_that_is_lost_for_good() -> None:
    """The client is let go rather than left with a silent gap: it comes back and hears of it."""
    world = World()
    connection = world.join()
    world.hub.push(1000, push(3))
    world.inboxes.answer(1, 3)
    assert world.frames(connection) == [push(1)]
    assert world.codes == {connection: Close.GOING_AWAY}


def test_replaying_skips_what_was_written() -> None:
    """After a reconnect pushes may overtake the answer: none is written twice."""
    world = World()
    connection = world.join(acked=2)
    world.hub.replay(connection, [push(1), push(2), push(3), push(4)])
    world.hub.push(1000, push(4))
    world.hub.push(1000, push(5))
    assert world.frames(connection) == [push(3), push(4), push(5)]


def test_a_loss_that_the_client_was_told_of() -> None:
    """Once it has heard ``recovered: false`` it is not let go again for the same loss."""
    world = World()
    connection = world.join(acked=2)
    world.hub.replay(connection, [push(2), push(5), push(6)], gaps_told=True)
    world.hub.push(1000, push(7))
    assert world.frames(connection) == [push(5), push(6), push(7)]
    assert world.codes == {}
