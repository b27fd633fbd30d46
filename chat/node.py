"""The life of a node: start, lease, sweep, look after its sockets, and leave in order."""

import asyncio
import contextlib
import logging
import random
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from math import ceil
from typing import Any, NamedTuple

from picows import WSUpgradeRequest

from chat import __version__, protocol
from chat.acks import Acks
from chat.admission import Admission, Policy
from chat.backpressure import Backpressure
from chat.config import Settings
from chat.connection import Connection, Limits
from chat.counts import Counts
from chat.errors import Close, StoreForbidden
from chat.handlers import Handlers
from chat.hub import Hub
from chat.lease import Terms
from chat.leases import Leases
from chat.liveness import LOOK_SECONDS, TICK_SECONDS, Liveness, Patience
from chat.moves import Moves
from chat.nicks import friendly_nick
from chat.report import Report
from chat.store.figures import Figures
from chat.store.keys import account_of
from chat.store.library import MARK
from chat.store.open import open_store
from chat.websocket import Socket

log = logging.getLogger(__name__)

DRAIN_STEP_SECONDS = 0.1
LAG_SECONDS = 0.1
"""How often it is looked whether the event loop keeps up."""


class Standing(NamedTuple):
    """A node at this moment. ``open_calls`` is None while there is no link to Redis; ``links`` are the pools that it
    looks after, and whether there is one to where that is; ``pools`` are those to which there is one."""

    ready: bool
    sockets: int
    accounts: int
    open_calls: int | None
    links: Mapping[int, bool]
    pools: Mapping[int, Figures]


class Node:
    """Everything of one process but its HTTP server; the door of its sockets.

    ``name`` is unique; ``clock`` is in seconds; ``rng`` spreads what nodes do at the same time.
    ``counts`` is what it has done so far.
    """

    def __init__(
        self, settings: Settings, *, name: str, clock: Callable[[], float], rng: random.Random
    ) -> None:
        self.name = name
        self.counts = Counts()
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._connections: set[Connection] = set()
        self._limits = Limits(settings.commands_per_second, settings.commands_burst)
        self._admission = Admission(Policy.of(settings), self.counts.limits)
        self._store = open_store(
            settings, name, self._pushed, self._said, self._gap, self._press, clock
        )
        self._backpressure = Backpressure(self._store.pressed)
        self._liveness = Liveness(Patience.of(settings), clock, _ping)
        terms = Terms(
            settings.node_lease_seconds, lambda: self._report.fields(len(self._connections)),
            lambda pool: self._hub.gap((pool,)), self.counts.swept_some, clock, rng,
        )  # fmt: skip
        self._leases = Leases(self._store, terms)
        self._hub = Hub(self._store, self._believes, self._liveness.pushed, self.counts)
        self._acks = Acks(self._store)
        self._handlers = Handlers(
            self._store,
            self._hub,
            self._liveness,
            self._acks.add,
            self._acks.flush,
            self._backpressure.rest,
            self.counts,
            clock=clock,
            new_token=partial(secrets.token_urlsafe, 24),
            new_nick=partial(friendly_nick, rng.choice),
        )
        self._report = Report(self.counts, __version__, clock)
        self._hurry = asyncio.Event()
        self._moves = Moves(
            self._store, self._hub, self._handlers.binding, self._backpressure.release,
            self.counts, rng,
        )  # fmt: skip
        self._strays: set[int] = set()
        self._strayed = asyncio.Event()

    # the life

    async def start(self) -> None:
        """Connects to the shared state and takes the leases; raises StoreUnreachable. What the user of Redis may not
        do is told now: later it would be one more thing that Redis refuses for a while."""
        await self._store.start()
        await self._leases.take()
        try:
            self._store.check_rights()
        except StoreForbidden:
            await self.close()
            raise

    async def run(self) -> None:
        """Leases, sweeps and looks after the sockets until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for work in (
                self._leases.keep,
                self._moves.look,
                self._moves.keep,
                self._tick,
                self._look_at_sockets,
                self._watch_lag,
                self._look_for_strays,
            ):
                tasks.create_task(work(), name=work.__name__)

    async def drain(self) -> None:
        """Admits no new sockets and lets go of the others over the drain time, idle ones first.

        Returns when every socket is closed and Redis knows it. ``hurry`` ends the waiting.
        """
        self._admission.closed = True
        going = sorted(self._connections, key=lambda connection: connection.heard, reverse=True)
        log.info("leaving: letting go of %d sockets", len(going))
        began, total = self._clock(), len(going)
        while going:
            share = (self._clock() - began) / max(self._settings.drain_seconds, DRAIN_STEP_SECONDS)
            due = total if self._hurry.is_set() else ceil(total * min(1.0, share))
            while going and total - len(going) < due:
                going.pop().close(Close.GOING_AWAY)
            if going:
                await self._pause(DRAIN_STEP_SECONDS * self._rng.uniform(0.5, 1.5))
        self._handlers.binding.let_go()
        await self._store.settled()

    async def _pause(self, seconds: float) -> None:
        """Unless it is hurried."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    def hurry(self) -> None:
        """Lets go of the rest at once."""
        self._hurry.set()

    async def close(self) -> None:
        """Gives the leases back and closes the links."""
        await self._leases.release()
        await self._store.close()

    def ready(self) -> bool:
        """Whether people should be sent here: there is a link to a pool, which proves all the time that pushes
        arrive, the lease there was renewed, and the node is not leaving. One pool is enough: where another has no
        server, sending people to other nodes would not help."""
        return not self._admission.closed and any(map(self._stands, self._store.pools.served))

    def _stands(self, pool: int) -> bool:
        return self._store.linked(pool) and self._leases.held(pool)

    def standing(self) -> Standing:
        links = {pool: self._store.linked(pool) for pool in sorted(self._store.pools.served)}
        return Standing(
            ready=self.ready(),
            sockets=len(self._connections),
            accounts=len(self._hub),
            open_calls=self._store.open_calls(),
            links=links,
            pools={pool: self._store.pools[pool].figures for pool, up in links.items() if up},
        )

    # the door of the sockets

    def refuses(self, request: WSUpgradeRequest, peer: str) -> tuple[int, str] | None:
        path, address = request.path.decode("latin-1"), self._address(request, peer)
        without_account = len(self._connections) - len(self._hub)
        return self._admission.refuses(path, request.headers, address, without_account)

    def opened(self, socket: Socket, request: WSUpgradeRequest, peer: str) -> Connection:
        address = self._address(request, peer)
        self._admission.enters(address)
        connection = Connection(socket, address, self._limits, self._clock(), self._closed)
        self._connections.add(connection)
        self.counts.opened += 1
        self._liveness.opened(connection)
        return connection

    def received(self, connection: Connection, message: bytes) -> None:
        self._handlers.received(connection, message)
        if self._backpressure.on:
            self._backpressure.hold(connection)

    def drained(self, connection: Connection) -> None:
        self._hub.drained(connection)

    def control(self, connection: Connection) -> None:
        self._handlers.control(connection)

    def _closed(self, connection: Connection, code: int) -> None:
        self._connections.discard(connection)
        self.counts.ended(code, by_us=connection.cut)
        self._admission.leaves(connection.address)
        self._backpressure.leaves(connection)
        self._handlers.binding.closed(connection, code)

    def _address(self, request: WSUpgradeRequest, peer: str) -> str:
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
        return self._admission.address_of(peer, forwarded)

    # what the store tells

    def _pushed(self, channel: bytes, payload: bytes) -> None:
        self._hub.push(account_of(channel), payload[MARK:], payload[:MARK])

    def _believes(self, pool: int, mark: bytes) -> bool:
        return self._store.current(pool, mark) and self._leases.held(pool)

    def _said(self, asked: Sequence[Any], codes: Sequence[int], msgs: Sequence[int]) -> None:
        self._handlers.said(asked, codes, msgs)

    def _gap(self, pools: Collection[int]) -> None:
        """The link to them was interrupted, or is another one: pushes and answers may have been lost."""
        self.counts.reconnects += 1
        self._hub.gap(pools)
        self._strays.update(pools)
        self._strayed.set()
        self._leases.interrupted(pools)

    def _press(self, on: bool) -> None:
        self._backpressure.press(on)

    # the tasks

    async def _watch_lag(self) -> None:
        """Whether timers come when they should."""
        while True:
            due = self._clock() + LAG_SECONDS
            await asyncio.sleep(LAG_SECONDS)
            self.counts.late(max(0.0, self._clock() - due))

    async def _tick(self) -> None:
        """What is looked at once a second."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._hub.tick()
            self._backpressure.tick()
            self._handlers.binding.settle()
            self._acks.flush()

    async def _look_at_sockets(self) -> None:
        """Whether they live: a few at a time."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._liveness.tick()

    async def _look_for_strays(self) -> None:
        """After an interruption, until all are known."""
        while True:
            await self._strayed.wait()
            self._strayed.clear()
            pools, self._strays = self._strays, set()
            for pool in pools:
                await self._let_go_of_strays(pool)
            await asyncio.sleep(TICK_SECONDS)

    async def _let_go_of_strays(self, pool: int) -> None:
        """Accounts that were given to this node by an answer that was lost: nobody is here for them."""
        held = await self._store.upkeep.held(pool)
        for account, epoch in (held or {}).items():
            here = self._hub.epoch_of(pool, account)
            if here is None:
                held = None  # one is coming, or its answer was lost
            elif here != epoch:
                self._handlers.binding.detach(pool, account, epoch, 0)
        if held is None:
            self._strays.add(pool)  # look again
            self._strayed.set()


def _ping(connection: Connection) -> None:
    connection.send(protocol.ping_req(connection.account))
