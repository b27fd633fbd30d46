"""How a connection gets its witness: a second one to the same process of the same server."""

import logging
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import hiredis

from chat.config import Settings
from chat.store.address import Address
from chat.store.calls import Ask, LinkDown, Part
from chat.store.complaints import Complaints
from chat.store.dial import dial
from chat.store.keys import pool_key
from chat.store.quiet import QuietWire
from chat.store.witnessed import Terms, WitnessedWire, history_in

log = logging.getLogger(__name__)

MISSING = "too few replicas have what was said: it is answered with code 2"
ENOUGH = "enough replicas have what is said again"
PATIENCE_SHARE = 4
"""Of the time after which Redis is taken for lost, what a question may take: what is said waits for two at most, and
so does all that is answered after it."""


class Process(NamedTuple):
    """A server's process, and its data set. ``cluster``: whether it is part of one."""

    run: bytes
    history: bytes
    cluster: bool


class Witnesses:
    """Those of all connections of a node. ``replicas`` must have what is recorded; ``timeout`` and ``clock`` are in
    seconds."""

    def __init__(self, replicas: int, timeout: float, clock: Callable[[], float]) -> None:
        self._replicas = replicas
        self._timeout = timeout
        self._clock = clock
        self._complaints = Complaints(log, clock)
        self._missing_since: float | None = None
        """None where the log says that all is well, or has not said otherwise."""

    @classmethod
    def of(cls, settings: Settings, clock: Callable[[], float]) -> "Witnesses | None":
        """None where replicas are not waited for."""
        if not settings.replicas_to_wait:
            return None
        return cls(settings.replicas_to_wait, settings.redis_timeout_seconds, clock)

    async def dial(
        self, address: Address, new_wire: Callable[[], WitnessedWire], pool: Callable[[], int]
    ) -> WitnessedWire:
        """A connection with its witness; raises one of UNUSABLE. ``pool`` says one that the server holds. Between the
        two connections the server may have become another: that is refused, and both are made anew."""
        wire = await dial(address, new_wire)
        try:
            process = await _process(wire.ask)
            witness = await dial(address, self._new_witness)
            try:
                await self._examine(witness, process)
            except BaseException:
                witness.drop("not usable")
                raise
        except BaseException:
            wire.drop("not usable")
            raise
        wire.witness(
            witness, lambda: mark_of(pool(), process), process.history, self._terms(address.shown)
        )
        return wire

    async def _examine(self, witness: QuietWire, process: Process) -> None:
        if await _process(witness.ask) != process:
            raise LinkDown("two connections to it have come to two servers, or it was restarted")
        await witness.ask(
            ("WAIT", 0, 1)
        )  # what this user may not, or a replica cannot, is told now
        witness.keep()

    def _new_witness(self) -> QuietWire:
        return QuietWire(lambda *_: None, lambda pressed: None, self._timeout)

    def _terms(self, shown: str) -> Terms:
        missing, enough = partial(self._missing, shown), partial(self._enough, shown)
        return Terms(self._replicas, self._timeout / PATIENCE_SHARE, missing, enough)

    def _missing(self, shown: str, have: int) -> None:
        said = self._complaints.say(MISSING, f" ({have} of {self._replicas}): {shown}")
        if said and self._missing_since is None:
            self._missing_since = self._clock()

    def _enough(self, shown: str) -> None:
        """Said once after ``MISSING`` was, however often that was: not where it was left out, or where they come and
        go the log would say more of their coming than of their going."""
        if self._missing_since is not None:
            seconds = self._clock() - self._missing_since
            self._missing_since = None
            log.warning("%s, after %.1f s: %s", ENOUGH, seconds, shown)


def mark_of(pool: int, process: Process) -> Sequence[Part]:
    """A write that changes nothing, and that replicas are sent. Publishing is one that does not go into the
    append-only file; but in a cluster it does not reach replicas by the line of writes."""
    if process.cluster:
        return "HSET", b"%b:last" % pool_key(pool), "mark", 0
    return "SPUBLISH", b"%b:mark" % pool_key(pool), ""


async def _process(ask: Ask) -> Process:
    """Raises LinkDown where it cannot be known: whoever cannot be sure confirms nothing."""
    try:
        server = bytes(await ask(("INFO", "server")))
        replication = bytes(await ask(("INFO", "replication")))
    except hiredis.ReplyError as error:
        raise LinkDown(f"to wait for replicas INFO is needed: {error}") from error
    run, history = re.search(rb"run_id:(\w+)", server), history_in(replication)
    if run is None or not history:
        raise LinkDown("it does not say which process it is, which is needed to wait for replicas")
    return Process(run[1], history, re.search(rb"\w+_mode:cluster", server) is not None)
