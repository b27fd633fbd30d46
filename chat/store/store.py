"""One method for each function of the library; every one is one round trip.

A method takes plain values and ``done``, which is called exactly once with the result code and the
other values of the result (their order stands at the head of the function in functions.lua).
Codes are those of the protocol, INTERNAL where Redis did not answer (done or not, nobody knows),
REPLACED or LOST where the socket does not hold the account. Atomic: all of a function, or nothing.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any

from chat.errors import Code
from chat.store.calls import LinkDown, Part
from chat.store.clock import ServerClock
from chat.store.complaints import Complaints
from chat.store.figures import Figures
from chat.store.keys import POOL, channel_of, fingerprint, pool_key, pool_of
from chat.store.library import LIBRARY, library
from chat.store.link import Link
from chat.store.sayings import Said, Sayings

log = logging.getLogger(__name__)

BATCH = 200
"""Accounts that one call is about, at most."""
OLDER = (
    "Redis has come back with an older data set: what it had not kept is lost, and clients are told"
)

Done = Callable[[int, Sequence[Any]], None]


class Leased(Enum):
    """What became of a lease."""

    KEPT = "the pool knew the node"
    NEW = "the pool did not know it: it is new, or was taken for dead and swept"
    UNKNOWN = "Redis did not answer"


class Store:
    """The shared state, through one link. ``node`` is this node's name; times are in seconds; ``on_said``
    gets the answers to what was said (see ``Sayings``)."""

    __slots__ = (
        "_accounts_per_minute", "_clock", "_complaints", "_grace", "_lease", "_leased_until", "_link",
        "_loading", "_node", "_room", "_sayings", "_server_clock", "_sessions", "_timeout", "figures",
        "say",
    )  # fmt: skip

    def __init__(
        self,
        link: Link,
        node: str,
        on_said: Said,
        *,
        grace: float,
        lease: float,
        inbox_length: int,
        sessions_per_account: int,
        accounts_per_minute: int,
        timeout: float,
        clock: Callable[[], float],
    ) -> None:
        self._link = link
        self._sayings = Sayings(
            self._call_packed, link.flush, f"{LIBRARY}_say", inbox_length, on_said
        )
        self.say = self._sayings.add  # for what every message passes a step less
        self._clock = clock
        self._timeout = timeout
        self._server_clock = ServerClock()
        self.figures = Figures()
        self._complaints = Complaints(log, clock)
        self._loading = False
        self._leased_until = 0
        self._node = node
        self._grace = round(grace * 1000)
        self._lease = round(lease * 1000)
        self._room = inbox_length
        self._sessions = sessions_per_account
        self._accounts_per_minute = accounts_per_minute

    # accounts

    def create(self, nick: bytes, token: str, address: str, done: Done) -> None:
        """``nick`` as JSON text; ``address`` is counted against the accounts of a minute."""
        args = (self._node, nick, fingerprint(token), fingerprint(address))
        self._call("create", POOL, (*args, self._accounts_per_minute, self._lease), done)

    def attach(self, account: int, token: str, seq: int | None, done: Done) -> None:
        args = (account, fingerprint(token), self._node, "" if seq is None else seq, self._lease)
        self._call("attach", pool_of(account), args, done)

    def detach(self, account: int, epoch: int, acked: int, goodbye: bool, done: Done) -> None:
        args = (account, epoch, acked, int(goodbye), self._grace, self._room)
        self._call("detach", pool_of(account), args, done)

    # matching

    def match(self, account: int, epoch: int, done: Done) -> None:
        args = (account, epoch, self._sessions, self._room)
        self._call("match", pool_of(account), args, done)

    def cancel(self, account: int, epoch: int, done: Done) -> None:
        self._call("cancel", pool_of(account), (account, epoch), done)

    # talking (and ``say``); ``written`` is the last push that such a command may acknowledge (see in_session)

    def viewed(
        self, account: int, epoch: int, session: int, written: int, msg: int, done: Done
    ) -> None:
        args = (account, epoch, session, written, msg, self._room)
        self._call("viewed", pool_of(account), args, done)

    def typing(
        self, account: int, epoch: int, session: int, written: int, typing: bool, done: Done
    ) -> None:
        flag = "true" if typing else "false"
        self._call("typing", pool_of(account), (account, epoch, session, written, flag), done)

    def leave(self, account: int, epoch: int, session: int, written: int, done: Done) -> None:
        self._call("leave", pool_of(account), (account, epoch, session, written), done)

    # delivery

    def ack(self, acks: Sequence[tuple[int, int, int]], done: Done) -> None:
        """``acks`` are (account, epoch, seq). One call for each of their pools, or for so many that
        others have their turn in between; ``done`` for each."""
        for pool, args in self._in_batches(acks):
            self._call("ack", pool, args, done)

    def resume(
        self,
        sockets: Sequence[tuple[int, int, int]],
        done: Callable[[int, Sequence[tuple[int, int, int]]], None],
    ) -> None:
        """The link was interrupted: the sockets of this node as (account, epoch, last push written).
        ``done`` is called for each batch with the code, and (account, epoch, last push there is), or in
        its place, below zero, what has become of the account."""
        for pool, args in self._in_batches(sockets):

            def resumed(code: int, values: Sequence[Any], args: Sequence[int] = args) -> None:
                last = values[0] if code == Code.SUCCESS else args[2::3]
                done(code, list(zip(args[::3], args[1::3], last, strict=True)))

            self._call("resume", pool, args, resumed)

    def _in_batches(
        self, triples: Sequence[tuple[int, int, int]]
    ) -> Iterator[tuple[int, Sequence[int]]]:
        pools: defaultdict[int, list[int]] = defaultdict(list)
        for triple in triples:
            pools[pool_of(triple[0])].extend(triple)
        for pool, args in pools.items():
            for first in range(0, len(args), 3 * BATCH):
                yield pool, args[first : first + 3 * BATCH]

    def inbox(self, account: int, epoch: int, after: int, done: Done) -> None:
        """The next pushes: the account's last number, and some or all of what is recorded up to it."""
        self._call("inbox", pool_of(account), (account, epoch, after), done)

    def subscribe(self, account: int) -> None:
        """Pushes of the account arrive from here on; a call made after this finds it in force."""
        self._link.subscribe(channel_of(account))

    def unsubscribe(self, account: int) -> None:
        self._link.unsubscribe(channel_of(account))

    def in_turn(self, done: Callable[[], None]) -> None:
        """Calls ``done`` once every call made before is answered: an answer that needs no Redis
        must not overtake one that does."""
        self._sayings.flush()
        self._link.after_open_calls(done)

    # the life of the node

    async def lease(self, report: Mapping[str, str]) -> Leased:
        """Takes or renews this node's lease, and says what is to be seen of the node. Afterwards
        ``figures`` are those of the pool."""
        said = [part for field in report.items() for part in field]
        asked = self._clock()
        code, values = await self._wait(
            "lease", (self._node, self._lease, self._leased_until, *said)
        )
        if code != Code.SUCCESS:
            return Leased.UNKNOWN
        kept, self._leased_until, server_us, figures = values
        self._server_clock.read(asked, self._clock(), server_us)
        self.figures = Figures(*figures)
        return Leased.KEPT if kept == 1 else Leased.NEW

    def age(self, server_us: int) -> float:
        """How many seconds ago it was so late at Redis; known once there was a lease."""
        return max(0.0, self._server_clock.at(self._clock()) - server_us / 1e6)

    def open_calls(self) -> int | None:
        """Calls without an answer yet; None while there is no link."""
        return self._link.open_calls()

    async def release(self) -> None:
        """The node is leaving: what it still holds may be swept at once."""
        await self._wait("lease", (self._node, 0, self._leased_until))

    async def held(self) -> dict[int, int] | None:
        """The accounts, with their epochs, that are said to have their socket on this node; None
        where Redis does not answer. Several calls, so that others get their turn in between."""
        held: dict[int, int] = {}
        cursor = 0
        while True:
            code, values = await self._wait("held", (self._node, cursor))
            if code != Code.SUCCESS:
                return None
            cursor, flat = values
            held.update(zip(flat[::2], flat[1::2], strict=True))
            if cursor == 0:
                return held

    async def sweep(self, batch: int) -> tuple[int, int]:
        """How many accounts were made away, and how many ended; ``batch`` is the most of each. Needs
        a lease, which tells what time it is there: a call that waits for longer than the link has
        patience is not done any more."""
        by = round((self._server_clock.at(self._clock()) + self._timeout) * 1000)
        code, values = await self._wait("sweep", (batch, self._grace, self._room, by))
        return (values[0], values[1]) if code == Code.SUCCESS else (0, 0)

    async def start(self) -> None:
        """Connects; raises StoreUnreachable."""
        await self._link.start()

    async def close(self) -> None:
        await self._link.close()

    async def settled(self) -> None:
        """Returns when every call made before has been answered."""
        turn = asyncio.get_running_loop().create_future()
        self.in_turn(lambda: turn.set_result(None))
        await turn

    async def _wait(self, name: str, args: Sequence[Part]) -> tuple[int, Sequence[Any]]:
        result: asyncio.Future[tuple[int, Sequence[Any]]]
        result = asyncio.get_running_loop().create_future()

        def done(code: int, values: Sequence[Any]) -> None:
            if not result.done():  # its task may have been cancelled meanwhile
                result.set_result((code, values))

        self._call(name, POOL, args, done)
        return await result

    def _call(self, name: str, pool: int, args: Sequence[Part], done: Done) -> None:
        self._sayings.flush()
        parts = ("FCALL", f"{LIBRARY}_{name}", 1, pool_key(pool), *args)
        self._link.call(parts, partial(self._answered, name, done))

    def _call_packed(self, command: bytes, done: Done, weight: int) -> None:
        self._link.record(command, partial(self._answered, "say", done), weight)

    def _answered(self, name: str, done: Done, reply: Any) -> None:
        if isinstance(reply, list):
            if reply[0] == Code.OLDER:
                self._complaints.say(OLDER)
            done(reply[0], reply[1:])
            return
        if "Function not found" in str(reply):
            self._load()
        elif not isinstance(reply, LinkDown):
            self._complaints.say(f"Redis refuses {name}: {reply}")
        done(Code.INTERNAL, ())

    def _load(self) -> None:
        """One load is enough for all the calls that found no library."""
        if not self._loading:
            self._loading = True
            self._complaints.say("Redis has lost the function library; loading it again")
            self._link.call(library(), self._loaded)

    def _loaded(self, reply: Any) -> None:
        self._loading = False
        if isinstance(reply, Exception):
            self._complaints.say(f"the function library cannot be loaded: {reply}")
