"""The leases of a node: one in each pool that it looks after, and which pools those are."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace

from chat.lease import Lease, Terms
from chat.liveness import TICK_SECONDS
from chat.store.store import Store


class Leases:
    """All on the same ``terms``. What the node reports is asked once for all of them."""

    def __init__(self, store: Store, terms: Terms) -> None:
        self._store = store
        self._clock = terms.clock
        self._seconds = terms.seconds
        self._report = terms.report
        self._terms = replace(terms, report=self._fields)
        self._leases: dict[int, Lease] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._reported = -terms.seconds
        self._said: Mapping[str, str] = {}

    def held(self, pool: int) -> bool:
        """Whether no other node can have taken this one for dead there."""
        lease = self._leases.get(pool)
        return lease is not None and lease.held()

    def interrupted(self, pools: Collection[int]) -> None:
        """The link to them was interrupted: they are renewed at once."""
        for pool in pools:
            if pool in self._leases:
                self._leases[pool].interrupted()

    async def take(self) -> None:
        """The first time, all at the same time."""
        await self._store.upkeep.look_for_pools()
        await asyncio.gather(*(self._of(pool).take() for pool in list(self._store.pools.served)))

    async def release(self) -> None:
        """The node is leaving."""
        await asyncio.gather(*(self._store.upkeep.release(pool) for pool in self._leases))

    async def keep(self) -> None:
        """Renews and sweeps in every pool there is, until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            looked = self._clock()
            while True:
                for pool in set(self._store.pools.served) - self._tasks.keys():
                    work = self._look_after(pool)
                    self._tasks[pool] = tasks.create_task(work, name=f"pool {pool}")
                await asyncio.sleep(TICK_SECONDS)
                if self._clock() - looked >= self._seconds / 3:
                    looked = self._clock()
                    await self._store.upkeep.look_for_pools()
                    await self._retire()

    async def _look_after(self, pool: int) -> None:
        if pool not in self._leases:
            await self._of(pool).take()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._leases[pool].keep(), name=f"lease of pool {pool}")
            tasks.create_task(self._leases[pool].sweep(), name=f"sweep of pool {pool}")

    async def _retire(self) -> None:
        """Pools that are not used any more: nobody has seen anything in them for long."""
        for pool in self._store.upkeep.retire():
            if pool in self._tasks:
                task = self._tasks.pop(pool)
                task.cancel()
                await asyncio.wait([task])
            if self._leases.pop(pool, None) is not None:
                await self._store.upkeep.release(pool)
            self._store.pools.drop(pool)

    def _of(self, pool: int) -> Lease:
        if pool not in self._leases:
            self._leases[pool] = Lease(self._store.upkeep, pool, self._terms)
        return self._leases[pool]

    def _fields(self) -> Mapping[str, str]:
        """The same in all pools."""
        now = self._clock()
        if now - self._reported > self._seconds / 6:
            self._reported, self._said = now, self._report()
        return self._said
