"""``moves``: who moves where, and what becomes of a socket whose account is on its way."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chat.backpressure import Backpressure
from chat.connection import Connection, State
from chat.counts import Counts
from chat.errors import Close, Code
from chat.hub import Hub
from chat.moves import ALONE_MS, STAYS, Moves, Waiting, meeting_place
from chat.store.library import UNMARKED
from tests.unit.fake_inboxes import FakeInboxes, push
from tests.unit.fake_socket import Made

ACCOUNT, EPOCH, LATER = 1003, 5, 9
COPY = (b"token", 2, 1, [b"nick", b'"x"'], [push(2)])
ELSEWHERE = Waiting(1, 0, 0, 0)


class FakeStore:
    """Answers each step with what the test has prepared, and keeps what was asked."""

    def __init__(self) -> None:
        self.moving = self
        self.pools = SimpleNamespace(served=[0, 3, 7])
        self.waiting: dict[int, Waiting | None] = {}
        self.codes: dict[str, int] = {}
        self.asked: list[tuple[Any, ...]] = []
        self.before: dict[str, Callable[[], None]] = {}
        """What happens before a step is answered."""
        self.kept: list[tuple[int, Sequence[int]]] = []

    async def alone(self, pool: int) -> Waiting | None:
        return self.waiting.get(pool, Waiting(0, 0, 0, 0))

    async def copy(self, pool: int, account: int, epoch: int) -> tuple[int, Sequence[Any]]:
        code = await self._step("copy", pool, account, epoch)
        return code, COPY if code == Code.SUCCESS else ()

    async def admit(self, pool: int, account: int, fields: Any, pushes: Any) -> int:
        return await self._step("admit", pool, account)

    async def depart(self, pool: int, account: int, *rest: int) -> int:
        return await self._step("depart", pool, account, *rest)

    def arrive(self, pool: int, account: int, token: bytes, done: Callable[..., None]) -> None:
        self.asked.append(("arrive", pool, account, token))

        def answer() -> None:
            self.before.get("arrive", lambda: None)()
            code = self.codes.get("arrive", Code.SUCCESS)
            values = (LATER, b'"x"', 1, 0, (), 1, 3, [push(2), push(3)], 1500)
            done(code, values if code == Code.SUCCESS else ())

        asyncio.get_running_loop().call_soon(answer)

    def keep(self, pool: int, moved: Sequence[int]) -> None:
        self.kept.append((pool, moved))

    async def _step(self, name: str, *args: int) -> int:
        self.asked.append((name, *args))
        await asyncio.sleep(0)
        self.before.get(name, lambda: None)()
        return self.codes.get(name, Code.SUCCESS)


class World:
    """A socket whose account waits in pool 3, among others elsewhere."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.inboxes = FakeInboxes()
        self.counts = Counts()
        self.hub = Hub(self.inboxes, lambda *_: True, lambda _: None, self.counts)
        self.resumed: list[Connection] = []
        self.released: list[tuple[State, int]] = []
        self.detached: list[tuple[Any, ...]] = []
        binding = SimpleNamespace(
            resume=self.resumed.append, detach=lambda *args: self.detached.append(args)
        )
        self.moves = Moves(
            cast(Any, self.store), self.hub, cast(Any, binding), self._released, self.counts,
            random.Random(1),
        )  # fmt: skip
        self.made = Made()
        self.connection = self.made.connection
        self.hub.expect(3, ACCOUNT)
        self.connection.bind(3, ACCOUNT, EPOCH, 1)
        self.hub.bind(self.connection)
        self.hub.push(ACCOUNT, push(2), UNMARKED)
        self.store.waiting = {0: ELSEWHERE, 3: Waiting(1, ACCOUNT, EPOCH, ALONE_MS)}

    def _released(self, connection: Connection) -> None:
        """Its frames are kept from then on, and its pool is still the one in which it may have waited."""
        self.released.append((connection.state, connection.pool))

    def steps(self) -> list[str]:
        return [step[0] for step in self.store.asked]


def run(scenario: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await scenario(World())

    asyncio.run(main())


@pytest.mark.parametrize(
    ("accounts", "place"),
    [({3: 1, 1: 2}, 1), ({0: 0, 5: 1}, 0), ({0: 1, 5: STAYS}, 5), ({2: STAYS, 5: STAYS}, 2)],
)
def test_where_they_meet(accounts: dict[int, int], place: int) -> None:
    """In the lowest pool; where somebody cannot move, there."""
    assert meeting_place({pool: Waiting(1, a, 1, 1) for pool, a in accounts.items()}) == place


def test_who_waits_alone_moves() -> None:
    """To where somebody waits; what was written stays written, what was not follows, and what was said meanwhile is
    acted on."""

    async def scenario(world: World) -> None:
        states = []
        for step in "copy", "admit", "depart", "arrive":
            world.store.before[step] = lambda: states.append(world.connection.state)
        await world.moves.bring_together()
        assert world.store.asked == [
            ("copy", 3, ACCOUNT, EPOCH),
            ("admit", 0, ACCOUNT),
            ("depart", 3, ACCOUNT, EPOCH, 2, 1, 0),
            ("arrive", 0, ACCOUNT, b"token"),
        ]
        assert states == [State.BOUND, State.BOUND, State.BINDING, State.BINDING]
        connection = world.connection
        assert (connection.state, connection.pool, connection.epoch) == (State.BOUND, 0, LATER)
        assert world.made.transport.frames == [push(2), push(3)]
        assert world.inboxes.subscribed == [(0, ACCOUNT)]
        assert world.resumed == [connection]
        assert world.released == [(State.BINDING, 3)]
        assert world.store.kept == [(3, (ACCOUNT, 0))]
        assert world.counts.match_wait.total == 1.5

    run(scenario)


@pytest.mark.parametrize("waited", [True, False])
def test_who_was_not_read_because_of_the_pool_that_it_leaves(waited: bool) -> None:
    """Is read where it arrives, and waits for that pool as everybody there."""

    async def scenario(world: World) -> None:
        pressed = {3} if waited else {0}
        backpressure = Backpressure(pressed.__contains__)
        world.moves._release = backpressure.release
        backpressure.press(True)
        backpressure.hold(world.connection)
        assert world.made.transport.reading is not waited
        await world.moves.bring_together()
        assert world.made.transport.reading
        backpressure.hold(world.connection)
        assert world.made.transport.reading is waited
        pressed.clear()
        backpressure.press(False)
        assert world.made.transport.reading

    run(scenario)


@pytest.mark.parametrize(
    "waiting",
    [
        {3: Waiting(1, ACCOUNT, EPOCH, 60_000)},
        {0: None, 3: Waiting(1, ACCOUNT, EPOCH, 60_000)},
        {0: ELSEWHERE, 3: Waiting(1, ACCOUNT, EPOCH, ALONE_MS - 1)},
        {0: ELSEWHERE, 3: Waiting(1, 0, 0, 60_000)},
        {0: ELSEWHERE, 3: Waiting(1, STAYS, 0, 60_000)},
        {3: Waiting(1, ACCOUNT, EPOCH, 60_000), 7: ELSEWHERE},
    ],
    ids=["nobody else", "no answer", "just came", "of another node", "talks", "is where they meet"],
)
def test_who_does_not_move(waiting: dict[int, Waiting | None]) -> None:
    """Nothing is asked for it."""

    async def scenario(world: World) -> None:
        world.store.waiting = waiting
        await world.moves.bring_together()
        assert world.store.asked == []

    run(scenario)


@pytest.mark.parametrize(("step", "asked"), [("copy", 1), ("admit", 2)])
def test_who_cannot_be_copied_stays(step: str, asked: int) -> None:
    """As it is."""

    async def scenario(world: World) -> None:
        world.store.codes[step] = Code.NOT_ALLOWED
        await world.moves.bring_together()
        assert len(world.store.asked) == asked
        assert (world.connection.state, world.connection.pool) == (State.BOUND, 3)

    run(scenario)


def test_who_has_another_socket_meanwhile_stays() -> None:
    """Or has moved by itself."""

    async def scenario(world: World) -> None:
        world.store.before["admit"] = lambda: setattr(world.connection, "epoch", LATER)
        await world.moves.bring_together()
        assert world.steps() == ["copy", "admit"]
        assert world.connection.state is State.BOUND

    run(scenario)


def test_who_was_paired_in_that_moment_stays() -> None:
    """What came meanwhile is looked for, and what was said is acted on."""

    async def scenario(world: World) -> None:
        world.store.codes["depart"] = Code.NOT_ALLOWED
        await world.moves.bring_together()
        assert (world.connection.state, world.connection.pool) == (State.BOUND, 3)
        assert [sockets for sockets, _ in world.inboxes.asked] == [[(3, ACCOUNT, EPOCH, 2)]]
        assert world.resumed == [world.connection]
        assert world.inboxes.subscribed == [(3, ACCOUNT)]

    run(scenario)


@pytest.mark.parametrize("step", ["depart", "arrive"])
@pytest.mark.parametrize("code", [Code.INTERNAL, Code.LOST, Code.NO_DATA])
def test_whose_whereabouts_nobody_knows_comes_back(step: str, code: Code) -> None:
    """The socket is let go, and finds the account in one of the two pools."""

    async def scenario(world: World) -> None:
        world.store.codes[step] = code
        await world.moves.bring_together()
        assert world.connection.code == Close.GOING_AWAY
        if step == "arrive":
            assert world.inboxes.subscribed == []

    run(scenario)


@pytest.mark.parametrize(
    ("code", "goodbye"), [(Close.GOODBYE, True), (1006, False)], ids=["goodbye", "lost"]
)
def test_who_goes_on_the_way(code: int, goodbye: bool) -> None:
    """Is away there, or ends."""

    async def scenario(world: World) -> None:
        world.store.before["arrive"] = lambda: world.connection.closed(code)
        await world.moves.bring_together()
        assert world.detached == [(0, ACCOUNT, LATER, 1, goodbye)]
        assert world.inboxes.subscribed == []

    run(scenario)


def test_who_goes_before_it_departs() -> None:
    """Is dealt with where it was."""

    async def scenario(world: World) -> None:
        world.store.before["depart"] = lambda: world.connection.closed(1006)
        await world.moves.bring_together()
        assert world.steps() == ["copy", "admit", "depart"]
        assert world.detached == []

    run(scenario)
