"""Says where the pools are, or moves one to another primary: ``python move.py``, ``python move.py POOL HOST``.

Nodes do not follow ASK: while a pool is on its way they wait, because there a function would find only a part of it. So
the pool stands still until all of it has been copied; the old primary keeps everything until then, and goes on with it
when something goes wrong, its replica too if it dies. Killed in the middle, the same command again does it, and
with the HOST where the pool is it stays there.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import redis

from layout import slot_of
from servers import View, connected, look, look_at_all

BATCH = 200
REPLICA_MS = 2000
KNOWN_SECONDS = 30


class NotMoved(Exception):
    """It is where it was; the message says why."""


class Move:
    def __init__(self, slot: int, source: View, target: View) -> None:
        self._slot = slot
        self._source = source
        self._target = target

    def run(self) -> int:
        """Do it; the number of keys that were copied."""
        with connected(self._source.place) as old, connected(self._target.place) as new:
            if b"cluster_state:ok" not in new.execute_command("CLUSTER", "INFO"):
                raise NotMoved(f"{self._target.place} is not ready")
            try:
                copied = self._copy(old, new)
            except BaseException:
                self._undo(old, new)
                raise
            self._set(new, "NODE", self._target.myself.id)
        self._until_known()
        return copied

    def _copy(self, old: Any, new: Any) -> int:
        self._set(new, "IMPORTING", self._source.myself.id)
        self._clear(new)
        # From here on nobody writes.
        self._set(old, "MIGRATING", self._target.myself.id)
        host, port = self._target.address, self._target.place.rpartition(":")[2]
        login = ("AUTH2", "keeper", os.environ["KEEPER_PASSWORD"])
        copied = 0
        for keys in self._keys(old):
            to = ("MIGRATE", host, port, "", 0, REPLICA_MS, "COPY", "REPLACE", *login, "KEYS")
            old.execute_command(*to, *keys)
            copied += len(keys)
        self._until_copied(new)
        return copied

    def _until_copied(self, new: Any) -> None:
        """Until a replica has it too, where there is one: it is soon nowhere else."""
        replicas = sum(one.follows == self._target.myself.id for one in self._target.known.values())
        wanted = min(1, replicas)
        new.execute_command(
            "PING"
        )  # WAIT is for all that was done before what this connection did last
        if new.execute_command("WAIT", wanted, REPLICA_MS) < wanted:
            raise NotMoved(f"{self._target.place} has no replica in step")

    def _undo(self, old: Any, new: Any) -> None:
        for server, clear in ((old, False), (new, True)):
            with suppress(OSError, redis.RedisError):
                if clear:
                    self._clear(server)
                self._set(server, "STABLE")

    def _clear(self, new: Any) -> None:
        """Without what an earlier run has left."""
        for keys in self._keys(new):
            with new.pipeline(transaction=False) as told:
                for key in keys:
                    told.execute_command("ASKING")
                    told.execute_command("UNLINK", key)
                told.execute()

    def _keys(self, server: Any) -> Iterator[list[bytes]]:
        count = server.execute_command("CLUSTER", "COUNTKEYSINSLOT", self._slot)
        keys = server.execute_command("CLUSTER", "GETKEYSINSLOT", self._slot, count)
        for first in range(0, len(keys), BATCH):
            yield keys[first : first + BATCH]

    def _set(self, server: Any, *words: str) -> None:
        server.execute_command("CLUSTER", "SETSLOT", self._slot, *words)

    def _until_known(self) -> None:
        """Until the old one has heard of it, and has thrown its copy away."""
        until = time.monotonic() + KNOWN_SECONDS
        while time.monotonic() < until:
            view = look(self._source.place)
            if view is not None and self._slot not in view.myself.slots:
                return
            time.sleep(0.1)
        raise NotMoved(f"{self._source.place} has not heard that it was moved: look again")


def stay(slot: int, where: View) -> None:
    """It goes on where it is, if it was on its way."""
    with connected(where.place) as server:
        server.execute_command("CLUSTER", "SETSLOT", slot, "STABLE")


def holder(slot: int, views: dict[str, View]) -> View:
    for view in views.values():
        if slot in view.myself.slots and view.myself.primary:
            return view
    raise NotMoved("nobody who answers has it")


def named(name: str, views: dict[str, View]) -> View:
    for view in views.values():
        if name in {view.myself.host, view.myself.host.partition(".")[0]}:
            if view.myself.primary:
                return view
            raise NotMoved(f"{name} is no primary")
    raise NotMoved(f"{name} does not answer")


def show(views: dict[str, View]) -> None:
    for pool in range(int(os.environ["CHAT_POOLS"])):
        slot = slot_of(pool)
        try:
            place = holder(slot, views).place
            with connected(place) as server:
                said = f"{place}  {server.execute_command('CLUSTER', 'COUNTKEYSINSLOT', slot)} keys"
        except NotMoved as error:
            said = str(error)
        print(f"pool {pool}  slot {slot:5}  {said}")


def main(arguments: list[str]) -> None:
    views = look_at_all(os.environ["PEERS"].split())
    if not arguments:
        show(views)
        return
    pool, name = arguments
    source, target = holder(slot_of(int(pool)), views), named(name, views)
    if source is target:
        stay(slot_of(int(pool)), source)
        print(f"pool {pool} is there")
        return
    began = time.monotonic()
    copied = Move(slot_of(int(pool)), source, target).run()
    seconds = time.monotonic() - began
    print(f"pool {pool}: {copied} keys from {source.place} to {target.place} in {seconds:.1f} s")


if __name__ == "__main__":
    # Whoever ends it lets it undo what it has begun.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("move: ended"))
    try:
        main(sys.argv[1:])
    except (NotMoved, OSError, redis.RedisError) as error:
        sys.exit(f"move: {error}")
