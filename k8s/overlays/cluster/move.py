"""Says where the pools are, or moves one to another primary: ``python move.py``, ``python move.py POOL HOST``.

In one piece: where keys go one after the other, as with ``redis-cli --cluster reshard``, the functions of the nodes
would find half of a pool, and make of it what they can. So whoever wants to write waits for that time, at
most PAUSE_SECONDS; after that it is undone. Whatever ends this in the middle, the same command again ends it well.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import redis

from layout import slot_of
from servers import View, connected, look, look_at_all

PAUSE_SECONDS = 30
# What is left of it when the last key has been copied.
MARGIN_SECONDS = 5
BATCH = 500
REPLICA_MS = 2000


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
            started = self._source.myself.leaving.get(self._slot)
            if started not in {None, self._target.myself.id}:
                raise NotMoved(f"it is on its way to {started}")
            # When it is leaving already, an earlier run has copied everything, and people write there.
            if b"cluster_state:ok" not in new.execute_command("CLUSTER", "INFO"):
                raise NotMoved(f"{self._target.place} is not ready")
            copied = 0 if started else self._copy(old, new)
            self._set(new, "NODE", self._target.myself.id)
        self._until_known()
        return copied

    def _copy(self, old: Any, new: Any) -> int:
        self._set(new, "IMPORTING", self._source.myself.id)
        try:
            self._clear(new)
            old.execute_command("CLIENT", "PAUSE", PAUSE_SECONDS * 1000, "WRITE")
            until = time.monotonic() + PAUSE_SECONDS - MARGIN_SECONDS
            copied = self._copy_keys(old, new, until)
            self._until_copied(new, until + MARGIN_SECONDS / 2)
            # From here on the nodes are sent there. Only then those that wait go on.
            self._set(old, "MIGRATING", self._target.myself.id)
        except BaseException:
            with suppress(OSError, redis.RedisError):
                self._clear(new)
                self._set(new, "STABLE")
            raise
        finally:
            with suppress(OSError, redis.RedisError):
                old.execute_command("CLIENT", "UNPAUSE")
        return copied

    def _copy_keys(self, old: Any, new: Any, until: float) -> int:
        copied = 0
        for keys in self._keys(old):
            asked = [(word, key) for key in keys for word in ("DUMP", "PEXPIRETIME")]
            said = all_of(old, asked)
            told = [
                ("RESTORE-ASKING", key, max(0, ends), value, "REPLACE", "ABSTTL")
                for key, value, ends in zip(keys, said[::2], said[1::2], strict=True)
                if value is not None
            ]
            copied += len(all_of(new, told))
            if time.monotonic() > until:
                raise NotMoved(f"{copied} keys took too long")
        return copied

    def _until_copied(self, new: Any, until: float) -> None:
        """Until a replica has it too, where there is one: it is soon nowhere else."""
        replicas = sum(one.follows == self._target.myself.id for one in self._target.known.values())
        wanted = min(1, replicas)
        if new.execute_command("WAIT", wanted, REPLICA_MS) < wanted:
            raise NotMoved(f"{self._target.place} has no replica in step")
        if time.monotonic() > until:
            raise NotMoved("it took too long")

    def _clear(self, new: Any) -> None:
        """Without what an earlier run has left."""
        for keys in self._keys(new):
            all_of(new, [words for key in keys for words in (("ASKING",), ("UNLINK", key))])

    def _keys(self, server: Any) -> Iterator[list[bytes]]:
        count = server.execute_command("CLUSTER", "COUNTKEYSINSLOT", self._slot)
        keys = server.execute_command("CLUSTER", "GETKEYSINSLOT", self._slot, count)
        for first in range(0, len(keys), BATCH):
            yield keys[first : first + BATCH]

    def _set(self, server: Any, *words: str) -> None:
        server.execute_command("CLUSTER", "SETSLOT", self._slot, *words)

    def _until_known(self) -> None:
        """Until the old one has heard of it, and has thrown its copy away."""
        until = time.monotonic() + PAUSE_SECONDS
        while time.monotonic() < until:
            view = look(self._source.place)
            if view is not None and self._slot not in view.myself.slots:
                return
            time.sleep(0.1)
        raise NotMoved(f"{self._source.place} has not heard that it was moved: look again")


def all_of(server: Any, commands: list[tuple[Any, ...]]) -> list[Any]:
    """The answers; the first refusal as it is, without the command, in which is what people wrote."""
    with server.pipeline(transaction=False) as pipe:
        for words in commands:
            pipe.execute_command(*words)
        answers: list[Any] = pipe.execute(raise_on_error=False)
    for one in answers:
        if isinstance(one, Exception):
            raise one
    return answers


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
    for pool in range(int(os.environ["POOLS"])):
        view = holder(slot_of(pool), views)
        with connected(view.place) as server:
            keys = server.execute_command("CLUSTER", "COUNTKEYSINSLOT", slot_of(pool))
        print(f"pool {pool}  slot {slot_of(pool):5}  {view.place}  {keys} keys")


def main(arguments: list[str]) -> None:
    views = look_at_all(os.environ["PEERS"].split())
    if not arguments:
        show(views)
        return
    pool, name = arguments
    source, target = holder(slot_of(int(pool)), views), named(name, views)
    if source is target:
        print(f"pool {pool} is there")
        return
    began = time.monotonic()
    copied = Move(slot_of(int(pool)), source, target).run()
    seconds = time.monotonic() - began
    print(f"pool {pool}: {copied} keys from {source.place} to {target.place} in {seconds:.1f} s")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (NotMoved, OSError, redis.RedisError) as error:
        sys.exit(f"move: {error}")
