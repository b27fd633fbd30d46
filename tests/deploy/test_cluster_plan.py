"""k8s/overlays/cluster: what the keeper decides, by what servers say; which slots go to whom. test_cluster.py has it
with real servers."""

from dataclasses import replace

import pytest
from redis.crc import key_slot

from layout import SLOTS, layout, ranges, slot_of
from plan import Order, Views, Wanted, plan
from servers import Member, View, parse

PLACES = [f"redis-{number}.redis:6379" for number in range(6)]
WANTED = Wanted(PLACES, primaries=3, pools=6)
SHARES = layout(3, 6)


def member(number: int, *flags: str, follows: str = "", slots: set[int] | None = None) -> Member:
    return Member(
        f"id{number}",
        f"redis-{number}.redis",
        frozenset(flags),
        follows=follows,
        slots=frozenset(slots or ()),
    )


def whole() -> list[Member]:
    """Three primaries, and a replica of each."""
    primaries = [member(number, "master", slots=SHARES[number]) for number in range(3)]
    return [
        *primaries,
        *(member(number, "slave", follows=f"id{number - 3}") for number in range(3, 6)),
    ]


def seen(members: list[Member], *more: Member, away: tuple[int, ...] = ()) -> Views:
    """All know each other, and ``more``; those who are away do not answer."""
    known = {one.id: one for one in [*members, *more]}
    return {
        place: View(place, f"10.0.0.{number}", members[number], dict(known))
        for number, place in enumerate(PLACES)
        if number not in away
    }


def words(orders: list[Order]) -> set[str]:
    return {str(order.words[1]) for order in orders}


def test_slots_are_those_of_redis() -> None:
    """Of every pool that there can be."""
    for pool in range(1000):
        assert slot_of(pool) == key_slot(b"chat:{%d}:last" % pool)


@pytest.mark.parametrize("primaries", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("pools", [1, 3, 6, 100, 1000])
def test_pools_are_spread_evenly(primaries: int, pools: int) -> None:
    """No primary has more than one pool more than another one; each slot has one; all have nearly as many. Two pools
    in one slot go together, which the default number has none of."""
    shares = layout(primaries, pools)
    assert sorted(slot for share in shares for slot in share) == list(range(SLOTS))
    if pools <= 100:
        held = [sum(slot_of(pool) in share for pool in range(pools)) for share in shares]
        assert max(held) - min(held) <= 1
    assert min(map(len, shares)) > SLOTS / primaries - 1000
    for share in shares:
        assert {slot for first, last in ranges(share) for slot in range(first, last + 1)} == share


def test_an_even_split_would_not_spread_them() -> None:
    """That is why there is another: of three primaries the first would have neither of the first three pools."""
    assert [slot_of(pool) * 3 // SLOTS for pool in range(6)] == [2, 1, 1, 0, 2, 1]


def test_what_is_whole_is_left_alone() -> None:
    """Also where somebody does not answer, and after any fail-over."""
    assert plan(seen(whole()), WANTED) == []
    assert plan(seen(whole(), away=(0, 4)), WANTED) == []
    members = whole()
    members[0], members[3] = (
        replace(members[0], flags=frozenset({"slave"}), follows="id3", slots=frozenset()),
        replace(members[3], flags=frozenset({"master"}), follows="", slots=members[0].slots),
    )
    assert plan(seen(members), WANTED) == []
    assert plan({}, WANTED) == []


def test_whoever_knows_nobody_gets_an_epoch_first() -> None:
    """Each its own, once, and only while all are there and strangers to each other."""
    strangers = {
        place: View(place, "10.0.0.1", one, {one.id: one})
        for place, one in zip(PLACES, (member(n, "master") for n in range(6)), strict=True)
    }
    orders = plan(strangers, WANTED)
    assert [order.words for order in orders] == [
        ("CLUSTER", "SET-CONFIG-EPOCH", epoch) for epoch in range(1, 7)
    ]
    numbered = {
        place: replace(view, myself=replace(view.myself, epoch=1))
        for place, view in strangers.items()
    }
    assert words(plan(numbered, WANTED)) == {"MEET"}
    del strangers[PLACES[0]]
    assert words(plan(strangers, WANTED)) == {"MEET"}


def test_nothing_is_given_while_somebody_is_away() -> None:
    """Whoever does not answer may have all there is."""
    empty = [member(number, "master") for number in range(6)]
    assert plan(seen(empty, away=(5,)), WANTED) == []
    assert words(plan(seen(empty), WANTED)) == {"ADDSLOTSRANGE"}


def test_a_half_formed_one_is_completed() -> None:
    """What is there stays; the others get what is missing, and nobody becomes a replica too early."""
    members = [member(number, "master") for number in range(6)]
    members[1] = member(1, "master", slots=SHARES[1])
    orders = plan(seen(members), WANTED)
    assert [order.place for order in orders] == [PLACES[0], PLACES[2]]
    assert {order.words[1] for order in orders} == {"ADDSLOTSRANGE"}


def test_nine_are_three_primaries_with_two_replicas_each() -> None:
    """As docs/operations.md says: whoever is added follows those who have the fewest."""
    places = [f"redis-{n}.redis:6379" for n in range(9)]
    members = [member(n, "master", slots=SHARES[n] if n < 3 else None) for n in range(9)]
    known = {one.id: one for one in members}
    views = {place: View(place, "10.0.0.1", members[n], known) for n, place in enumerate(places)}
    orders = plan(views, Wanted(places, primaries=3, pools=6))
    assert [order.words[-1] for order in orders] == ["id0", "id1", "id2"] * 2


def test_slots_of_somebody_who_is_away_are_not_given() -> None:
    """Nor of somebody who is there and says so, whatever others know."""
    members = whole()
    assert plan(seen(members, away=(0, 3)), WANTED) == []
    views = seen(members)
    for place, view in views.items():
        if place != PLACES[0]:
            view.known["id0"] = replace(members[0], slots=frozenset())
    assert plan(views, WANTED) == []


def test_a_new_address_is_told_to_whoever_needs_it() -> None:
    """And to nobody else."""
    views = seen(whole())
    views[PLACES[2]].known["id4"] = replace(views[PLACES[2]].known["id4"], connected=False)
    assert plan(views, WANTED) == [
        Order(PLACES[2], ("CLUSTER", "MEET", "10.0.0.4", "6379")),
    ]


def test_a_primary_that_came_back_empty_waits_for_its_replica() -> None:
    """It is not given the slots, and the one that it was is not forgotten, before the replica has taken over; then
    it follows that one. Who has heard of it without its name forgets it too."""
    members = whole()
    old = replace(members[0], flags=frozenset({"master", "fail"}))
    members[0] = replace(members[0], id="new", slots=frozenset())
    assert plan(seen(members, old), WANTED) == []
    members[3] = member(3, "master", slots=SHARES[0])
    emptied = replace(old, slots=frozenset())
    views = seen(members, emptied)
    views[PLACES[0]].known["id0"] = replace(emptied, host="10.0.0.99", named=False)
    forgotten = plan(views, WANTED)
    assert [order.place for order in forgotten] == PLACES
    assert {order.words for order in forgotten} == {("CLUSTER", "FORGET", "id0")}
    assert plan(seen(members), WANTED) == [Order(PLACES[0], ("CLUSTER", "REPLICATE", "id3"))]


def test_who_cannot_be_known_is_not_forgotten() -> None:
    """A server without a name that fails may be one of those who do not answer; one that is none of PEERS is
    somebody's."""
    nameless = Member("x", "10.0.0.9", frozenset({"slave", "fail"}), named=False, follows="id0")
    assert plan(seen(whole(), nameless, away=(5,)), WANTED) == []
    assert words(plan(seen(whole(), nameless), WANTED)) == {"FORGET"}
    other = Member("x", "redis-6.redis", frozenset({"slave", "fail"}), follows="id0")
    assert plan(seen(whole(), other), WANTED) == []


def test_both_of_a_pair_came_back_empty() -> None:
    """When all answer nobody can have it any more: the old ones are forgotten, and their slots are given anew."""
    members = whole()
    old = [replace(members[1], flags=frozenset({"master", "fail"})), members[4]]
    members[1] = replace(members[1], id="new1", slots=frozenset())
    members[4] = replace(member(4, "master"), id="new4")
    assert plan(seen(members, *old, away=(5,)), WANTED) == [
        Order(place, ("CLUSTER", "FORGET", "id4")) for place in PLACES[:5]
    ]
    assert words(plan(seen(members, *old), WANTED)) == {"FORGET"}
    (order,) = plan(seen(members), WANTED)
    assert (order.place, order.words[1]) == (PLACES[1], "ADDSLOTSRANGE")
    members[1] = replace(members[1], slots=frozenset(SHARES[1]))
    assert plan(seen(members), WANTED) == [Order(PLACES[4], ("CLUSTER", "REPLICATE", "new1"))]


def test_a_line_of_cluster_nodes_is_read() -> None:
    """With and without a name, with slots, and with some that are on their way."""
    line = "07c3 10.0.0.7:6379@16379,redis-1.redis myself,master - 0 1 7 connected 0-2 9 [9->-e7d1]"
    one = parse(line)
    assert (one.id, one.host, one.named, one.primary) == ("07c3", "redis-1.redis", True, True)
    assert one.slots == {0, 1, 2, 9}
    assert one.epoch == 7
    two = parse("e7d1 :0@0 slave,fail,noaddr 07c3 1 1 2 disconnected")
    assert (two.host, two.named, two.follows, two.connected) == ("", False, "07c3", False)
