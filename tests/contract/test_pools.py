"""Pools: which there are, as all nodes tell each other, and how many accounts one may have."""

from tests.contract.pool import LEASE, NODE, Pool, Result

FULL = [-4]
HOUR = 3_600_000


def pools(pool: Pool, count: int, *used: int, keep: int = HOUR) -> list[int]:
    """What a node learns that opens accounts in so many pools, and has seen something in those others."""
    code, *found = pool.call("pools", count, keep, *used)
    assert code == 0
    return sorted(found)


def create(pool: Pool, most: object = 0, *, limit: int = 0) -> Result:
    return pool.call("create", NODE, b'"x"', "token", "address", limit, LEASE, most)


# Which there are


def test_all_pools_are_told_to_everybody(pool: Pool) -> None:
    """Those in which somebody opens accounts, and those in which somebody has seen something."""
    assert pools(pool, 1) == [0]
    assert pools(pool, 3, 12) == [0, 1, 2, 12]
    assert pools(pool, 1) == [0, 1, 2, 12]
    assert pool.names() == {"pools"}


def test_a_pool_is_listed_for_so_long_after_anybody_has_told_of_it(pool: Pool) -> None:
    """By the server's clock; then it is not, and its place is free."""
    before = pool.now()
    pools(pool, 2, 7)
    listed = pool.scores("pools")
    assert all(before + HOUR <= until <= pool.now() + HOUR for until in listed.values())
    pool.client.zadd(pool.key("pools"), {"7": pool.now() - 1})
    assert pools(pool, 1) == [0, 1]
    assert set(pool.scores("pools")) == {"0", "1"}


def test_nobody_shortens_what_another_has_said(pool: Pool) -> None:
    """Such as a node of other settings."""
    pools(pool, 2, 7)
    before = pool.scores("pools")
    assert pools(pool, 2, 7, keep=1000) == [0, 1, 7]
    assert pool.scores("pools") == before


def test_pools_that_were_there_for_a_moment(pool: Pool) -> None:
    """Nothing is kept of them for ever."""
    for number in range(1, 20):
        pools(pool, 1, number, keep=1)
    while pool.now() <= max(pool.scores("pools").values()):
        pass
    assert pools(pool, 1) == [0]
    assert set(pool.scores("pools")) == {"0"}


# How many accounts there may be


def test_a_pool_has_room_for_so_many(pool: Pool) -> None:
    """One more is refused, and nothing changes: until somebody has gone."""
    assert create(pool, 2)[0] == 0
    bob = pool.person("Bob")
    before = pool.dump()
    assert create(pool, 2) == FULL
    assert pool.dump() == before
    assert create(pool, 3)[:2] == [0, 3000]
    bob.detach(goodbye=True)
    assert create(pool, 3)[0] == 0
    assert create(pool, 3) == FULL


def test_who_is_away_takes_room(pool: Pool) -> None:
    """It may come back."""
    pool.person("Bob").detach()
    assert create(pool, 1) == FULL


def test_a_pool_without_a_bound(pool: Pool) -> None:
    """0, or nothing, as nodes of an earlier release say it."""
    for _ in range(3):
        assert create(pool, 0)[0] == 0
    assert pool.call("create", NODE, b'"x"', "token", "address", 0, LEASE)[:2] == [0, 4000]


def test_a_full_pool_counts_nothing_against_the_address(pool: Pool) -> None:
    """The account is made elsewhere, and counted there."""
    assert create(pool, 1, limit=1)[0] == 0
    other = pool.other(7)
    for _ in range(3):
        assert create(pool, 1, limit=1) == FULL
    assert create(other, 1, limit=1)[:2] == [0, 1007]
    assert create(other, 2, limit=1)[0] == 6


def test_numbers_name_the_pool_they_were_given_in(pool: Pool) -> None:
    """By their last three digits, of accounts and of sessions; each pool counts for itself."""
    for number in 7, 12, 999:
        other = pool.other(number)
        alice, bob = other.people("Alice", "Bob")
        assert [alice.id, bob.id] == [1000 + number, 2000 + number]
        assert other.pair(alice, bob) == 1000 + number
    assert pool.people("Carol")[0].id == 1000
