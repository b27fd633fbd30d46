"""``binding``: a crowd that comes at once waits in line; what is under way when somebody goes."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from chat.binding import BINDINGS_AT_ONCE, HELD_BYTES, HELD_FRAMES, HOPS, LEAVING_AT_ONCE, Binding
from chat.commands import Create, Reconnect
from chat.connection import Connection, Pause, State
from chat.counts import Counts
from chat.errors import Close, Code
from chat.hub import Hub
from chat.liveness import Liveness, Patience
from tests.unit.fake_inboxes import FakeInboxes
from tests.unit.fake_socket import Made

Done = Callable[[int, Sequence[Any]], None]


class FakeMoving:
    """Keeps what was forgotten."""

    def __init__(self) -> None:
        self.forgotten: list[tuple[int, int]] = []

    def forget(self, pool: int, account: int) -> None:
        self.forgotten.append((pool, account))


class FakeStore:
    """Keeps what is asked until the test answers; or answers at once that there is no link."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, Done]] = []
        self.pools: list[int] = []
        """Where accounts were asked for."""
        self.here: list[bool] = []
        """Whether that pool had sent them on before."""
        self.detached: list[tuple[int, int, int, int, bool]] = []
        self.down = False
        self.moving = FakeMoving()
        self.upkeep = self
        self.unknown: dict[int, int] = {}
        """Pools that are not there, or that nobody knows of: what is said of them."""

    def create(self, nick: bytes, token: str, address: str, done: Done) -> None:
        self._ask("create", 0, done)

    def attach(
        self, pool: int, account: int, token: str, seq: int | None, here: bool, done: Done
    ) -> None:
        self.pools.append(pool)
        self.here.append(here)
        self._ask("attach", account, done)

    def find(self, pool: int, done: Callable[[int], None]) -> None:
        done(self.unknown.get(pool, Code.SUCCESS))

    def detach(
        self, pool: int, account: int, epoch: int, acked: int, goodbye: bool, done: Done
    ) -> None:
        self.detached.append((pool, account, epoch, acked, goodbye))
        done(Code.INTERNAL if self.down else Code.SUCCESS, ())

    def _ask(self, name: str, account: int, done: Done) -> None:
        if self.down:
            done(Code.INTERNAL, ())
        else:
            self.asked.append((name, account, done))

    def moved(self, to: int) -> None:
        """The oldest question is to be asked of that pool."""
        self.asked.pop(0)[2](Code.MOVED, (to,))

    def answer(self) -> None:
        """The oldest question, with success."""
        name, _, done = self.asked.pop(0)
        if name == "create":
            done(Code.SUCCESS, (1000, 7))
        else:
            done(Code.SUCCESS, (7, b'"x"', 1, 0, (), 0, 0, [], -1))


class World:
    def __init__(self) -> None:
        self.store = FakeStore()
        self.now = 100.0
        self.counts = Counts()
        self.inboxes = FakeInboxes()
        self.hub = Hub(self.inboxes, lambda *_: True, lambda _: None, Counts())
        liveness = Liveness(Patience(15, 25, 60), lambda: 0.0, lambda _: None)
        self.received: list[bytes] = []
        self.flushed = 0
        self.binding = Binding(
            self.store,  # type: ignore[arg-type]  # as much of a store as is needed
            self.hub, liveness, lambda _, frame: self.received.append(frame), self._flush,
            self.counts, clock=lambda: self.now, new_token=lambda: "token", new_nick=lambda: "Somebody",
        )  # fmt: skip

    def _flush(self) -> None:
        self.flushed += 1

    def comes(self, account: int = 1000) -> Made:
        made = Made()
        self.binding.bind(made.connection, Reconnect(account, "token", 0))
        return made

    def goes(self, connection: Connection, code: int) -> None:
        connection.closed(code)
        self.binding.closed(connection, code)


def play(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


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


async def turn() -> None:
    """One turn of the event loop."""
    await asyncio.sleep(0)


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


# Accounts that have moved to another pool


def test_an_account_is_asked_for_where_its_number_says_and_then_where_it_has_moved_to() -> None:
    """As often as it has; its pushes are wanted wherever it is asked for, and at last where it is."""

    async def scenario() -> None:
        world = World()
        made = world.comes(1005)
        assert world.inboxes.subscribed == [(5, 1005)]
        world.store.moved(7)
        assert world.inboxes.subscribed == [(7, 1005)]
        world.store.moved(3)
        assert world.inboxes.subscribed == [(3, 1005)]
        world.store.answer()
        assert (world.store.pools, world.store.here) == ([5, 7, 3], [False] * 3)
        assert (made.connection.state, made.connection.pool) == (State.BOUND, 3)
        assert world.hub.epoch_of(3, 1005) == 7
        assert world.inboxes.subscribed == [(3, 1005)]
        assert world.counts.number(Reconnect, Code.SUCCESS) == 1
        assert world.counts.number(Reconnect, Code.MOVED) == 0

    play(scenario())


def test_pools_that_send_one_to_each_other() -> None:
    """An account that is in none of them is none; nobody is asked for ever, and nothing is left behind."""

    async def scenario() -> None:
        world = World()
        made = world.comes(1000)
        while world.store.asked:
            world.store.moved(7 if world.store.pools[-1] == 0 else 0)
        assert len(world.store.pools) == HOPS + 1
        assert world.store.here == [False, False] + [True] * (HOPS - 1)
        assert json.loads(made.transport.frames[0])["code"] == Code.NO_DATA
        assert (made.connection.state, world.inboxes.subscribed) == (State.NEW, [])

    play(scenario())


def test_who_goes_where_the_account_has_moved_to() -> None:
    """It loses its socket there; a goodbye is the end of what is known of it where it was made."""

    async def scenario() -> None:
        world = World()
        for code, goodbye, forgotten in (1006, False, []), (Close.GOODBYE, True, [(0, 1000)]):
            made = world.comes(1000)
            world.store.moved(7)
            world.store.answer()
            world.goes(made.connection, code)
            world.binding.let_go()
            assert world.store.detached.pop() == (7, 1000, 7, 0, goodbye)
            assert world.store.moving.forgotten == forgotten
        stays = world.comes(2000)
        world.store.answer()
        world.goes(stays.connection, Close.GOODBYE)
        world.binding.let_go()
        assert world.store.moving.forgotten == [(0, 1000)], (
            "who has not moved is known nowhere else"
        )

    play(scenario())


def test_who_goes_while_it_is_asked_elsewhere() -> None:
    """It is away where the account was found."""

    async def scenario() -> None:
        world = World()
        made = world.comes(1000)
        world.goes(made.connection, 1006)
        world.store.moved(7)
        world.store.answer()
        assert world.store.detached == [(7, 1000, 7, 0, False)]
        assert world.inboxes.subscribed == []

    play(scenario())


def test_a_new_account_lives_where_its_number_says() -> None:
    """The pool that made it has given it the number."""

    async def scenario() -> None:
        world = World()
        made = Made()
        world.binding.bind(made.connection, Create("x"))
        world.store.asked.pop()[2](Code.SUCCESS, (3012, 7))
        assert (made.connection.pool, made.connection.account) == (12, 3012)
        assert world.inboxes.subscribed == [(12, 3012)]

    play(scenario())


@pytest.mark.parametrize("code", [Code.NO_DATA, Code.INTERNAL])
def test_an_account_of_a_pool_that_is_not_there(code: Code) -> None:
    """A number that somebody made up: nothing is asked of that pool, nor subscribed there, and the next may come."""

    async def scenario() -> None:
        world = World()
        world.store.unknown[999] = code
        made = world.comes(1999)
        assert made.transport.frames == [b'{"cmd":"RECONNECT_RESP","code":%d}' % code], (
            made.transport.frames
        )
        assert (world.store.asked, world.inboxes.subscribed) == ([], [])
        world.comes(1000)
        assert [name for name, *_ in world.store.asked] == ["attach"]

    asyncio.run(scenario())
