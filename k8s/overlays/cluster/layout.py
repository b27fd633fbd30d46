"""Which primary has which slots: pools one after the other, the rest evenly.

A pool is a hash tag, its number, and so one slot of 16384. Where all slots are shared out evenly, chance decides who
gets the pools: of three primaries the first would have none of the pools 0, 1 and 2, and the second two.
"""

from binascii import crc_hqx

SLOTS = 16384


def slot_of(pool: int) -> int:
    """The slot of all keys with ``{pool}``, as CLUSTER KEYSLOT says it."""
    return crc_hqx(str(pool).encode(), 0) % SLOTS


def layout(primaries: int, pools: int) -> list[set[int]]:
    """The slots of each primary. The same numbers give the same, at any time and place."""
    shares: list[set[int]] = [set() for _ in range(primaries)]
    chosen = {slot_of(pool): pool % primaries for pool in range(pools)}
    for slot in range(SLOTS):
        shares[chosen.get(slot, slot * primaries // SLOTS)].add(slot)
    return shares


def ranges(slots: set[int]) -> list[tuple[int, int]]:
    """First and last of each run of slots."""
    found: list[tuple[int, int]] = []
    for slot in sorted(slots):
        if found and found[-1][1] == slot - 1:
            found[-1] = found[-1][0], slot
        else:
            found.append((slot, slot))
    return found
