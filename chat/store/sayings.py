"""The messages of one turn of the event loop, in one call for each of their pools.

A call costs Redis 3 µs beside what is done in it, and a node as much, a quarter of what a message costs: so the more
there is to do, the less each costs. Nobody waits for it: what came in in this turn leaves at its end.

The call is put together here, as RESP: packed as a list of seven arguments a message, hiredis takes 1.3 µs for each;
this takes 0.5.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from chat.store.keys import pool_key

AT_ONCE = 100
"""Messages in one call, at most: others have their turn at Redis in between."""
FLAG = (b"$1\r\n0\r\n", b"$1\r\n1\r\n")
"""No, and yes."""

Said = Callable[[Sequence[Any], Sequence[int], Sequence[int]], None]
"""Takes what was given with each of several messages, their codes, and their msgIds."""
Call = Callable[[int, bytes, Callable[[int, Sequence[int]], None], int], None]


def bulk(value: bytes) -> bytes:
    """One argument of a command."""
    return b"$%d\r\n%b\r\n" % (len(value), value)


def number(value: int) -> bytes:
    return bulk(b"%d" % value)


def speaker(account: int, epoch: int) -> bytes:
    """Who speaks: what all messages of a socket begin with, made once for it."""
    return number(account) + number(epoch)


class Sayings:
    """``call`` makes a call of a pool that counts as so many; ``flush`` sends what was called. ``said`` gets the answers
    to messages. The function's name, and the room in an inbox, are the same for all."""

    __slots__ = ("_call", "_due", "_flush", "_head", "_pools", "_room", "_said")

    def __init__(
        self, call: Call, flush: Callable[[], None], function: str, room: int, said: Said
    ) -> None:
        self._call = call
        self._flush = flush
        self._head = bulk(b"FCALL") + bulk(function.encode()) + number(1)
        self._room = number(room)
        self._said = said
        self._pools: dict[int, tuple[list[bytes], list[Any]]] = {}
        self._due = False

    def add(
        self, speaker: bytes, pool: int, session: int, written: int, request_id: bytes, retry: bool,
        content: bytes, context: Any,
    ) -> None:  # fmt: skip
        """``speaker`` says who (see ``speaker``); ``session`` is one of its own in that pool, ``written`` as in
        the library; ``request_id`` and ``content`` are JSON texts; ``context`` comes back with the answer."""
        waiting = self._pools.get(pool)
        if waiting is None:
            waiting = self._pools[pool] = ([], [])
            if not self._due:
                self._due = True
                asyncio.get_running_loop().call_soon(self._end_of_turn)
        messages, contexts = waiting
        sid = b"%d" % session
        messages.append(
            b"%b$%d\r\n%b\r\n%b$%d\r\n%b\r\n%b$%d\r\n%b\r\n" % (
                speaker, len(sid), sid, number(written) if written else FLAG[0],
                len(request_id), request_id, FLAG[retry], len(content), content,
            )
        )  # fmt: skip
        contexts.append(context)
        if len(contexts) == AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """They are asked now: whatever is asked after them must be answered after them."""
        while self._pools:
            pool, (messages, contexts) = self._pools.popitem()
            count = b"*%d\r\n" % (5 + 7 * len(messages))
            head = (count, self._head, bulk(pool_key(pool)), self._room)
            answered = partial(self._answered, contexts)
            self._call(pool, b"".join((*head, *messages)), answered, len(messages))

    def _end_of_turn(self) -> None:
        self._due = False
        if self._pools:
            self.flush()
            self._flush()

    def _answered(self, contexts: Sequence[Any], code: int, results: Sequence[int]) -> None:
        """Where the whole call has failed nothing is known of any of them."""
        if code:
            results = (code, 0) * len(contexts)
        self._said(contexts, results[::2], results[1::2])
