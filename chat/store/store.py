"""One method for each function of the library; every one is one round trip.

A method takes plain values and ``done``, which is called exactly once with the result code and the
other values of the result (their order stands at the head of the function in functions.lua).
Codes are those of the protocol, INTERNAL where Redis did not answer (done or not, nobody knows),
REPLACED or LOST where the socket does not hold the account. Atomic: all of a function, or nothing.
"""

import asyncio
import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from importlib.resources import files
from typing import Any

from chat.errors import Code
from chat.store.link import Link
from chat.store.wire import LinkDown, Part

log = logging.getLogger(__name__)

LIBRARY = "chat_1"
POOL = 0
"""The only pool as yet: new accounts go there, and nodes lease there."""

Done = Callable[[int, Sequence[Any]], None]


def library() -> Sequence[Part]:
    """The command that loads the function library, harmless to repeat."""
    source = files("chat.store").joinpath("functions.lua").read_bytes()
    return "FUNCTION", "LOAD", "REPLACE", source


def pool_of(number: int) -> int:
    """The pool that an account's or session's id names: its last three decimal digits."""
    return number % 1000


def pool_key(pool: int) -> bytes:
    """The name that every key of a pool begins with, and the hash tag that keeps them together."""
    return b"chat:{%d}" % pool


def channel_of(account: int) -> bytes:
    return b"%b:push:%d" % (pool_key(pool_of(account)), account)


def account_of(channel: bytes) -> int:
    return int(channel[channel.rindex(b":") + 1 :])


def fingerprint(secret: str) -> str:
    """What is kept in place of a token or an address."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Leased(Enum):
    """What became of a lease."""

    KEPT = "the pool knew the node"
    NEW = "the pool did not know it: it is new, or was taken for dead and swept"
    UNKNOWN = "Redis did not answer"


class Store:
    """The shared state, through one link. ``node`` is this node's name; times are in seconds."""

    def __init__(
        self,
        link: Link,
        node: str,
        *,
        grace: float,
        lease: float,
        inbox_length: int,
        sessions_per_account: int,
        accounts_per_minute: int,
    ) -> None:
        self._link = link
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

    # talking

    def say(
        self, account: int, epoch: int, session: int, request_id: str, retry: bool,
        content: bytes, done: Done,
    ) -> None:  # fmt: skip
        args = (account, epoch, session, request_id, int(retry), content, self._room)
        self._call("say", pool_of(account), args, done)

    def viewed(self, account: int, epoch: int, session: int, msg: int, done: Done) -> None:
        self._call("viewed", pool_of(account), (account, epoch, session, msg, self._room), done)

    def typing(self, account: int, epoch: int, session: int, typing: bool, done: Done) -> None:
        flag = "true" if typing else "false"
        self._call("typing", pool_of(account), (account, epoch, session, flag), done)

    def leave(self, account: int, epoch: int, session: int, done: Done) -> None:
        self._call("leave", pool_of(account), (account, epoch, session), done)

    # delivery

    def ack(self, acks: Sequence[tuple[int, int, int]], done: Done) -> None:
        """``acks`` are (account, epoch, seq); one call for each of their pools, ``done`` for each."""
        pools: defaultdict[int, list[int]] = defaultdict(list)
        for ack in acks:
            pools[pool_of(ack[0])].extend(ack)
        for pool, args in pools.items():
            self._call("ack", pool, args, done)

    def inbox(self, account: int, epoch: int, after: int, done: Done) -> None:
        self._call("inbox", pool_of(account), (account, epoch, after), done)

    def subscribe(self, account: int) -> None:
        """Pushes of the account arrive from here on; a call made after this finds it in force."""
        self._link.subscribe(channel_of(account))

    def unsubscribe(self, account: int) -> None:
        self._link.unsubscribe(channel_of(account))

    def in_turn(self, done: Callable[[], None]) -> None:
        """Calls ``done`` once every call made before is answered: an answer that needs no Redis
        must not overtake one that does."""
        self._link.after_open_calls(done)

    # the life of the node

    async def lease(self) -> Leased:
        """Takes or renews this node's lease."""
        code, values = await self._wait("lease", (self._node, self._lease))
        if code != Code.SUCCESS:
            return Leased.UNKNOWN
        return Leased.KEPT if values[0] == 1 else Leased.NEW

    async def release(self) -> None:
        """The node is leaving: what it still holds may be swept at once."""
        await self._wait("lease", (self._node, 0))

    async def held(self) -> dict[int, int] | None:
        """The accounts, with their epochs, that are said to have their socket on this node; None
        where Redis does not answer."""
        code, values = await self._wait("held", (self._node,))
        if code != Code.SUCCESS:
            return None
        flat = values[0]
        return dict(zip(flat[::2], flat[1::2], strict=True))

    async def sweep(self, batch: int) -> tuple[int, int]:
        """How many accounts were made away, and how many ended; ``batch`` is the most of each."""
        code, values = await self._wait("sweep", (batch, self._grace, self._room))
        return (values[0], values[1]) if code == Code.SUCCESS else (0, 0)

    async def start(self) -> None:
        """Connects; raises StoreUnreachable."""
        await self._link.start()

    async def close(self) -> None:
        await self._link.close()

    async def settled(self) -> None:
        """Returns when every call made before has been answered."""
        turn = asyncio.get_running_loop().create_future()
        self._link.after_open_calls(lambda: turn.set_result(None))
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
        parts = ("FCALL", f"{LIBRARY}_{name}", 1, pool_key(pool), *args)
        self._link.call(parts, partial(self._answered, name, done))

    def _answered(self, name: str, done: Done, reply: Any) -> None:
        if isinstance(reply, list):
            done(reply[0], reply[1:])
            return
        if "Function not found" in str(reply):
            log.warning("Redis has lost the function library; loading it again")
            self._link.call(library(), self._loaded)
        elif not isinstance(reply, LinkDown):
            log.error("Redis refuses %s: %s", name, reply)
        done(Code.INTERNAL, ())

    def _loaded(self, reply: Any) -> None:
        if isinstance(reply, Exception):
            log.error("the function library cannot be loaded: %s", reply)
