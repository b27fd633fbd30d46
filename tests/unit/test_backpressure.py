"""``backpressure``: who is not read, and who is again."""

import asyncio

from chat.backpressure import RESUMED_AT_ONCE, Backpressure
from chat.connection import Connection
from tests.unit.fake_socket import Made


def reading(*connections: Made) -> list[bool]:
    return [made.transport.reading for made in connections]


def test_while_redis_does_not_keep_up() -> None:
    """Who sends something is not read any further until it does."""

    async def scenario() -> None:
        pressure, one, other = Backpressure(), Made(), Made()
        pressure.press(True)
        pressure.hold(one.connection)
        pressure.hold(one.connection)
        assert reading(one, other) == [False, True]
        pressure.tick()
        assert reading(one) == [False]
        pressure.press(False)
        assert reading(one) == [True]

    asyncio.run(scenario())


def test_a_crowd_comes_back_in_parts() -> None:
    """In turns of the event loop, and not at all while there is pressure again."""

    async def scenario() -> None:
        pressure, crowd = Backpressure(), [Made() for _ in range(2 * RESUMED_AT_ONCE + 1)]
        pressure.press(True)
        for made in crowd:
            pressure.hold(made.connection)
        pressure.press(False)
        assert sum(reading(*crowd)) == RESUMED_AT_ONCE
        pressure.press(True)
        await asyncio.sleep(0)
        assert sum(reading(*crowd)) == RESUMED_AT_ONCE
        pressure.press(False)
        await asyncio.sleep(0)
        assert all(reading(*crowd))

    asyncio.run(scenario())


def test_who_rests_is_read_again_with_the_next_tick() -> None:
    """Unless it has to wait for Redis as well; and one that waits for Redis may still have to rest."""

    async def scenario() -> None:
        pressure, one, other = Backpressure(), Made(), Made()
        for made in one, other:
            pressure.rest(made.connection)
        pressure.press(True)
        pressure.hold(other.connection)
        pressure.tick()
        assert reading(one, other) == [True, False]
        pressure.rest(other.connection)
        pressure.press(False)
        assert reading(other) == [False]
        pressure.tick()
        assert reading(other) == [True]

    asyncio.run(scenario())


def test_sockets_that_are_gone() -> None:
    """Are not kept, whether they went before or after they were to wait."""

    async def scenario() -> None:
        pressure, gone, going = Backpressure(), Made(), Made()
        pressure.press(True)
        gone.connection.closed(1006)
        for connection in gone.connection, going.connection:
            pressure.hold(connection)
            pressure.rest(connection)
        going.connection.closed(1006)
        pressure.leaves(going.connection)
        assert kept(pressure) == []
        pressure.press(False)
        pressure.tick()

    asyncio.run(scenario())


def kept(pressure: Backpressure) -> list[Connection]:
    return [*pressure._waiting, *pressure._resting]
