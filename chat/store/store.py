"""One method for each function of the library; every one is one round trip.

A method takes plain values and ``done``, which is called exactly once with the result code and the
other values of the result (their order stands at the head of the function in functions.lua).
Codes are those of the protocol, INTERNAL where Redis did not answer (done or not, nobody knows),
REPLACED or LOST where the socket does not hold the account. Atomic: all of a function, or nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from chat.errors import Code, StoreForbidden
from chat.store.functions import Done, Functions
from chat.store.keys import channel_of, fingerprint
from chat.store.library import LIBRARY, Generations
from chat.store.links import Links
from chat.store.moving import Moving
from chat.store.pools import Pools
from chat.store.reasons import RIGHTS
from chat.store.sayings import Said, Sayings
from chat.store.upkeep import Upkeep

BATCH = 200
"""Accounts that one call is about, at most."""
Socket = tuple[int, int, int, int]
"""Pool, account, epoch, and the number of a push."""


class Store:
    """The shared state, through ``links``. ``node`` is this node's name; times are in seconds; ``on_said``
    gets the answers to what was said (see ``Sayings``); ``pools`` are those that it looks after, which is
    ``upkeep``; ``moving`` is how an account gets from one to another."""

    __slots__ = (
        "_accounts_per_minute", "_clock", "_functions", "_generations", "_grace", "_lease", "_links", "_node", "_room",
        "_sayings", "_sessions", "current", "moving", "pools", "say", "upkeep",
    )  # fmt: skip

    def __init__(
        self,
        links: Links,
        generations: Generations,
        node: str,
        on_said: Said,
        *,
        pools: int,
        pool_accounts: int,
        grace: float,
        lease: float,
        inbox_length: int,
        sessions_per_account: int,
        accounts_per_minute: int,
        timeout: float,
        clock: Callable[[], float],
    ) -> None:
        self._links = links
        self._generations = generations
        self.current = generations.current
        self.pools = Pools(pools, pool_accounts)
        for pool in range(pools):
            self.serve(pool)
        self._sayings = Sayings(
            self._record_packed, links.flush, f"{LIBRARY}_say", inbox_length, on_said
        )
        self._functions = Functions(links, self._sayings.flush, clock)
        # Between two steps this node may stand still for as long as its lease: the copy must not end before that.
        self.moving = Moving(self._functions, node, round(max(grace, lease) * 1000))
        self.upkeep = Upkeep(
            self._functions, self.pools, self.serve, node,
            grace=grace, lease=lease, inbox_length=inbox_length, timeout=timeout, clock=clock,
        )  # fmt: skip
        self.say = self._sayings.add  # for what every message passes a step less
        self._clock = clock
        self._node = node
        self._grace = round(grace * 1000)
        self._lease = round(lease * 1000)
        self._room = inbox_length
        self._sessions = sessions_per_account
        self._accounts_per_minute = accounts_per_minute

    def serve(self, pool: int) -> None:
        """The pool is looked after from here on."""
        self._links.serve(pool)
        self.pools.add(pool)

    # accounts

    def create(self, nick: bytes, token: str, address: str, done: Done) -> None:
        """``nick`` as JSON text; ``address`` is counted against the accounts of a minute, in each pool. In the
        lowest pool with room; where none has any, in the emptiest."""
        there = [
            pool for pool in self.pools.served if self._links.of(pool).open_calls() is not None
        ]
        pool, most = self.pools.lowest_with_room(there), self.pools.accounts
        if pool is None:
            pool, most = self.pools.emptiest(there), 0

        def made(code: int, values: Sequence[Any]) -> None:
            if code == Code.FULL:
                self.pools[pool].full = True
                self.create(nick, token, address, done)
            else:
                done(code, values)

        args = (self._node, nick, fingerprint(token), fingerprint(address))
        self._functions.call(
            "create", pool, (*args, self._accounts_per_minute, self._lease, most), made
        )

    def attach(
        self, pool: int, account: int, token: str, seq: int | None, here: bool, done: Done
    ) -> None:
        """With MOVED, the one value is the pool that has to be asked. ``here``: that one has sent us on before, and
        we were sent back."""
        self._take(pool, account, fingerprint(token), seq, here, done)

    def arrive(self, pool: int, account: int, hashed: bytes, done: Done) -> None:
        """As ``attach``, by the token's fingerprint: the account has just moved there."""
        self._take(pool, account, hashed, None, True, done)

    def _take(
        self, pool: int, account: int, hashed: str | bytes, seq: int | None, here: bool, done: Done
    ) -> None:

        def attached(code: int, values: Sequence[Any]) -> None:
            if code == Code.SUCCESS and pool not in self.pools.served:
                self.serve(pool)
            done(code, values)

        args = (account, hashed, self._node, "" if seq is None else seq, self._lease, int(here))
        self._functions.call("attach", pool, args, attached)

    def detach(
        self, pool: int, account: int, epoch: int, acked: int, goodbye: bool, done: Done
    ) -> None:
        args = (account, epoch, acked, int(goodbye), self._grace, self._room)
        self._functions.call("detach", pool, args, done)

    # matching

    def match(self, pool: int, account: int, epoch: int, done: Done) -> None:
        self._functions.call("match", pool, (account, epoch, self._sessions, self._room), done)

    def cancel(self, pool: int, account: int, epoch: int, done: Done) -> None:
        self._functions.call("cancel", pool, (account, epoch), done)

    # talking (and ``say``); ``written`` is the last push that such a command may acknowledge (see in_session)

    def viewed(
        self, pool: int, account: int, epoch: int, session: int, written: int, msg: int, done: Done
    ) -> None:
        args = (account, epoch, session, written, msg, self._room)
        self._functions.call("viewed", pool, args, done)

    def typing(
        self, pool: int, account: int, epoch: int, session: int, written: int, typing: bool,
        done: Done,
    ) -> None:  # fmt: skip
        flag = "true" if typing else "false"
        self._functions.call("typing", pool, (account, epoch, session, written, flag), done)

    def leave(
        self, pool: int, account: int, epoch: int, session: int, written: int, done: Done
    ) -> None:
        self._functions.call("leave", pool, (account, epoch, session, written), done)

    # delivery

    def ack(self, acks: Sequence[Socket], done: Done) -> None:
        """``acks`` are (pool, account, epoch, seq). One call for each of their pools, or for so many that
        others have their turn in between; ``done`` for each."""
        for pool, args in self._in_batches(acks):
            self._functions.call("ack", pool, args, done)

    def resume(
        self,
        sockets: Sequence[Socket],
        done: Callable[[int, Sequence[tuple[int, int, int]]], None],
    ) -> None:
        """A link was interrupted: the sockets of this node as (pool, account, epoch, last push written).
        ``done`` is called for each batch with the code, and (account, epoch, last push there is), or in
        its place, below zero, what has become of the account."""
        for pool, args in self._in_batches(sockets):

            def resumed(
                code: int, values: Sequence[Any], pool: int = pool, args: Sequence[int] = args
            ) -> None:
                last = args[2::3]
                if code == Code.SUCCESS:
                    last, generation = values
                    self._generations.learn(pool, generation)
                done(code, list(zip(args[::3], args[1::3], last, strict=True)))

            self._functions.call("resume", pool, args, resumed)

    def _in_batches(self, sockets: Sequence[Socket]) -> Iterator[tuple[int, Sequence[int]]]:
        pools: defaultdict[int, list[int]] = defaultdict(list)
        for pool, *triple in sockets:
            pools[pool].extend(triple)
        for pool, args in pools.items():
            for first in range(0, len(args), 3 * BATCH):
                yield pool, args[first : first + 3 * BATCH]

    def inbox(self, pool: int, account: int, epoch: int, after: int, done: Done) -> None:
        """The next pushes: the account's last number, and some or all of what is recorded up to it."""
        self._functions.call("inbox", pool, (account, epoch, after), done)

    def subscribe(self, pool: int, account: int) -> None:
        """Pushes of the account arrive from here on; a call made after this finds it in force."""
        self._links.of(pool).subscribe(channel_of(pool, account))

    def unsubscribe(self, pool: int, account: int) -> None:
        self._links.of(pool).unsubscribe(channel_of(pool, account))

    def in_turn(self, pool: int, done: Callable[[], None]) -> None:
        """Calls ``done`` once every call of that pool made before is answered: an answer that needs no Redis
        must not overtake one that does."""
        self._sayings.flush()
        self._links.of(pool).after_open_calls(done)

    # the life of the node

    def age(self, pool: int, server_us: int) -> float:
        """How many seconds ago it was so late at the pool's server; known once there was a lease."""
        return max(0.0, self.pools[pool].clock.at(self._clock()) - server_us / 1e6)

    def open_calls(self) -> int | None:
        """Calls without an answer yet; None while there is no link."""
        return self._links.open_calls()

    def pressed(self, pool: int) -> bool:
        """Whether so much waits for the pool that no more should come."""
        return self._links.of(pool).pressed

    def linked(self, pool: int) -> bool:
        """Whether there is a link to where the pool is."""
        return self._links.of(pool).open_calls() is not None

    async def start(self) -> None:
        """Connects; raises StoreUnreachable."""
        await self._links.start()

    def check_rights(self) -> None:
        """Raises StoreForbidden where a call so far was refused because the user may not do what it does."""
        if self._functions.forbidden:
            raise StoreForbidden(f"cannot use Redis: {self._functions.forbidden} ({RIGHTS})")

    async def close(self) -> None:
        await self._links.close()

    async def settled(self) -> None:
        """Returns when every call made before has been answered."""
        for pool in list(self.pools.served):
            turn = asyncio.get_running_loop().create_future()
            self.in_turn(pool, partial(turn.set_result, None))
            await turn

    def _record_packed(self, pool: int, command: bytes, done: Done, weight: int) -> None:
        self._functions.record_packed("say", pool, command, done, weight)
