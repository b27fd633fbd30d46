"""``pool_link``: what is asked of a pool while it is on its way to another server (for how long it waits:
test_pool_link_waiting)."""

import asyncio
from typing import Any

import hiredis
import pytest

from chat.store.calls import LinkDown
from chat.store.pool_link import ELSEWHERE
from tests.unit.pool_link_scene import MOVED, PROBE, World, run

# Where it is


def test_at_its_server_everything_passes() -> None:
    """Calls with their weight, answers, errors of the call, places, channels."""

    def scenario(world: World) -> None:
        link, home = world.link, world.home
        link.subscribe(b"chat:{7}:push:1")
        link.subscribe(b"chat:{7}:push:2")
        link.unsubscribe(b"chat:{7}:push:1")
        assert home.subscribed == {PROBE, b"chat:{7}:push:2"}
        link.call(b"packed", world.order.append, 30)
        world.ask("a", "b")
        world.place("place")
        assert link.there
        assert link.open_calls() == home.open_calls() == 4
        refused, down = hiredis.ReplyError("OOM command not allowed"), LinkDown("lost")
        home.answer(b"OK", refused, down)
        assert world.order == [b"OK", ("a", refused), ("b", down), "place"]
        assert (home.asked, home.weights) == ([b"packed", ("a",), ("b",)], [30, 1, 1])
        assert world.strayed == []

    run(scenario)


def test_a_server_that_is_not_connected() -> None:
    """It is known where the pool is, but it cannot be asked."""

    def scenario(world: World) -> None:
        world.home.up = False
        assert not world.link.there
        assert world.link.open_calls() is None

    run(scenario)


# A pool that strays


@pytest.mark.parametrize("why", ELSEWHERE)
def test_what_is_refused_is_asked_where_it_has_arrived(why: str) -> None:
    """First what was refused, in its order, then what came later; nobody is told but who looks for it, once."""

    def scenario(world: World) -> None:
        refused = hiredis.ReplyError(f"{why} said so")
        world.ask("a", "b", "c")
        world.home.answer(b"1", refused)
        assert world.strayed == [(world.home, f"{why} said so")]
        assert world.home.left == [7]
        assert world.link.home is None
        assert world.link.open_calls() is None
        world.ask("d", "e")
        world.home.answer(refused)
        assert len(world.strayed) == 1
        new = world.arrive()
        assert new.asked == [("b",), ("c",), ("d",), ("e",)]
        assert world.home.asked == [("a",), ("b",), ("c",)]
        new.answer(b"2", b"3", b"4", b"5")
        assert world.order == [
            ("a", b"1"), ("b", b"2"), ("c", b"3"), ("d", b"4"), ("e", b"5"),
        ]  # fmt: skip

    run(scenario)


@pytest.mark.parametrize("reply", [b"3", LinkDown("lost"), hiredis.ReplyError("OOM")])
def test_what_is_answered_after_a_refusal(reply: Any) -> None:
    """As where the slot was on its way, and stays after all: what was refused before is not done behind it, and is
    answered before it."""

    def scenario(world: World) -> None:
        world.ask("a", "b")
        world.place("after b")
        world.ask("c", "d")
        world.home.answer(hiredis.ReplyError("ASK 1 b:2"), hiredis.ReplyError("ASK 1 b:2"), reply)
        told = world.order.pop()
        assert told == ("c", reply)
        assert world.lost() == ["a", "b", "after b"]
        world.home.answer(hiredis.ReplyError("ASK 1 b:2"))
        assert world.arrive().asked == [("d",)]

    run(scenario)


def test_what_was_done_at_the_server_of_before_is_not_asked_again() -> None:
    """Its answer counts, also where it comes after the pool is known to be elsewhere."""

    def scenario(world: World) -> None:
        world.ask("a", "b")
        home: Any = world.home
        world.link.stray(home, "a subscription has ended")
        world.home.answer(b"1", LinkDown("lost"))
        assert [name for name, _ in world.order] == ["a", "b"]
        assert world.arrive().asked == []

    run(scenario)


def test_weights_stay_what_they_are() -> None:
    """Of a call that was refused, and of one that waited."""

    def scenario(world: World) -> None:
        world.link.call(b"refused", world.order.append, 30)
        world.home.answer(MOVED)
        world.link.call(b"waited", world.order.append, 20)
        new = world.arrive()
        assert (new.asked, new.weights) == ([b"refused", b"waited"], [30, 20])

    run(scenario)


def test_places_in_line_stay_where_they_are() -> None:
    """Behind all that was asked before them, before all that is asked later: also one that was taken at the
    server of before, where what is before it is refused."""

    def scenario(world: World) -> None:
        world.ask("a")
        world.place("after a")
        world.ask("b")
        world.place("after b")
        world.ask("c")
        world.home.answer(b"1", MOVED)
        assert world.order == [("a", b"1"), "after a"], "b has no answer yet"
        world.place("after c")
        world.home.answer(MOVED)
        world.ask("d")
        world.place("after d")
        new = world.arrive()
        world.ask("e")
        assert len(world.order) == 2
        new.answer(b"2", b"3", b"4", b"5")
        assert world.order[2:] == [
            ("b", b"2"), "after b", ("c", b"3"), "after c", ("d", b"4"), "after d", ("e", b"5"),
        ]  # fmt: skip

    run(scenario)


def test_a_place_where_nothing_is_open() -> None:
    """Is reached at once, at a server and on the way."""

    def scenario(world: World) -> None:
        world.place("there")
        world.ask("a")
        home: Any = world.home
        world.link.stray(home, "a subscription has ended")
        world.place("behind a")
        assert world.order == ["there"]
        world.home.answer(b"1")
        world.arrive()
        assert world.order == ["there", ("a", b"1"), "behind a"]
        home = world.link.home
        world.link.stray(home, "again")
        world.place("on the way")
        assert world.order[3:] == ["on the way"]

    run(scenario)


def test_it_strays_again_before_its_calls_are_answered() -> None:
    """They go where it has arrived at last, in the same order."""

    def scenario(world: World) -> None:
        world.ask("a", "b")
        world.home.answer(MOVED, MOVED)
        second = world.arrive()
        world.ask("c")
        second.answer(MOVED, MOVED, MOVED)
        assert [home for home, _ in world.strayed] == [world.home, second]
        third = world.arrive()
        assert third.asked == [("a",), ("b",), ("c",)]
        third.answer(b"1", b"2", b"3")
        assert world.order == [("a", b"1"), ("b", b"2"), ("c", b"3")]

    run(scenario)


def test_who_speaks_of_a_server_of_before_is_late() -> None:
    """It is not lost for that."""

    def scenario(world: World) -> None:
        before: Any = world.home
        world.link.stray(before, "first")
        new = world.arrive()
        world.link.stray(before, "late")
        assert world.link.there
        assert new.left == []
        assert len(world.strayed) == 1

    run(scenario)


def test_the_server_of_before_has_to_answer_everything_first() -> None:
    """Or a call could be done after one that was asked later."""

    async def main() -> None:
        world = World()
        world.ask("a", "b")
        world.home.answer(MOVED)
        drained = asyncio.create_task(world.link.drained())
        for _ in range(3):
            await asyncio.sleep(0)
        assert not drained.done()
        world.home.answer(MOVED)
        async with asyncio.timeout(1):
            await drained
        world.link.close()

    asyncio.run(main())


def test_channels_on_the_way() -> None:
    """All that are wanted when it arrives, and its probe; nothing is left at the server of before."""

    def scenario(world: World) -> None:
        for number in range(3):
            world.link.subscribe(b"chat:{7}:push:%d" % number)
        home: Any = world.home
        world.link.stray(home, "moved")
        assert world.home.subscribed == set()
        world.link.unsubscribe(b"chat:{7}:push:0")
        world.link.subscribe(b"chat:{7}:push:3")
        new = world.arrive()
        assert new.subscribed == {PROBE, *(b"chat:{7}:push:%d" % number for number in (1, 2, 3))}
        assert world.home.subscribed == set()

    run(scenario)


def test_what_is_recorded_is_recorded_where_the_pool_arrives() -> None:
    """Also when it had to wait, or was refused."""

    def scenario(world: World) -> None:
        world.link.record((b"first",), world.order.append)
        world.home.answer(hiredis.ReplyError("MOVED 1 here:1"))
        world.link.record((b"second",), world.order.append)
        home = world.arrive()
        assert home.recorded == [(b"first",), (b"second",)]
        home.answer(1, 2)
        assert world.order == [1, 2]

    run(scenario)
