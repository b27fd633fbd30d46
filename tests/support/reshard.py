"""Slots move within a cluster, and primaries come and go, as redis-cli --cluster does it while people use it."""

import time
from itertools import chain

from tests.support.cluster import Cluster, slot_of
from tests.support.member import Member
from tests.support.process import wait_until

BATCH = 10
"""Keys that are moved with one command, as redis-cli does it."""
MOVING_MS = 5000


def move_pool(made: Cluster, pool: int, to: Member, pause: float = 0) -> int:
    """A pool and all its keys move to another primary, while it is used; returns how many keys that were. ``pause``:
    so long every batch takes in addition, as if it were large, while the pool is half here and half there."""
    return move_slot(made, slot_of(pool), to, pause)


def move_slot(made: Cluster, slot: int, to: Member, pause: float = 0) -> int:
    """What was begun and not finished, by one who was interrupted, is begun again."""
    source = made.owner(slot)
    if source is to:
        return 0
    to.ask("SETSLOT", slot, "IMPORTING", source.id)
    source.ask("SETSLOT", slot, "MIGRATING", to.id)
    moved = move_keys(source, slot, to, pause)
    give(made, slot, source, to)
    return moved


def move_keys(source: Member, slot: int, to: Member, pause: float = 0) -> int:
    """The keys of a slot that is on its way."""
    moved = 0
    migrate = ("MIGRATE", to.site.host, to.port, "", 0, MOVING_MS)
    with source.client() as client:
        while keys := client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, BATCH):
            client.execute_command(*migrate, "KEYS", *keys)
            moved += len(keys)
            time.sleep(pause)
    return moved


def give(made: Cluster, slot: int, source: Member, to: Member) -> None:
    """The slot belongs to another. Who gets it is told first: were it the one who has it, nobody would have it if
    the next command never came. The others would hear of it anyway, but later."""
    others = [one for one in made.primaries if one is not source and one is not to]
    for one in (to, source, *others):
        one.ask("SETSLOT", slot, "NODE", to.id)


def add_primary(made: Cluster) -> Member:
    """An empty server joins, with the functions that the others have, and without slots."""
    return join(made, made.add_server())


def join(made: Cluster, newcomer: Member) -> Member:
    """The same with one that was started before, so that a test can do something in between."""
    first = next(one for one in made.primaries if one is not newcomer)
    with first.client() as one, newcomer.client() as other:
        other.function_restore(one.function_dump(), "REPLACE")
    made.meet(newcomer)
    made.until_known()
    wait_until(lambda: newcomer.says()["cluster_state"] == "ok", "it takes what is moved to it")
    return newcomer


def remove_primary(made: Cluster, leaving: Member) -> None:
    """What it has goes to the others, in turn; then all forget it. It has no replicas."""
    assert not made.replicas_of(leaving), "its replicas would be left alone"
    others = [one for one in made.primaries if one is not leaving]
    for number, slot in enumerate(chain(*leaving.itself().slots)):
        move_slot(made, slot, others[number % len(others)])
    leave(made, leaving)


def leave(made: Cluster, leaving: Member) -> None:
    """One without slots is forgotten, and ends. It knows the others no more when they forget it: otherwise it
    would make itself known again."""
    name, others = leaving.id, [one for one in made.servers if one is not leaving]
    wait_until(
        lambda: not any(one.sees()[name].slots for one in others), "nobody thinks it has slots"
    )
    leaving.reset()
    for one in others:
        one.ask("FORGET", name)
    made.remove_server(leaving)
    wait_until(lambda: not any(name in one.sees() for one in others), "nobody knows it any more")
