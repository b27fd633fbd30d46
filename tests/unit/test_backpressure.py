"""``backpressure``: who is not read, and who is again."""

import asyncio

from chat.backpressure import RESUMED_AT_ONCE, Backpressure
from chat.connection import Connection, State
from tests.unit.fake_socket import Made


class World:
    """Pools of which some are pressed, and sockets of theirs."""

    def __init__(self) -> None:
        self.pressed: set[int] = set()
        self.backpressure = Backpressure(self.pressed.__contains__)

    def press(self, *pools: int) -> None:
        """These, and no others."""
        self.pressed.clear()
        self.pressed.update(pools)
        self.backpressure.press(bool(pools))

    def joined(self, pool: int = 0) -> Made:
        made = Made()
        made.connection.bind(pool, 1000 + pool, 1, 0)
        return made

    def hold(self, *sent: Made) -> None:
        for made in sent:
            self.backpressure.hold(made.connection)

    def kept(self) -> list[Connection]:
        pressure = self.backpressure
        return [
            one for waiting in (*pressure._waiting.values(), pressure._resting) for one in waiting
        ]


def reading(*connections: Made) -> list[bool]:
    return [made.transport.reading for made in connections]


def test_while_redis_does_not_keep_up() -> None:
    """Who sends something is not read any further until it does."""
    world = World()
    one, other = world.joined(), world.joined()
    world.press(0)
    world.hold(one, one)
    assert reading(one, other) == [False, True]
    world.backpressure.tick()
    assert reading(one) == [False]
    world.press()
    assert reading(one) == [True]
    assert world.kept() == []


def test_a_pool_that_does_not_keep_up_holds_up_no_other() -> None:
    """Each waits for its own; one that is pressed still does not keep the others, whoever came first."""
    world = World()
    one, other, third = world.joined(1), world.joined(2), world.joined(3)
    world.press(1, 2)
    world.hold(one, other, third)
    assert reading(one, other, third) == [False, False, True]
    world.press(1)
    assert reading(one, other) == [False, True]
    world.press(2)
    assert reading(one) == [True]


def test_who_has_no_account_yet_is_read() -> None:
    """Nor does one whose account is on its way between two pools wait for the one that it leaves."""
    world = World()
    new, moving = Made(), world.joined(1)
    world.press(0, 1)
    world.hold(new, moving)
    assert reading(new, moving) == [True, False]
    moving.connection.state = State.BINDING
    world.backpressure.release(moving.connection)
    world.hold(moving)
    assert reading(moving) == [True]
    moving.connection.moved(2, 2, b"")
    world.hold(moving)
    assert reading(moving) == [True]
    world.press(2)
    world.hold(moving)
    assert reading(moving) == [False]
    world.press()
    assert reading(moving) == [True]


def test_a_crowd_comes_back_in_parts() -> None:
    """In turns of the event loop, and not at all while there is pressure again; that another pool has some, or has
    none any more, neither holds it up nor hurries it."""

    async def scenario() -> None:
        world = World()
        crowd = [world.joined() for _ in range(3 * RESUMED_AT_ONCE + 1)]
        world.press(0)
        world.hold(*crowd)
        world.press()
        assert sum(reading(*crowd)) == RESUMED_AT_ONCE
        world.press(0)
        await asyncio.sleep(0)
        assert sum(reading(*crowd)) == RESUMED_AT_ONCE
        world.press(1)
        world.press()
        assert sum(reading(*crowd)) == 2 * RESUMED_AT_ONCE
        for _ in range(2):
            await asyncio.sleep(0)
        assert all(reading(*crowd))

    asyncio.run(scenario())


def test_who_rests_is_read_again_with_the_next_tick() -> None:
    """Unless it has to wait for Redis as well; and one that waits for Redis may still have to rest."""
    world = World()
    one, other = world.joined(), world.joined()
    for made in one, other:
        world.backpressure.rest(made.connection)
    world.press(0)
    world.hold(other)
    world.backpressure.tick()
    assert reading(one, other) == [True, False]
    world.backpressure.rest(other.connection)
    world.press()
    assert reading(other) == [False]
    world.backpressure.tick()
    assert reading(other) == [True]


def test_sockets_that_are_gone() -> None:
    """Are not kept, whether they went before or after they were to wait."""
    world = World()
    gone, going = world.joined(), world.joined()
    world.press(0)
    gone.connection.closed(1006)
    world.hold(gone, going)
    for made in gone, going:
        world.backpressure.rest(made.connection)
    going.connection.closed(1006)
    world.backpressure.leaves(going.connection)
    assert world.kept() == []
    world.press()
    world.backpressure.tick()
