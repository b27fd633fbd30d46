"""The link to a Redis: one RESP3 connection for the calls and for the pushes of the channels.

Measured against the ready-made clients, a small protocol on hiredis costs a tenth; every message
passes here twice, so it is ours. What it promises its user, the ``Store``:

* the calls of one event-loop tick leave in one write, and are answered in their order;
* every call is answered exactly once, by a reply or by an error: no answer within the time-out,
  or a lost connection, answers all that is open with ``LinkDown``. *Nothing is repeated*: whether
  such a call was done is unknown, and only its caller can know if a repeat is harmless;
* after every interruption it reconnects by itself (full-jitter backoff), lets its pools begin, subscribes
  again to all channels, and then says ``on_gap``: whatever was published meanwhile was missed. A connection on
  which answers come but no pushes is an interruption too: it is proven by a probe, all the time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from random import random
from typing import Any

import hiredis

from chat.errors import StoreForbidden, StoreUnreachable
from chat.store.address import Address
from chat.store.calls import Ask, Command, Done, LinkDown
from chat.store.dial import UNUSABLE, dial
from chat.store.keeper import Keeper
from chat.store.keys import FIRST, pool_in
from chat.store.links import Begins
from chat.store.listed import listed
from chat.store.place import Place
from chat.store.reasons import RIGHTS, in_words, is_forbidden
from chat.store.wire import Wire
from chat.store.witness import Witnesses
from chat.store.witnessed import WitnessedWire

CONNECT_SECONDS = 5.0
CHANNELS_AT_ONCE = 500
"""Subscribed with one command: so many cost little more than one, and Redis serves others in between."""


class RedisLink:
    """``Link`` to one Redis server, for all its pools; ``Links`` where there is no other server.

    ``place`` says where that is, at every attempt anew. ``greet`` is what every new connection begins
    with (the function library); it returns what names the server's process. ``probe`` names a channel of a
    pool that nobody else uses. ``on_push`` gets channel and payload; ``on_gap`` is called with pools whose pushes may
    have been missed; ``on_pressure`` when Redis does not keep up (True: whoever can should wait) and when it does
    again. ``on_lost`` when the connection is. ``on_astray`` is told of a pool that the server does not serve (any
    more), and why: without it that is the end of the connection. ``witnesses`` say when replicas have what is
    recorded; without them nobody waits for that. Callbacks must not raise.
    """

    def __init__(
        self,
        place: Place,
        greet: Callable[[Ask], Awaitable[bytes]],
        begins: Begins,
        on_push: Callable[[bytes, bytes], None],
        on_gap: Callable[[Collection[int]], None],
        on_pressure: Callable[[bool], None],
        *,
        probe: Callable[[int], bytes],
        timeout: float,
        jitter: Callable[[], float] = random,
        on_lost: Callable[[], None] = lambda: None,
        on_astray: Callable[[int, str], None] | None = None,
        witnesses: Witnesses | None = None,
    ) -> None:
        self._greet = greet
        self._begins = begins
        self._on_push = on_push
        self._on_gap = on_gap
        self._on_pressure = on_pressure
        self._probe = probe
        self._timeout = timeout
        self._on_lost = on_lost
        self._on_astray = on_astray
        self._pools: set[int] = set()
        self._channels: set[bytes] = set()
        self._proof: int | None = None
        self._run = b""
        self._witnesses = witnesses
        self._wire: Wire | None = None
        self._keeper = Keeper(
            place, self._connect_to, self._lost, self._back, self._concerned, jitter
        )

    @property
    def run(self) -> bytes:
        """What names the server's process that it was connected to last."""
        return self._run

    def of(self, pool: int) -> "RedisLink":
        return self

    # pools

    def serve(self, pool: int, before: bytes = b"", done: Done = lambda reply: None) -> None:
        """The pool is there from here on, once ``done`` gets a reply that is no error; ``before``: see
        ``Begins``."""
        self._pools.add(pool)
        if self._wire is None:
            done(LinkDown("no connection to Redis"))
        else:
            begin = self._begins.begin(pool, self._run, before)
            self._wire.call(begin, partial(self._begun, pool, done))

    def _begun(self, pool: int, done: Done, reply: Any) -> None:
        wire = self._wire
        if isinstance(reply, Exception):
            if self._on_astray is None and wire is not None:
                wire.drop(f"the pool {pool} cannot begin: {reply}")
        else:
            self._begins.begun(pool, reply)
            if self._proof is None and wire is not None:
                self._prove_by(wire, pool)
        done(reply)

    def leave(self, pool: int) -> None:
        """The pool is elsewhere from here on."""
        self._pools.discard(pool)
        channels = {channel for channel in self._channels if pool_in(channel) == pool}
        self._channels -= channels
        if self._wire is not None:
            if pool == self._proof:
                channels.add(self._probe(pool))
            for some in _in_batches(channels):
                self._wire.unsubscribe(some)
            if pool == self._proof:
                self._proof = None
                if self._pools:
                    self._prove_by(self._wire, min(self._pools))

    def _prove_by(self, wire: Wire, pool: int) -> None:
        """That pushes arrive is seen by the probes of this pool."""
        self._proof = pool
        wire.subscribe((self._probe(pool),))
        wire.prove_by(self._probe(pool))

    @property
    def pools(self) -> Collection[int]:
        """What it serves."""
        return self._pools

    # calls and channels

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        if self._wire is None:
            done(LinkDown("no connection to Redis"))
        else:
            self._wire.call(command, done, weight)

    def record(self, command: Command, done: Done, weight: int = 1) -> None:
        if self._wire is None:
            done(LinkDown("no connection to Redis"))
        else:
            self._wire.record(command, done, weight)

    def flush(self) -> None:
        if self._wire is not None:
            self._wire.flush()

    def after_open_calls(self, done: Callable[[], None]) -> None:
        if self._wire is None:
            done()
        else:
            self._wire.after_open_calls(done)

    def open_calls(self) -> int | None:
        return None if self._wire is None else self._wire.open_calls

    @property
    def pressed(self) -> bool:
        return self._wire is not None and self._wire.pressed

    def subscribe(self, channel: bytes) -> None:
        self._channels.add(channel)
        if self._wire is not None:
            self._wire.subscribe((channel,))

    def subscribe_all(self, channels: Collection[bytes]) -> None:
        """To many of one pool."""
        self._channels.update(channels)
        if self._wire is not None:
            for some in _in_batches(channels):
                self._wire.subscribe(some)

    def unsubscribe(self, channel: bytes) -> None:
        self._channels.discard(channel)
        if self._wire is not None:
            self._wire.unsubscribe((channel,))

    # the life

    async def start(self) -> None:
        await self._keeper.start()

    async def close(self) -> None:
        await self._keeper.close()

    def _lost(self) -> None:
        self._wire = None
        self._on_lost()

    def _back(self) -> None:
        self._on_gap(tuple(self._pools))

    def _concerned(self) -> str:
        """Its pools. Where there is no other server they are all that there are, which needs no words."""
        return f" ({listed(self._pools)})" if self._pools and self._on_astray is not None else ""

    async def _connect_to(self, address: Address) -> Wire:
        """Connection, login, function library, all pools, all channels."""
        wire: Wire | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                wire = await self._dial(address)
                self._run = await self._greet(wire.ask)
                astray = await self._begin_all(wire)
        except BaseException as error:
            if wire is not None:
                wire.drop("not usable")
            if not isinstance(error, UNUSABLE):
                raise
            said = in_words(str(error)) or f"no answer for {CONNECT_SECONDS:g} s"
            why = f"cannot use Redis at {address.shown}: {said}"
            if is_forbidden(said):
                raise StoreForbidden(f"{why} ({RIGHTS})") from error
            raise StoreUnreachable(why) from error
        for pool, channels in groupby(sorted(self._channels, key=pool_in), pool_in):
            if pool not in astray:
                for some in _in_batches(channels):
                    wire.subscribe(some)
        self._wire = wire
        for pool, why in astray.items():
            self._astray(pool, why)
        return wire

    async def _begin_all(self, wire: Wire) -> dict[int, str]:
        """Lets all pools begin, and proves by the first that pushes arrive. Returns those that the server does not
        serve, and why. All are asked at once: one after the other, many would take longer than there is time where
        the server is far away."""
        self._proof, astray = None, {}
        pools = sorted(self._pools)
        begin = (wire.ask(self._begins.begin(pool, self._run)) for pool in pools)
        replies = await asyncio.gather(*begin, return_exceptions=True)
        for pool, reply in zip(pools, replies, strict=True):
            if isinstance(reply, hiredis.ReplyError) and self._on_astray is not None:
                astray[pool] = str(reply)
                continue
            if isinstance(reply, BaseException):
                raise reply
            self._begins.begun(pool, reply)
            if self._proof is None:
                await wire.prove(self._probe(pool))
                self._proof = pool
        return astray

    def _astray(self, pool: int, why: str) -> None:
        if self._on_astray is not None:
            self._on_astray(pool, why)

    async def _dial(self, address: Address) -> Wire:
        on_astray = None if self._on_astray is None else self._channel_astray
        args = self._on_push, self._on_pressure, self._timeout, on_astray
        if self._witnesses is None:
            return await dial(address, lambda: Wire(*args))
        return await self._witnesses.dial(address, lambda: WitnessedWire(*args), self._any_pool)

    def _any_pool(self) -> int:
        """That the server holds, if there is one: of others it is only tried whether it does."""
        return min(self._pools, default=FIRST) if self._proof is None else self._proof

    def _channel_astray(self, channel: bytes, why: str) -> None:
        self._astray(pool_in(channel), why)


def _in_batches(channels: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
    """In some order that is always the same."""
    ordered = sorted(channels)
    for first in range(0, len(ordered), CHANNELS_AT_ONCE):
        yield ordered[first : first + CHANNELS_AT_ONCE]
