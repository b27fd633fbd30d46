"""``hub``: how an inbox is read: a part at a time, so many at once, again where it failed."""

import pytest

from chat.errors import Close, Code
from chat.hub import FILLS_AT_ONCE, STALLED_TURNS
from chat.store.library import UNMARKED
from tests.unit.fake_inboxes import push
from tests.unit.hub_scene import World


def test_a_long_inbox_is_read_in_parts() -> None:
    """Until the last push that there was; what is published meanwhile is read as well."""
    world = World()
    connection = world.join()
    world.hub.replay(connection, 6, [push(1), push(2)])
    world.hub.push(1000, push(7), UNMARKED)
    world.inboxes.answer(3, 4, last=7)
    assert world.inboxes.reads[0][3] == 4
    world.inboxes.answer(5, 6, 7)
    assert world.frames(connection) == [push(seq) for seq in range(1, 8)]
    assert world.inboxes.reads == []


def test_the_next_part_waits_until_the_client_has_taken_this_one() -> None:
    """Without being cut off for it; what was not written is read again."""
    world = World()
    connection = world.join()
    world.transports[connection].congest_after(connection, 2)
    world.hub.replay(connection, 4, [push(1), push(2), push(3), push(4)])
    assert world.frames(connection) == [push(1), push(2)]
    assert world.inboxes.reads == []
    world.hub.push(1000, push(5), UNMARKED)
    connection.congested = False
    world.hub.drained(connection)
    world.inboxes.answer(3, 4, 5)
    assert world.frames(connection) == [push(seq) for seq in range(1, 5)]
    connection.congested = False
    world.hub.drained(connection)
    world.inboxes.answer(5)
    assert world.frames(connection) == [push(seq) for seq in range(1, 6)]


def test_a_client_that_takes_nothing_of_its_inbox_is_cut_off() -> None:
    """With 4002, after a while; one that takes some of it in time is not."""
    world = World()
    slow, stuck = world.join(1000), world.join(2000)
    for connection in slow, stuck:
        world.transports[connection].congest_after(connection, 1)
        world.hub.replay(connection, 3, [push(1), push(2), push(3)])
    for turn in range(3 * STALLED_TURNS):
        world.hub.tick()
        if turn % STALLED_TURNS == STALLED_TURNS - 1:
            slow.congested = False
            world.hub.drained(slow)
            slow.congested = True
            world.inboxes.answer(2, 3)
    assert world.codes == {stuck: Close.TOO_SLOW}


def test_a_stalled_client_that_goes() -> None:
    """Nothing is read for it any more."""
    world = World()
    connection = world.join()
    world.transports[connection].congest_after(connection, 1)
    world.hub.replay(connection, 3, [push(1), push(2), push(3)])
    connection.closed(1006)
    world.hub.tick()
    assert world.inboxes.reads == []


def test_reads_at_once_are_bounded() -> None:
    """A gap of everybody is filled in windows: the next read starts when one is answered."""
    world = World()
    for number in range(1, FILLS_AT_ONCE + 11):
        world.join(number * 1000)
        world.hub.push(number * 1000, push(2), UNMARKED)
    assert len(world.inboxes.reads) == FILLS_AT_ONCE
    for left in range(FILLS_AT_ONCE + 10, 0, -1):
        assert len(world.inboxes.reads) == min(left, FILLS_AT_ONCE)
        world.inboxes.answer(1, 2)
    assert world.inboxes.reads == []


def test_a_read_that_failed_is_repeated() -> None:
    """Not at once, since Redis is away, but at the next turn; what is pushed meanwhile waits."""
    world = World()
    connection = world.join()
    world.hub.push(1000, push(2), UNMARKED)
    world.inboxes.answer(code=Code.INTERNAL)
    assert world.inboxes.reads == []
    world.hub.tick()
    world.inboxes.answer(1, 2)
    world.hub.push(1000, push(3), UNMARKED)
    assert world.frames(connection) == [push(1), push(2), push(3)]


def test_failed_reads_do_not_use_up_the_window() -> None:
    """After any number of failures as many reads as ever may be under way."""
    world = World()
    for number in range(1, FILLS_AT_ONCE + 1):
        world.join(number * 1000)
        world.hub.push(number * 1000, push(2), UNMARKED)
    for _ in range(3):
        while world.inboxes.reads:
            world.inboxes.answer(code=Code.INTERNAL)
        world.hub.tick()
        assert len(world.inboxes.reads) == FILLS_AT_ONCE


@pytest.mark.parametrize(("code", "close"), [(-1, Close.REPLACED), (-2, Close.GOING_AWAY)])
def test_a_read_shows_that_the_account_is_held_elsewhere(code: int, close: Close) -> None:
    """The socket is closed, and the code says whether to come back."""
    world = World()
    connection = world.join()
    world.hub.push(1000, push(2), UNMARKED)
    world.inboxes.answer(code=code)
    assert world.codes == {connection: close}


@pytest.mark.parametrize("code", [Code.SUCCESS, Code.INTERNAL, Code(-1)])
def test_a_socket_that_goes_during_its_read(code: Code) -> None:
    """The answer finds nobody, and the next in line has its turn."""
    world = World()
    connection = world.join()
    world.hub.push(1000, push(2), UNMARKED)
    connection.closed(1006)
    world.inboxes.answer(1, code=code)
    world.hub.tick()
    assert world.frames(connection) == []
    assert world.inboxes.reads == []


def test_a_socket_that_goes_before_its_read() -> None:
    """It gives up its place in the line."""
    world = World()
    connection = world.join()
    world.hub.push(1000, push(2), UNMARKED)
    world.inboxes.answer(code=Code.INTERNAL)
    connection.closed(1006)
    world.hub.tick()
    assert world.inboxes.reads == []


def test_replaying_skips_what_was_written() -> None:
    """After a reconnect pushes may overtake the answer: none is written twice."""
    world = World()
    connection = world.join(acked=2)
    world.hub.replay(connection, 4, [push(1), push(2), push(3), push(4)])
    world.hub.push(1000, push(4), UNMARKED)
    world.hub.push(1000, push(5), UNMARKED)
    assert world.frames(connection) == [push(3), push(4), push(5)]
