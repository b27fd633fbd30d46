"""``pool_link``: what is asked of a pool while it is on its way to another server."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

import hiredis
import pytest

from chat.store import pool_link
from chat.store.calls import Command, Done, LinkDown
from chat.store.pool_link import ELSEWHERE, PoolLink
from chat.store.wire import PRESSED_CALLS
from tests.unit.fake_loop import FakeLoop

TIMEOUT = 2.0
PROBE = b"chat:{7}:probe:node"
MOVED = hiredis.ReplyError("MOVED 1234 10.0.0.2:6379")


class FakeHome:
    """A link to a server: keeps what is asked of it, and answers when the test says so, in order."""

    def __init__(self) -> None:
        self.asked: list[Command] = []
        self.recorded: list[Command] = []
        self.weights: list[int] = []
        self.left: list[int] = []
        self.subscribed: set[bytes] = set()
        self.up = True
        self._line: deque[tuple[bool, Callable[..., None]]] = deque()

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        self.asked.append(command)
        self.weights.append(weight)
        self._line.append((True, done))

    def record(self, command: Command, done: Done, weight: int = 1) -> None:
        self.recorded.append(command)
        self.call(command, done, weight)

    def after_open_calls(self, done: Callable[[], None]) -> None:
        if self._line:
            self._line.append((False, done))
        else:
            done()

    def open_calls(self) -> int | None:
        return len(self._line) if self.up else None

    def subscribe(self, channel: bytes) -> None:
        self.subscribed.add(channel)

    def subscribe_all(self, channels: Collection[bytes]) -> None:
        self.subscribed |= set(channels)

    def unsubscribe(self, channel: bytes) -> None:
        self.subscribed.discard(channel)

    def leave(self, pool: int) -> None:
        self.left.append(pool)
        self.subscribed.clear()

    def answer(self, *replies: Any) -> None:
        """The oldest calls, each with its reply; then those who waited for their place behind them."""
        for reply in replies:
            _, done = self._line.popleft()
            done(reply)
            while self._line and not self._line[0][0]:
                self._line.popleft()[1]()


class World:
    """A pool's link, at a server, and what was told."""

    def __init__(self) -> None:
        self.loop = FakeLoop()
        self.strayed: list[tuple[FakeHome, str]] = []
        self.order: list[Any] = []
        self.presses: list[bool] = []
        self.link = PoolLink(7, TIMEOUT, self._astray, self.presses.append)
        self.link._loop = self.loop  # type: ignore[assignment]  # as much of one as is needed
        self.home = self.arrive()

    def _astray(self, pool: PoolLink, home: Any, why: str) -> None:
        assert pool is self.link
        self.strayed.append((home, why))

    def arrive(self) -> FakeHome:
        home: Any = FakeHome()
        self.link.arrive(home, PROBE)
        found: FakeHome = home
        return found

    def ask(self, *names: str) -> None:
        """Each is told with its answer."""
        for name in names:
            self.link.call((name,), lambda reply, name=name: self.order.append((name, reply)))  # type: ignore[misc]

    def place(self, name: str) -> None:
        self.link.after_open_calls(lambda: self.order.append(name))

    def lost(self) -> list[Any]:
        """What was told until now, where it was that nobody knows; nothing else was told."""
        told, self.order = self.order, []
        assert all(isinstance(one, str) or isinstance(one[1], LinkDown) for one in told), told
        return [one if isinstance(one, str) else one[0] for one in told]


def run(scenario: Callable[[World], None]) -> None:
    async def main() -> None:
        world = World()
        scenario(world)
        world.link.close()

    asyncio.run(main())


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


# For how long


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
            world.presses.clear()
            world.link.stray(world.home, "MOVED 1 here:1")  # type: ignore[arg-type]
            for _ in range(PRESSED_CALLS):
                world.ask("call")
            assert world.presses == []
            world.ask("one more")
            assert world.presses == [True]
            if end == "is late":
                world.loop.now += TIMEOUT
                world.link._expire()
            elif end == "is given up":
                world.link.give_up()
            home = world.arrive()
            assert world.presses == [True, False], end
            world.home = home

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
