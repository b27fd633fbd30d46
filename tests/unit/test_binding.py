"""``binding``: a crowd that comes at once waits in line; what is under way when somebody goes (accounts of other
pools: test_binding_pools)."""

import asyncio

from chat.binding import BINDINGS_AT_ONCE, HELD_BYTES, HELD_FRAMES, LEAVING_AT_ONCE
from chat.commands import Create, Reconnect
from chat.connection import Pause, State
from chat.errors import Close, Code
from tests.unit.binding_scene import World, play, turn
from tests.unit.fake_socket import Made


def test_who_comes_back_to_a_match_is_counted() -> None:
    """As the store says how long the partner has waited; everybody else made none."""

    async def scenario() -> None:
        world = World()
        for waited_ms in -1, 1500:
            world.comes()
            _, _, done = world.store.asked.pop()
            done(Code.SUCCESS, (7, b'"x"', 1, 0, (), 0, 0, [], waited_ms))
        assert (world.counts.match_wait.number, world.counts.match_wait.total) == (1, 1.5)

    play(scenario())


def test_who_waits_in_line_has_waited() -> None:
    """From when the command came in to its answer."""

    async def scenario() -> None:
        world = World()
        for _ in range(BINDINGS_AT_ONCE + 1):
            world.comes()
        world.now += 2
        world.store.answer()
        await asyncio.sleep(0)
        world.now += 1
        while world.store.asked:
            world.store.answer()
        answered = world.counts.commands[Reconnect, Code.SUCCESS]
        assert (answered.number, answered.total) == (BINDINGS_AT_ONCE + 1, 2 + 3 * BINDINGS_AT_ONCE)

    play(scenario())


def test_a_crowd_waits_in_line() -> None:
    """So many are asked for at the same time, in the order in which they came, and in the end all."""

    async def scenario() -> None:
        world = World()
        crowd = [world.comes(number) for number in range(3 * BINDINGS_AT_ONCE)]
        asked = []
        while world.store.asked:
            assert len(world.store.asked) <= BINDINGS_AT_ONCE
            asked.append(world.store.asked[0][1])
            world.store.answer()
            await turn()
        assert asked == list(range(3 * BINDINGS_AT_ONCE))
        assert all(made.connection.state is State.BOUND for made in crowd)

    play(scenario())


def test_nothing_is_asked_for_one_that_did_not_wait() -> None:
    """It costs neither a call nor a place."""

    async def scenario() -> None:
        world = World()
        crowd = [world.comes(number) for number in range(BINDINGS_AT_ONCE + 2)]
        world.goes(crowd[-2].connection, 1006)
        world.store.answer()
        await turn()
        assert [account for _, account, _ in world.store.asked][-1] == BINDINGS_AT_ONCE + 1

    play(scenario())


def test_a_crowd_without_a_link() -> None:
    """All are refused, however many they are, and nobody is left in line."""

    async def scenario() -> None:
        world = World()
        crowd = [world.comes(number) for number in range(5000)]
        world.store.down = True
        while world.store.asked:
            world.store.asked.pop()[2](Code.INTERNAL, ())
        await turn()
        assert all(made.connection.state is State.NEW for made in crowd)
        assert all(len(made.transport.frames) == 1 for made in crowd)

    play(scenario())


def test_who_goes_while_it_is_asked() -> None:
    """A new account ends, nobody knows its token; one that was taken over is away, or ends where the
    client said goodbye."""

    async def scenario() -> None:
        world = World()
        new, lost, leaving = Made(), world.comes(2000), world.comes(3000)
        world.binding.bind(new.connection, Create("x"))
        for made, code in (new, 1006), (lost, 1006), (leaving, Close.GOODBYE):
            world.goes(made.connection, code)
        while world.store.asked:
            world.store.answer()
        assert sorted(world.store.detached) == [
            (0, 1000, 7, 0, True), (0, 2000, 7, 0, False), (0, 3000, 7, 0, True),
        ]  # fmt: skip
        assert len(world.hub) == 0
        assert world.hub.epoch_of(0, 2000) == 0

    play(scenario())


def test_what_was_acknowledged_is_handed_over_before_a_takeover() -> None:
    """So that it is not pushed again, also where both sockets are of one turn of the loop."""

    async def scenario() -> None:
        world = World()
        world.comes()
        assert world.flushed == 1

    play(scenario())


def test_what_comes_meanwhile_waits_and_is_not_read_without_end() -> None:
    """Reading stops with so many frames, and goes on when they have been acted on."""

    async def scenario() -> None:
        world = World()
        made = world.comes()
        for number in range(HELD_FRAMES + 5):  # some were read together with the last one
            world.binding.hold(made.connection, b"%d" % number)
        assert not made.transport.reading
        assert world.received == []
        world.store.answer()
        assert world.received == [b"%d" % number for number in range(HELD_FRAMES + 5)]
        assert made.transport.reading

    play(scenario())


def test_what_comes_meanwhile_is_bounded_by_its_size_too() -> None:
    """And goes on being so when somebody else, who had paused the socket as well, resumes it."""

    async def scenario() -> None:
        world = World()
        made = world.comes()
        for _ in range(HELD_BYTES // 10_000 + 1):
            world.binding.hold(made.connection, b"x" * 10_000)
        assert not made.transport.reading
        made.connection.pause(Pause.SHARE)
        made.connection.resume(Pause.SHARE)
        assert not made.transport.reading

    play(scenario())


def test_when_all_sockets_are_gone_at_once_a_few_are_dealt_with_in_each_turn() -> None:
    """In the order in which they went; or all, for a node that leaves. One whose account has come back is left
    alone."""

    async def scenario() -> None:
        world = World()
        number = 2 * LEAVING_AT_ONCE + 50
        came = [world.comes(1000 * account) for account in range(1, number + 1)]
        while world.store.asked:
            world.store.answer()
            await asyncio.sleep(0)
        for made in came:
            world.goes(made.connection, Close.GOING_AWAY)
        assert (len(world.store.detached), len(world.hub)) == (0, number)
        await asyncio.sleep(0)
        assert len(world.store.detached) == LEAVING_AT_ONCE
        again = world.comes(1000 * number)
        world.store.answer()
        await asyncio.sleep(0)
        assert len(world.store.detached) == 2 * LEAVING_AT_ONCE
        world.binding.let_go()
        assert [account for _, account, *_ in world.store.detached] == [
            1000 * account for account in range(1, number + 1)
        ]
        assert len(world.hub) == 1
        assert again.connection.state is State.BOUND
        await asyncio.sleep(0)
        assert len(world.store.detached) == number

    play(scenario())


def test_a_goodbye_that_redis_did_not_hear_is_said_again() -> None:
    """Until it does."""

    async def scenario() -> None:
        world = World()
        made = world.comes()
        world.store.answer()
        world.store.down = True
        world.goes(made.connection, Close.GOODBYE)
        await asyncio.sleep(0)
        world.binding.settle()
        world.store.down = False
        world.binding.settle()
        world.binding.settle()
        assert world.store.detached == [(0, 1000, 7, 0, True)] * 3

    play(scenario())
