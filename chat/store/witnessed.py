"""A connection whose recorded calls are answered when replicas have what they did.

Replication is in one line: a replica that has what came last has all before it. So the question is not asked of each
call but of all that were answered meanwhile, on a second connection (the witness), because the question blocks the
one that it is asked on: ``WAIT``, until so many replicas have what that connection has written last. Therefore it
writes something first, the mark. (In Redis 7.0 any command would do; in later ones and in Valkey only a write does.)
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from chat.store.calls import Command, Done, LinkDown, Part
from chat.store.wire import FAULT, MAX_OPEN_CALLS, Wire

log = logging.getLogger(__name__)

OF_THE_WITNESS = "the second connection, which asks about replicas"


class Unwitnessed(LinkDown):
    """It was done, but too few replicas have it yet: whether it stays so, nobody knows."""


class Terms(NamedTuple):
    """``replicas`` have to have it within ``patience`` (seconds); if not, ``missing`` is told how many have, otherwise
    ``enough`` is called."""

    replicas: int
    patience: float
    missing: Callable[[int], None]
    enough: Callable[[], None]


class _Held(NamedTuple):
    """A reply that waits, itself or for one before it. ``asked``: when, if it was recorded."""

    done: Done
    reply: Any
    weight: int
    asked: float | None


class WitnessedWire(Wire):
    """A ``Wire``, of which ``record`` gets ``Unwitnessed`` in place of a reply that too few replicas know.

    Replies keep their order: while one waits, those behind it wait as well, but no push does. One question is under
    way at a time; what is answered meanwhile shares the next, or, when replicas turn out to be missing, is told so
    with the others: so nobody waits for longer than two questions take. ``witness`` comes before the first call.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._witness: Wire | None = None
        self._held: deque[_Held] = deque()
        self._due_to_ask = False
        self._asked_for = 0  # so many of the first that are held the question under way is about
        self._marked = True

    def witness(
        self, wire: Wire, mark: Callable[[], Sequence[Part]], history: bytes, terms: Terms
    ) -> None:
        """``wire`` is another connection to the same process of the same server, whose data set has that
        ``history`` (see ``history_in``); ``mark`` says what to write there. Both end together."""
        self._witness = wire
        self._mark = mark
        self._history = history
        self._terms = terms
        wait = max(1, round(terms.patience * 1000))  # 0 would be for ever
        self._wait_command = ("WAIT", terms.replicas, wait)
        wire.lost.add_done_callback(lambda lost: self.drop(f"{OF_THE_WITNESS}: {lost.result()}"))

    # outwards

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        self._ask(command, done, self._replied, weight)

    def record(self, command: Command, done: Done, weight: int = 1) -> None:
        self._ask(command, done, partial(self._recorded, self._loop.time()), weight)

    def _ask(
        self, command: Command, done: Done, replied: Callable[[Done, int, Any], None], weight: int
    ) -> None:
        if self.lost.done() or self._weight >= MAX_OPEN_CALLS:
            super().call(
                command, done, weight
            )  # which only waits for its place in line to be refused
        else:
            super().call(command, partial(replied, done, weight), weight)

    def after_open_calls(self, done: Callable[[], None]) -> None:
        super().after_open_calls(partial(self._replied, lambda reply: done(), 0, None))

    def drop(self, reason: str) -> None:
        if self.lost.done():
            return
        super().drop(reason)  # what was open lines up behind what is held
        self._let_go(len(self._held), LinkDown(reason))
        self._weight = 0
        if self._witness is not None:
            self._witness.drop(reason)

    # inwards

    def _replied(self, done: Done, weight: int, reply: Any) -> None:
        if self._held:
            self._hold(_Held(done, reply, weight, None))
        else:
            done(reply)

    def _recorded(self, asked: float, done: Done, weight: int, reply: Any) -> None:
        if isinstance(reply, Exception):
            self._replied(done, weight, reply)
            return
        self._hold(_Held(done, reply, weight, asked))
        self._ask_soon()

    def _hold(self, held: _Held) -> None:
        self._held.append(held)
        self._weight += held.weight  # it is open still

    def _ask_soon(self) -> None:
        """About all that is answered in this turn of the event loop."""
        if not self._due_to_ask and not self._asked_for and not self.lost.done():
            self._due_to_ask = True
            self._loop.call_soon(self._ask_replicas)

    def _ask_replicas(self) -> None:
        self._due_to_ask = False
        if self._held and self._witness is not None and not self.lost.done():
            self._asked_for = len(self._held)
            self._witness.call(self._mark(), self._mark_written)
            self._witness.call(self._wait_command, self._counted)
            self._witness.flush()

    def _mark_written(self, reply: Any) -> None:
        self._marked = not isinstance(reply, Exception)

    def _counted(self, reply: Any) -> None:
        """So many replicas have all that was done before the mark."""
        if self.lost.done() or self._witness is None:
            return
        if isinstance(reply, Exception):  # it is no primary any more, or there is no witness
            self.drop(f"{OF_THE_WITNESS}: {reply}")
        elif not self._marked or reply < self._terms.replicas:
            self._terms.missing(reply if self._marked else 0)
            self._let_go(len(self._held), Unwitnessed("replicas are missing"))
        elif self._is_late():
            self._witness.call(("INFO", "replication"), self._looked_at_history)
        else:
            self._confirm()

    def _is_late(self) -> bool:
        """It took so long that the server may have been a replica for a moment, and have lost what it was told: as
        after this process stood still. Otherwise it would have ended its connections, or this question."""
        asked = next(held.asked for held in self._held if held.asked is not None)
        return self._loop.time() - asked > self._terms.patience

    def _looked_at_history(self, reply: Any) -> None:
        if self.lost.done():
            return
        if isinstance(reply, Exception) or history_in(reply) != self._history:
            self.drop("its data set has become another one")
        else:
            self._confirm()

    def _confirm(self) -> None:
        self._terms.enough()
        self._let_go(self._asked_for, None)

    def _let_go(self, number: int, error: Exception | None) -> None:
        """The first of those that are held, and those after them that wait for nothing themselves."""
        while self._held and (number > 0 or self._held[0].asked is None):
            held = self._held.popleft()
            number -= 1
            self._weight -= held.weight
            try:
                held.done(held.reply if error is None or held.asked is None else error)
            except Exception:  # a fault of ours costs one call, not the others theirs
                log.exception(FAULT)
        self._asked_for = 0
        self._relieve()
        if self._held:
            self._ask_soon()


def history_in(info: bytes) -> bytes:
    """What names the history of a data set in the server's word about its replication: another one begins with each
    primary. Empty where there is none."""
    _, _, rest = bytes(info).partition(b"master_replid:")
    return rest.partition(b"\r\n")[0]
