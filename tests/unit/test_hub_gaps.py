"""``hub``: a number that is missing, or a link that broke, is settled by reading the inbox."""

import pytest

from chat.connection import State
from chat.errors import Close, Code
from chat.hub import FILLS_AT_ONCE, RESUMED_AT_ONCE, STALLED_TURNS
from chat.store.library import UNMARKED
from tests.unit.fake_inboxes import push, typing
from tests.unit.hub_scene import World


def test_a_gap_is_filled_from_the_inbox() -> None:
    """From the last push that was written, with the epoch of the socket; then pushes go on."""
    world = World()
    connection = world.join(epoch=3, acked=1)
    world.hub.push(1000, push(4), UNMARKED)
    assert world.inboxes.reads[0][:4] == (0, 1000, 3, 1)
    world.inboxes.answer(2, 3, 4)
    world.hub.push(1000, push(5), UNMARKED)
    assert world.frames(connection) == [push(2), push(3), push(4), push(5)]


def test_one_read_for_a_gap() -> None:
    """Pushes that come while the read is under way are in its answer: dropped, and no second read."""
    world = World()
    connection = world.join()
    for seq in (2, 3, 1, 4):
        world.hub.push(1000, push(seq), UNMARKED)
    assert len(world.inboxes.reads) == 1
    world.inboxes.answer(1, 2, 3, 4)
    assert world.frames(connection) == [push(1), push(2), push(3), push(4)]
    assert world.inboxes.reads == []


def test_a_link_that_was_interrupted() -> None:
    """Of everybody it is asked how far the account is; only who missed something is read."""
    world = World()
    connections = [world.join(account, acked=2) for account in (1000, 2000)]
    world.hub.gap((0,))
    assert [sockets for sockets, _ in world.inboxes.asked] == [[(0, 1000, 1, 2), (0, 2000, 1, 2)]]
    world.hub.push(2000, push(3), UNMARKED)
    world.inboxes.say_last(4, 2)
    assert [read[:4] for read in world.inboxes.reads] == [(0, 1000, 1, 2)]
    world.inboxes.answer(3, 4)
    world.hub.push(2000, push(3), UNMARKED)
    assert world.frames(connections[0]) == [push(3), push(4)]
    assert world.frames(connections[1]) == [push(3)], "what came before the answer is in it"


def test_pushes_wait_for_what_is_asked() -> None:
    """What comes between the interruption and the answer is in the answer: dropped here, read there."""
    world = World()
    connection = world.join()
    world.hub.gap((0,))
    world.hub.push(1000, push(1), UNMARKED)
    world.hub.push(1000, typing(), UNMARKED)
    assert world.frames(connection) == []
    world.inboxes.say_last(1)
    world.inboxes.answer(1)
    assert world.frames(connection) == [push(1)]


def test_asking_is_repeated_until_there_is_an_answer() -> None:
    """A link that broke again: not at once, but with the next tick."""
    world = World()
    world.join()
    world.hub.gap((0,))
    for _ in range(3):
        world.inboxes.say_last(code=Code.INTERNAL)
        assert world.inboxes.asked == []
        world.hub.tick()
    world.inboxes.say_last(0)
    assert not world.inboxes.asked
    assert not world.inboxes.reads


def test_a_second_interruption_while_it_is_asked() -> None:
    """A socket that took the account over meanwhile is not ended by the answer about the older one."""
    world = World()
    world.join(epoch=1)
    world.hub.gap((0,))
    newer = world.join(epoch=2)
    world.hub.gap((0,))
    world.inboxes.say_last(-1)
    assert newer.state is State.BOUND
    world.inboxes.say_last(0)
    world.hub.push(1000, push(1), UNMARKED)
    assert world.frames(newer) == [push(1)]


def test_the_crowd_is_asked_after_in_parts() -> None:
    """The next when one is answered."""
    world = World()
    for number in range(1, RESUMED_AT_ONCE + 11):
        world.join(number * 1000)
    world.hub.gap((0,))
    assert [len(sockets) for sockets, _ in world.inboxes.asked] == [RESUMED_AT_ONCE]
    world.inboxes.say_last()
    assert [len(sockets) for sockets, _ in world.inboxes.asked] == [10]


def test_a_pool_that_is_away_holds_up_no_other() -> None:
    """However many are in it, those of another are asked after at once, and again with each tick."""
    world = World()
    for number in range(1, 2 * RESUMED_AT_ONCE + 1):
        world.join(number * 1000)
    connection = world.join(1007, pool=7)
    world.hub.gap((0,))
    world.hub.gap((7,))
    assert [sockets[0][0] for sockets, _ in world.inboxes.asked] == [0, 7], "of the first no answer"
    for _ in range(2):
        world.inboxes.say_last(code=Code.INTERNAL)
    world.hub.tick()
    assert [sockets[0][0] for sockets, _ in world.inboxes.asked] == [0, 7], "in its turn as well"
    world.inboxes.say_last(code=Code.INTERNAL)
    world.inboxes.say_last()
    world.hub.push(1007, push(1), UNMARKED)
    assert world.frames(connection) == [push(1)]


def test_typing_does_not_overtake_a_new_session() -> None:
    """While pushes come from the inbox a hint without a number is dropped."""
    world = World()
    connection = world.join()
    world.hub.push(1000, push(2), UNMARKED)
    world.hub.push(1000, typing(), UNMARKED)
    world.inboxes.answer(1, 2)
    world.hub.push(1000, typing(), UNMARKED)
    assert world.frames(connection) == [push(1), push(2), typing()]


# A part at a time


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


def test_what_is_missing_at_the_end_of_an_inbox() -> None:
    """A push that was counted but is not there any more is lost too: the client hears of it."""
    world = World()
    connection = world.join(acked=2)
    world.hub.push(1000, push(4), UNMARKED)
    world.inboxes.answer(last=4)
    assert world.codes == {connection: Close.GOING_AWAY}


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


def test_a_number_that_is_lost_for_good() -> None:
    """The client is let go rather than left with a silent gap: it comes back and hears of it."""
    world = World()
    connection = world.join()
    world.hub.push(1000, push(3), UNMARKED)
    world.inboxes.answer(1, 3)
    assert world.frames(connection) == [push(1)]
    assert world.codes == {connection: Close.GOING_AWAY}


def test_replaying_skips_what_was_written() -> None:
    """After a reconnect pushes may overtake the answer: none is written twice."""
    world = World()
    connection = world.join(acked=2)
    world.hub.replay(connection, 4, [push(1), push(2), push(3), push(4)])
    world.hub.push(1000, push(4), UNMARKED)
    world.hub.push(1000, push(5), UNMARKED)
    assert world.frames(connection) == [push(3), push(4), push(5)]


def test_a_loss_that_the_client_was_told_of() -> None:
    """Once it has heard ``recovered: false`` it is not let go again for the same loss."""
    world = World()
    connection = world.join(acked=2)
    connection.hole = 8
    world.hub.replay(connection, 8, [push(2), push(5), push(6)])
    assert world.inboxes.reads.pop()[3] == 6, "whether there is more is not known yet"
    connection.filling = False
    world.hub.push(1000, push(9), UNMARKED)
    world.inboxes.answer(9)
    world.hub.push(1000, push(10), UNMARKED)
    assert world.frames(connection) == [push(5), push(6), push(9), push(10)]
    assert world.codes == {}
