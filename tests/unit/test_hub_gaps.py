"""``hub``: a number that is missing, or a link that broke, is noticed and asked after (how the inbox is
read then: test_hub_reading)."""

from chat.connection import State
from chat.errors import Close, Code
from chat.hub import RESUMED_AT_ONCE
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


def test_what_is_missing_at_the_end_of_an_inbox() -> None:
    """A push that was counted but is not there any more is lost too: the client hears of it."""
    world = World()
    connection = world.join(acked=2)
    world.hub.push(1000, push(4), UNMARKED)
    world.inboxes.answer(last=4)
    assert world.codes == {connection: Close.GOING_AWAY}


def test_a_number_that_is_lost_for_good() -> None:
    """The client is let go rather than left with a silent gap: it comes back and hears of it."""
    world = World()
    connection = world.join()
    world.hub.push(1000, push(3), UNMARKED)
    world.inboxes.answer(1, 3)
    assert world.frames(connection) == [push(1)]
    assert world.codes == {connection: Close.GOING_AWAY}


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
