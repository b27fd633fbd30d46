"""What to tell which server, so that all of them are one whole cluster. Looks at what they say, and asks nobody.

Whoever carries it out may die in the middle, or be there twice: each order leaves less to do, and none undoes another.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from layout import SLOTS, layout, ranges
from servers import Member, View

Views = dict[str, View]


@dataclass(frozen=True)
class Order:
    place: str
    words: tuple[str | int, ...]


@dataclass(frozen=True)
class Wanted:
    places: list[str]
    """"host:port" of each server; no two with one host."""
    primaries: int
    pools: int


def plan(views: Views, wanted: Wanted) -> list[Order]:
    """What to do now; when it is done, look again."""
    if numbers := list(number(views, wanted)):
        return numbers
    meetings = list(meet(views))
    orders = meetings + list(forget(views, wanted))
    # Slots are given only where everybody is there and known to all: nobody who is away can have them.
    if not orders and all_answer(views, wanted):
        orders = list(give(views, wanted))
    return orders or list(follow(views, wanted))


def number(views: Views, wanted: Wanted) -> Iterator[Order]:
    """Before anybody knows anybody, each gets an epoch of its own. Otherwise they have the same, and take others one after
    the other: whoever becomes a replica meanwhile may keep that of its primary, and nobody would believe it later
    that it has taken over (CLUSTER FAILOVER TAKEOVER)."""
    if all_answer(views, wanted) and all(len(view.known) == 1 for view in views.values()):
        for epoch, place in enumerate(wanted.places, start=1):
            if not views[place].myself.epoch:
                yield Order(place, ("CLUSTER", "SET-CONFIG-EPOCH", epoch))


def meet(views: Views) -> Iterator[Order]:
    """Whoever does not reach another one gets the address that it has now; ids stay."""
    for one in views.values():
        for other in views.values():
            seen = one.known.get(other.myself.id)
            if one is not other and (seen is None or not seen.connected):
                port = other.place.rpartition(":")[2]
                yield Order(one.place, ("CLUSTER", "MEET", other.address, port))


def forget(views: Views, wanted: Wanted) -> Iterator[Order]:
    """Whoever has lost its volume is somebody new; the one before it will not come back.

    While that one still has slots its replica takes over. Where there is none, all that was in them is gone.
    """
    lost = gone(views, wanted)
    followed = {view.myself.follows for view in views.values()}
    for one in views.values():
        for member in one.known.values():
            if member.id not in lost or one.myself.follows == member.id:
                continue
            left = slots_of(member.id, views) - held(views)
            if not left or (all_answer(views, wanted) and member.id not in followed):
                yield Order(one.place, ("CLUSTER", "FORGET", member.id))


def give(views: Views, wanted: Wanted) -> Iterator[Order]:
    """Slots that nobody has: to whoever has others of that share, otherwise to somebody who has none."""
    free = set(range(SLOTS)) - taken(views)
    primaries = [views[place] for place in wanted.places if views[place].myself.primary]
    idle = [view for view in primaries if not view.myself.slots]
    for share in layout(wanted.primaries, wanted.pools):
        if not share & free:
            continue
        most = max(primaries, key=lambda view: len(view.myself.slots & share), default=None)
        if most is None:
            return
        if not most.myself.slots & share and idle:
            most = idle.pop(0)
        elif most in idle:
            idle.remove(most)
        bounds = (bound for pair in ranges(share & free) for bound in pair)
        yield Order(most.place, ("CLUSTER", "ADDSLOTSRANGE", *bounds))


def follow(views: Views, wanted: Wanted) -> Iterator[Order]:
    """A primary without slots is one too many, unless more of them are wanted than there are: then slots will
    be moved to it. The others become replicas of those who have the fewest."""
    members = everybody(views, wanted)
    owners = [one for one in members.values() if one.primary and one.slots]
    if not owners:
        return
    answering = [views[place].myself for place in wanted.places if place in views]
    idle = [one for one in answering if one.primary and not one.slots]
    missing = max(0, wanted.primaries - len(owners))
    counts = {one.id: 0 for one in [*in_order(owners, wanted), *idle[:missing]]}
    for one in members.values():
        if one.follows in counts:
            counts[one.follows] += 1
    for view in (views[place] for place in wanted.places if place in views):
        if view.myself in idle[missing:]:
            fewest = min(counts, key=lambda id_: counts[id_])
            counts[fewest] += 1
            yield Order(view.place, ("CLUSTER", "REPLICATE", fewest))


def all_answer(views: Views, wanted: Wanted) -> bool:
    return len(views) == len(wanted.places)


def gone(views: Views, wanted: Wanted) -> set[str]:
    """The ids of those in whose place somebody else is now. Who only heard of one never heard its name."""
    here = {view.myself.host: view.myself.id for view in views.values()}
    found = set()
    for view in views.values():
        for one in view.known.values():
            strange = one.id not in here.values() and "handshake" not in one.flags
            nobody = not one.named and one.flags & {"fail", "noaddr"} and all_answer(views, wanted)
            if strange and (one.host in here or nobody):
                found.add(one.id)
    return found


def everybody(views: Views, wanted: Wanted) -> dict[str, Member]:
    """Whoever is of the cluster, by what they say themselves; if they do not answer, by what others say."""
    lost = gone(views, wanted)
    others = {
        id_: one
        for view in views.values()
        for id_, one in view.known.items()
        if id_ not in lost and "handshake" not in one.flags
    }
    return others | {view.myself.id: view.myself for view in views.values()}


def slots_of(id_: str, views: Views) -> set[int]:
    """The slots of somebody, by whatever anybody says."""
    return {slot for view in views.values() if id_ in view.known for slot in view.known[id_].slots}


def held(views: Views) -> set[int]:
    """The slots that those who answer have."""
    return {slot for view in views.values() for slot in view.myself.slots}


def taken(views: Views) -> set[int]:
    """The slots that anybody has, by whatever anybody says."""
    return {slot for view in views.values() for one in view.known.values() for slot in one.slots}


def in_order(members: list[Member], wanted: Wanted) -> list[Member]:
    hosts = [place.rpartition(":")[0] for place in wanted.places]
    return sorted(members, key=lambda one: hosts.index(one.host) if one.host in hosts else -1)
