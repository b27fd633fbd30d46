"""Who waits alone in one pool moves to another, where somebody else waits alone.

Strangers meet within a pool. So where there are several, two may wait, each in a pool of its own: then one of them
moves, with name, credential, numbers and inbox, and keeps its socket. It costs these few some calls, and once in a
while another when they come back (see ``Binding``); nobody else, and no message. Who has sessions is not moved,
because they stay where they are; the other is moved there.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chat.binding import Binding
from chat.connection import BINDING, BOUND, CLOSED, Connection
from chat.counts import Counts
from chat.errors import Close, Code, close_code
from chat.hub import Hub
from chat.liveness import TICK_SECONDS
from chat.store.keys import pool_of
from chat.store.sayings import speaker
from chat.store.store import Store

ALONE_MS = 1000
"""Who waits for less may still meet somebody in the own pool."""
KEEP_SECONDS = 3600.0
"""How often a pool is told that those live who have moved away from it: it forgets them after a day."""
STAYS = -1
"""In place of an account: the one that waits there cannot move."""


class Waiting(NamedTuple):
    """Who would be paired next in a pool."""

    number: int
    account: int
    """0 where its socket is at another node; or STAYS."""
    epoch: int
    ms: int


def meeting_place(waiting: Mapping[int, Waiting]) -> int:
    """Where they come together: all nodes find the same place. ``waiting`` is by pool, and not empty."""
    fixed = [pool for pool, who in waiting.items() if who.account == STAYS]
    return min(fixed or waiting)


class Moves:
    """Of the accounts whose sockets this node has. ``release`` is told of a socket that waits for its pool no more."""

    def __init__(
        self, store: Store, hub: Hub, binding: Binding, release: Callable[[Connection], None],
        counts: Counts, rng: random.Random,
    ) -> None:  # fmt: skip
        self._store = store
        self._moving = store.moving
        self._hub = hub
        self._binding = binding
        self._release = release
        self._counts = counts
        self._rng = rng

    async def look(self) -> None:
        """Every second, each node at its own moment, where there are several pools; until it is cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS * self._rng.uniform(0.5, 1.5))
            if len(self._store.pools.served) > 1 and len(self._hub):
                await self.bring_together()

    async def keep(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(KEEP_SECONDS * self._rng.uniform(0.5, 1))
            homes: defaultdict[int, list[int]] = defaultdict(list)
            for connection in self._hub.holders():
                home = pool_of(connection.account)
                if connection.pool != home:
                    homes[home] += (connection.account, connection.pool)
            for home, moved in homes.items():
                self._moving.keep(home, moved)

    async def bring_together(self) -> None:
        """Moves those that are here and wait alone, where others wait elsewhere."""
        pools = list(self._store.pools.served)
        found = await asyncio.gather(*map(self._moving.alone, pools))
        waiting = {
            pool: Waiting(*who)
            for pool, who in zip(pools, found, strict=True)
            if who is not None and who[0]
        }
        if len(waiting) < 2:
            return
        place = meeting_place(waiting)
        for pool, who in waiting.items():
            connection = self._hub.holder(who.account)
            if pool != place and who.ms >= ALONE_MS and connection is not None:
                await self.move(connection, pool, who.epoch, place)

    async def move(self, connection: Connection, pool: int, epoch: int, to: int) -> None:
        """Unless the account is not what was seen any more. At no step can it be lost: see "Moving" in the
        library."""
        account = connection.account
        code, values = await self._moving.copy(pool, account, epoch)
        if code != Code.SUCCESS:
            return
        token, seq, acked, fields, pushes = values
        if await self._moving.admit(to, account, fields, pushes) != Code.SUCCESS:
            return
        if connection.state is not BOUND or (connection.pool, connection.epoch) != (pool, epoch):
            return
        connection.state = BINDING  # what it says from here on waits until it is there
        self._release(connection)
        code = await self._moving.depart(pool, account, epoch, seq, acked, to)
        if connection.state is CLOSED:
            return
        if code != Code.SUCCESS:
            self._stay(connection, code)
            return
        self._hub.unbind(connection)
        self._hub.expect(to, account)
        await self._arrive(connection, to, token)

    def _stay(self, connection: Connection, code: int) -> None:
        """It was paired in that very moment, or nobody knows."""
        if code == Code.NOT_ALLOWED:
            connection.state = BOUND
            self._hub.recheck(connection)
            self._binding.resume(connection)
        else:
            connection.close(close_code(code))

    async def _arrive(self, connection: Connection, to: int, token: bytes) -> None:
        account = connection.account
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def arrived(code: int, values: Any) -> None:
            """In the turn of the answer: pushes follow it."""
            if code != Code.SUCCESS:
                self._hub.unexpect(to, account)
                connection.close(Close.GOING_AWAY)
            elif connection.state is CLOSED:
                self._hub.unexpect(to, account)
                goodbye = connection.code == Close.GOODBYE
                self._binding.detach(to, account, values[0], connection.acked, goodbye)
            else:
                self._bind(connection, to, values)
            if not done.done():  # this task may have been cancelled meanwhile
                done.set_result(None)

        self._store.arrive(to, account, token, arrived)
        await done

    def _bind(self, connection: Connection, to: int, values: Any) -> None:
        epoch, _, _, _, _, _, last, pushes, waited_ms = values
        account, home = connection.account, pool_of(connection.account)
        self._counts.matched(waited_ms)
        connection.moved(to, epoch, speaker(account, epoch))
        connection.filling = False
        self._hub.bind(connection)
        self._hub.replay(connection, last, pushes)
        self._binding.resume(connection)
        if home != to:  # where it comes back to: there may have been another pool in between
            self._moving.keep(home, (account, to))
