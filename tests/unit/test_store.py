"""``store``: what it says of times; each function's own behaviour is in the contract."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from chat.store.calls import Command, Done, LinkDown, Part
from chat.store.library import Generations
from chat.store.store import Store
from chat.store.upkeep import Leased

SERVERS_TIME = 5_000_000
"""In ms, which no node's clock says."""
LEASE, TIMEOUT = 10, 2


class FakeLink:
    """Keeps the calls, and answers each with what the test has put there."""

    def __init__(self) -> None:
        self.calls: list[Sequence[Part]] = []
        self.answer: Any = [0]

    def of(self, pool: int) -> "FakeLink":
        return self

    def serve(self, pool: int) -> None: ...

    def flush(self) -> None: ...

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        assert not isinstance(command, bytes)
        self.calls.append(command)
        done(self.answer)


def leased(kept: int, end: int) -> list[Any]:
    """What the function answers."""
    return [0, kept, end, 1000 * (end - 1000 * LEASE), [0, 0, 0, 0, 0, 0]]


def store_on(link: FakeLink, clock: Callable[[], float], grace: float = 30) -> Store:
    return Store(
        link,  # type: ignore[arg-type]  # as much of a link as is needed
        Generations(), "node", lambda *_: None, pools=1, pool_accounts=100, grace=grace, lease=LEASE, inbox_length=100, sessions_per_account=8,
        accounts_per_minute=30, timeout=TIMEOUT, clock=clock,
    )  # fmt: skip


def test_a_sweep_says_until_when_it_counts() -> None:
    """In the server's time, which the lease has told: as long as the link has patience, no longer."""

    async def scenario() -> None:
        now = 100.0
        link = FakeLink()
        store = store_on(link, lambda: now)
        link.answer = leased(1, SERVERS_TIME + 1000 * LEASE)
        assert await store.upkeep.lease(0, {}) is Leased.KEPT
        now += 3
        link.answer = [0, 4, 5]
        assert await store.upkeep.sweep(0, 200) == (4, 5)
        assert link.calls[-1][-1] == SERVERS_TIME + 1000 * (3 + TIMEOUT)

    asyncio.run(scenario())


def test_how_long_ago_it_was_at_the_server() -> None:
    """Never below zero, where the clocks do not agree to the last."""

    async def scenario() -> None:
        now = 100.0
        link = FakeLink()
        store = store_on(link, lambda: now)
        link.answer = leased(1, SERVERS_TIME + 1000 * LEASE)
        await store.upkeep.lease(0, {})
        now += 3
        assert round(store.age(0, 1000 * SERVERS_TIME), 6) == 3
        assert store.age(0, 1000 * (SERVERS_TIME + 3001)) == 0

    asyncio.run(scenario())


def test_a_lease_is_said_by_what_was_answered_last() -> None:
    """So the pool can tell whether this is the lease that it knows; no answer changes nothing."""

    async def scenario() -> None:
        link = FakeLink()
        store = store_on(link, lambda: 0.0)
        link.answer = leased(0, SERVERS_TIME)
        assert await store.upkeep.lease(0, {}) is Leased.NEW
        link.answer = LinkDown("away")
        assert await store.upkeep.lease(0, {}) is Leased.UNKNOWN
        link.answer = leased(1, SERVERS_TIME + 1)
        assert await store.upkeep.lease(0, {}) is Leased.KEPT
        await store.upkeep.release(0)
        said = [parts[-2:] for parts in link.calls]
        lease = 1000 * LEASE
        assert said == [
            (lease, 0), (lease, SERVERS_TIME), (lease, SERVERS_TIME), (0, SERVERS_TIME + 1),
        ]  # fmt: skip

    asyncio.run(scenario())


def test_after_an_interruption_it_may_be_another_servers_time() -> None:
    """A replica that took over is ahead by a minute: sweeps are asked for by its clock."""

    async def scenario() -> None:
        link = FakeLink()
        store = store_on(link, lambda: 100.0)
        link.answer = leased(1, SERVERS_TIME + 1000 * LEASE)
        await store.upkeep.lease(0, {})
        link.answer = leased(1, SERVERS_TIME + 60_000 + 1000 * LEASE)
        await store.upkeep.lease(0, {})
        link.answer = [0, 0, 0]
        await store.upkeep.sweep(0, 200)
        assert link.calls[-1][-1] == SERVERS_TIME + 60_000 + 1000 * TIMEOUT

    asyncio.run(scenario())


def test_a_copy_of_who_moves_outlives_the_lease() -> None:
    """However short the grace time is: swept between two steps, the account would be nowhere."""

    async def scenario() -> None:
        link = FakeLink()
        for grace, kept in (0, LEASE), (30, 30):
            await store_on(link, lambda: 0.0, grace).moving.admit(0, 1007, (), ())
            assert link.calls[-1][4:] == (1007, 1000 * kept, 0)

    asyncio.run(scenario())
