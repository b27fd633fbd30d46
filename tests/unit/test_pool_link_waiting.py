"""``pool_link``: for how long, and how many calls wait for a pool that strays; and how that ends."""

from typing import Any

import pytest

from chat.store import pool_link
from chat.store.calls import LinkDown
from chat.store.pool_link import MOST_WAITING
from chat.store.wire import PRESSED_CALLS
from tests.unit.pool_link_scene import MOVED, TIMEOUT, World, run


def test_nobody_waits_for_longer_than_for_a_silent_redis() -> None:
    """Each from when it was asked, or refused, on; what still waits is asked when the pool has arrived."""

    def scenario(world: World) -> None:
        world.ask("a")
        world.home.answer(MOVED)
        world.loop.now += TIMEOUT / 2
        world.ask("b")
        world.place("after b")
        world.loop.now += TIMEOUT / 4
        world.ask("c")
        world.loop.until_due()
        assert world.loop.now == 100 + TIMEOUT
        assert world.lost() == ["a"]
        world.loop.until_due()
        assert world.loop.now == 100 + TIMEOUT * 1.5
        assert world.lost() == ["b", "after b"]
        new = world.arrive()
        assert new.asked == [("c",)]
        new.answer(b"3")
        assert world.order == [("c", b"3")]
        world.loop.until_due()
        assert len(world.order) == 1, "nothing waits any more"

    run(scenario)


def test_what_was_refused_late_is_answered_before_what_came_meanwhile() -> None:
    """It was asked first."""

    def scenario(world: World) -> None:
        world.ask("a", "b")
        world.home.answer(MOVED)
        world.ask("c")
        world.place("after c")
        world.loop.now += TIMEOUT / 2
        world.home.answer(MOVED)
        world.loop.until_due()
        assert world.loop.now == 100 + TIMEOUT
        assert world.lost() == ["a"], "b waits until later, and what came after it for b"
        world.loop.until_due()
        assert world.loop.now == 100 + TIMEOUT * 1.5
        assert world.lost() == ["b", "c", "after c"]

    run(scenario)


def test_no_more_than_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is answered with LinkDown in its turn; it is not asked when the pool arrives."""
    monkeypatch.setattr(pool_link, "MOST_WAITING", 2)

    def scenario(world: World) -> None:
        home: Any = world.home
        world.link.stray(home, "moved")
        world.ask("a", "b", "c")
        assert world.order == []
        new = world.arrive()
        assert new.asked == [("a",), ("b",)]
        new.answer(b"1", b"2")
        assert world.order[:2] == [("a", b"1"), ("b", b"2")]
        world.order = world.order[2:]
        assert world.lost() == ["c"]

    run(scenario)


def test_a_pool_that_is_given_up() -> None:
    """All that waits is told in its order, and whoever asks then is told at once: until it has arrived."""

    def scenario(world: World) -> None:
        world.ask("a", "b")
        world.home.answer(MOVED)
        world.ask("c")
        world.place("after c")
        world.home.answer(MOVED)
        world.link.give_up()
        assert world.lost() == ["a", "b", "c", "after c"]
        world.ask("d")
        world.place("after d")
        assert world.lost() == ["d", "after d"]
        new = world.arrive()
        assert new.asked == []
        world.ask("e")
        new.answer(b"5")
        assert world.order == [("e", b"5")]

    run(scenario)


def test_the_connection_to_its_server_is_lost() -> None:
    """It is given up there: what is open has its answer from there, and nothing waits for what is lost."""

    def scenario(world: World) -> None:
        world.ask("a")
        world.home.up = False
        world.link.give_up()
        assert world.home.left == [7]
        assert world.strayed == []
        assert world.link.home is None
        world.home.answer(LinkDown("lost"))
        assert world.lost() == ["a"]
        world.ask("b")
        assert world.lost() == ["b"]

    run(scenario)


def test_closing_answers_everybody() -> None:
    """And no timer is left that would do it again."""

    def scenario(world: World) -> None:
        world.ask("a")
        world.home.answer(MOVED)
        world.ask("b")
        timer = world.link._timer
        world.link.close()
        assert world.lost() == ["a", "b"]
        assert timer is not None
        assert timer.cancelled()

    run(scenario)


def test_many_that_wait_are_told() -> None:
    """So that sockets are not read further; and again when they do not wait any more, however that ends."""

    def scenario(world: World) -> None:
        for end in "arrives", "is given up", "is late":
            world.link.stray(world.home, "MOVED 1 here:1")  # type: ignore[arg-type]
            world.presses.clear()
            for _ in range(PRESSED_CALLS):
                world.ask("call")
            assert (world.presses, world.link.pressed) == ([], False)
            world.ask("one more")
            assert (world.presses, world.link.pressed) == ([True], True)
            if end == "is late":
                world.loop.now += TIMEOUT
                world.link._expire()
            elif end == "is given up":
                world.link.give_up()
            home = world.arrive()
            assert (world.presses, world.link.pressed) == ([True, False], False), end
            world.home = home

    run(scenario)


def test_many_in_one_call_are_many() -> None:
    """The messages of a turn are one call, and weigh as many as they are, waiting or refused."""

    def scenario(world: World) -> None:
        messages = PRESSED_CALLS // 2
        for _ in range(2):
            world.link.call(b"messages", world.order.append, messages)
        world.home.answer(MOVED)
        world.home.answer(MOVED)
        assert world.presses == [False], "it has left its server"
        world.presses.clear()
        world.link.call(b"one more", world.order.append)
        assert world.presses == [True]
        world.loop.now += TIMEOUT
        world.link._expire()
        assert world.presses == [True, False]
        for _ in range(MOST_WAITING // messages):
            world.link.call(b"messages", world.order.append, messages)
        world.order.clear()
        world.link.call(b"too many", world.order.append)
        assert len(world.arrive().asked) == MOST_WAITING // messages

    run(scenario)


def test_a_pool_at_a_server_that_is_pressed() -> None:
    """Is pressed as well, until it has left: then that is told, because nobody else will."""

    def scenario(world: World) -> None:
        home: Any = world.home
        seen: list[bool] = []
        world.link._on_pressure = lambda pressed: seen.append(world.link.pressed)
        for world.home.pressed in False, True:
            seen.append(world.link.pressed)
        world.ask("a")
        world.link.stray(home, "a subscription has ended")
        seen.append(world.link.pressed)
        world.home.answer(b"1")
        assert seen == [False, True, True, False]

    run(scenario)
