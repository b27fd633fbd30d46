"""The links to a Redis Cluster: one to each primary that holds a pool, and the pools on them.

What shows that a pool is elsewhere: a refusal (``ELSEWHERE``), a subscription that the server has ended, a link that
is lost. Then it is found where it is (the refusal may say it, otherwise redis-py is asked), a link to that primary
is made if there is none (which loads the functions), the pool begins there, its channels are subscribed, and
``on_gap`` is said: inboxes are read. All that is tried again, with backoff, until every pool is somewhere. Each pool
is brought there for itself: a server that does not answer holds up nobody but those that are there.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from functools import partial
from random import random
from typing import Any

from chat.errors import StoreForbidden, StoreUnreachable
from chat.store.calls import Command
from chat.store.complaints import Complaints
from chat.store.keys import pool_key
from chat.store.link import RedisLink
from chat.store.listed import Gathered, listed
from chat.store.pool_link import PoolLink
from chat.store.reasons import RIGHTS, is_forbidden
from chat.store.several import Server, spelt
from chat.store.topology import NoServer, Topology

log = logging.getLogger(__name__)

BACKOFF_SECONDS = (0.02, 0.5)
FIRST_SECONDS = 10.0
"""So long it is tried to find every pool before a node begins without some of them."""
SETTLE_SECONDS = 0.5
"""An attempt waits no longer for servers that do not answer: then others are looked for."""


class ClusterLinks:
    """``Links`` to a cluster. ``new_link`` makes one to a server, given what it tells when the link is lost, and
    of a pool that is not there; ``new_pressure`` what a pool tells when too many calls wait for it; ``probe`` names
    a channel of a pool that nobody else uses."""

    def __init__(
        self,
        topology: Topology,
        new_link: Callable[[Server, Callable[[], None], Callable[[int, str], None]], RedisLink],
        on_gap: Callable[[Collection[int]], None],
        *,
        new_pressure: Callable[[], Callable[[bool], None]],
        probe: Callable[[int], bytes],
        timeout: float,
        jitter: Callable[[], float] = random,
    ) -> None:
        self._topology = topology
        self._new_link = new_link
        self._on_gap = on_gap
        self._new_pressure = new_pressure
        self._probe = probe
        self._timeout = timeout
        self._jitter = jitter
        self._loop = asyncio.get_running_loop()
        self._complaints = Complaints(log, self._loop.time)
        self._lacking = Gathered(self._complaints.say)
        self._found = Gathered(lambda said, detail: log.info("%s%s", said, detail))
        self._pools: dict[int, PoolLink] = {}
        self._links: dict[Server, RedisLink] = {}
        self._hints: dict[int, Server] = {}
        self._left: dict[int, RedisLink] = {}
        """The link that a pool was on before, while it is looked for."""
        self._brought: dict[int, Server] = {}
        """Where pools are being brought to, each by a task."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._linking: defaultdict[Server, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._why = "no server has the slot of any pool"
        self._forbidden: StoreForbidden | None = None
        self._look = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def of(self, pool: int) -> PoolLink:
        self.serve(pool)
        return self._pools[pool]

    def serve(self, pool: int) -> None:
        if pool not in self._pools:
            self._pools[pool] = PoolLink(pool, self._timeout, self._astray, self._new_pressure())
            self._look.set()

    def flush(self) -> None:
        for link in self._links.values():
            link.flush()

    def open_calls(self) -> int | None:
        calls = [n for link in self._links.values() if (n := link.open_calls()) is not None]
        return sum(calls) if calls else None

    async def start(self) -> None:
        await self._topology.find(self._pools)  # otherwise there is nothing to wait for
        pause, longest = BACKOFF_SECONDS
        until = self._loop.time() + FIRST_SECONDS
        while not await self._settle():
            if self._forbidden is not None or self._loop.time() >= until:
                break
            await asyncio.sleep(pause * self._jitter())
            pause = min(2 * pause, longest)
        await self._try_to_publish()
        if self._forbidden is not None:
            await self.close()
            raise self._forbidden
        if not any(pool.home for pool in self._pools.values()):
            await self.close()
            raise StoreUnreachable(f"cannot use {self._topology.shown}: {self._why}")
        self._keeper = asyncio.create_task(self._keep(), name="redis cluster")

    async def _try_to_publish(self) -> None:
        """At each server, where nobody listens. The answer comes after those to the subscriptions: who may not do
        either is known then. Otherwise a node would begin, and lose its pools again and again."""

        async def publish(server: Server, link: RedisLink, pool: int) -> None:
            reply = await _asked(link, ("SPUBLISH", b"%b:mark" % pool_key(pool), ""))
            self._look_at_rights(server, str(reply))

        # Which pools are there is looked at now: they may leave while it is tried.
        pools = [(at, link, min(link.pools)) for at, link in self._links.items() if link.pools]
        await asyncio.gather(*(publish(*one) for one in pools))

    def _look_at_rights(self, server: Server, said: str) -> None:
        """What lacks at the start is told in place of a node; of a node that runs it ends nothing."""
        if is_forbidden(said):
            at = f"{spelt(server)}, of {self._topology.shown}"
            self._forbidden = StoreForbidden(f"cannot use Redis at {at}: {said} ({RIGHTS})")

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for pool in self._pools.values():
            pool.close()
        for link in self._links.values():
            await link.close()
        self._links.clear()
        self._lacking.tell()
        self._found.tell()

    # what shows that a pool is elsewhere

    def _astray(self, pool: PoolLink, home: RedisLink, why: str) -> None:
        self._lacking.add(pool.pool, "is not where it was", "are not where they were", f": {why}")
        self._left[pool.pool] = home
        if why.startswith("MOVED"):
            self._moved(pool.pool, home, why)
            self._begin_to_bring(self._hints)
        self._look.set()

    def _moved(self, pool: int, told_by: RedisLink, why: str) -> None:
        """ "MOVED <slot> <host>:<port>"; a server that does not know its own host means the one it was asked at."""
        host, _, port = why.rpartition(" ")[2].rpartition(":")
        asked = next((server for server, link in self._links.items() if link is told_by), ("", 0))
        if port.isdecimal():
            self._hints[pool] = (host or asked[0], int(port))

    def _said_astray(self, server: Server, pool: int, why: str) -> None:
        self._look_at_rights(server, why)
        link = self._links.get(server)
        if link is not None and pool in self._pools:
            self._pools[pool].stray(link, why)

    # where it is

    async def _keep(self) -> None:
        """Looks for every pool that is not there, for as long as the links live."""
        pause, longest = BACKOFF_SECONDS
        while True:
            await self._look.wait()
            self._look.clear()
            if await self._settle():
                pause = BACKOFF_SECONDS[0]
            else:
                self._look.set()
                await asyncio.sleep(pause * self._jitter())
                pause = min(2 * pause, longest)

    async def _settle(self) -> bool:
        """One attempt, for all pools at the same time; whether all are there."""
        self._begin_to_bring(self._hints)
        if lost := self._lost():
            try:
                found = await self._topology.find(lost)
                self._begin_to_bring(found)
                for pool in set(lost) - found.keys() - self._brought.keys():
                    self._lack(pool, "at no server: none has the slot")
            except NoServer as error:
                self._why = str(error)
                self._complaints.say(error.what, f": {error.why}")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SETTLE_SECONDS)
        await self._close_spare()
        return all(pool.there for pool in self._pools.values())

    def _lost(self) -> Collection[int]:
        """Pools that are not there, nor being brought anywhere."""
        lost = [number for number, pool in self._pools.items() if not pool.there]
        return [number for number in lost if number not in self._brought]

    def _begin_to_bring(self, found: Mapping[int, Server]) -> None:
        """Those that are lost to where they were found; what was heard of them before is not needed any more."""
        for number in self._lost():
            if server := found.get(number):
                self._hints.pop(number, None)
                self._brought[number] = server
                bring = self._bring(self._pools[number], server)
                task = asyncio.create_task(bring, name=f"pool {number} is brought")
                self._tasks.add(task)
                task.add_done_callback(partial(self._has_brought, number))

    def _has_brought(self, number: int, task: asyncio.Task[None]) -> None:
        """There, or it is tried again."""
        self._tasks.discard(task)
        del self._brought[number]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the pool %d could not be brought anywhere", number, exc_info=error)

    async def _bring(self, pool: PoolLink, server: Server) -> None:
        async with self._linking[server]:  # one link for all its pools
            link = self._links.get(server)
            if link is None:
                link = self._new_link(server, self._look.set, partial(self._said_astray, server))
                try:
                    await link.start()
                except StoreUnreachable as error:
                    if isinstance(error, StoreForbidden):
                        self._forbidden = error
                    awaited = [pool for pool, to in self._brought.items() if to == server]
                    self._why = str(error)
                    self._complaints.say(self._why, f" ({listed(awaited)})")
                    return
                self._links[server] = link
        await self._move(pool, link, server)

    async def _move(self, pool: PoolLink, link: RedisLink, server: Server) -> None:
        """Unless it came back, or the link is lost: then it is tried again."""
        if pool.there or link.open_calls() is None:
            return
        if pool.home is not None:  # where there is no connection any more
            pool.give_up()
        await pool.drained()
        reply = await _served(link, pool.pool, await self._handed_over(pool.pool))
        if isinstance(reply, Exception):
            link.leave(pool.pool)
            self._look_at_rights(server, str(reply))
            if str(reply).startswith("MOVED"):
                self._moved(pool.pool, link, str(reply))
            self._lack(pool.pool, f"not at {spelt(server)}: {reply}")
            return
        self._left.pop(pool.pool, None)
        self._hints.pop(pool.pool, None)
        pool.arrive(link, self._probe(pool.pool))
        self._on_gap((pool.pool,))
        self._found.add(pool.pool, f"is at {spelt(server)}", f"are at {spelt(server)}")

    async def _handed_over(self, pool: int) -> bytes:
        """The process that has handed the pool over: one that it was at before, that was not lost, and that is a
        primary still. One that was put down by a fail-over may have kept something for itself."""
        link = self._left.get(pool)
        if link is None:
            return b""
        role = await _asked(link, ("ROLE",))
        return link.run if isinstance(role, list) and role[:1] == [b"master"] else b""

    async def _close_spare(self) -> None:
        """Links that no pool is on any more."""
        for server, link in list(self._links.items()):
            awaited = server in self._brought.values() or link in self._left.values()
            if not link.pools and not awaited:
                del self._links[server]
                await link.close()

    def _lack(self, pool: int, where: str) -> None:
        self._why = f"pool {pool} is {where}"
        self._lacking.add(pool, f"is {where}", f"are {where}")


async def _served(link: RedisLink, pool: int, before: bytes) -> Any:
    """The reply, or the error in its place."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    link.serve(pool, before, lambda reply: None if answer.done() else answer.set_result(reply))
    return await answer


async def _asked(link: RedisLink, command: Command) -> Any:
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    link.call(command, lambda reply: None if answer.done() else answer.set_result(reply))
    return await answer
