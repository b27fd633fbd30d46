"""``pools``: which one a new account goes to, and which are looked after."""

import pytest

from chat.store.figures import Figures
from chat.store.pools import Pools

COUNT, ROOM = 3, 10


def pools(*accounts: int) -> Pools:
    """As many as there are numbers, each with so many accounts."""
    made = Pools(COUNT, ROOM)
    for pool, number in enumerate(accounts):
        made.add(pool)
        made.learn(pool, Figures(accounts=number))
    return made


@pytest.mark.parametrize(
    ("accounts", "there", "pool"),
    [
        ((0, 0, 0), {0, 1, 2}, 0),
        ((9, 0, 0), {0, 1, 2}, 0),
        ((10, 0, 0), {0, 1, 2}, 1),
        ((12, 10, 9), {0, 1, 2}, 2),
        ((12, 9, 0), {0, 1, 2}, 1),
        ((0, 3, 0), {1, 2}, 1),
        ((0, 10, 0), {1}, None),
        ((10, 10, 10), {0, 1, 2}, None),
        ((0, 0, 0), set(), None),
        ((10, 10, 10, 0), {0, 1, 2, 3}, None),
    ],
)
def test_the_lowest_with_room(accounts: tuple[int, ...], there: set[int], pool: int | None) -> None:
    """Of those that are there, and among the first: others are only looked after."""
    assert pools(*accounts).lowest_with_room(there) == pool


def test_one_that_has_said_that_it_is_full() -> None:
    """It is passed over until it is known anew how many there are."""
    made = pools(0, 0, 0)
    made[0].full = True
    assert made.lowest_with_room({0, 1, 2}) == 1
    made.learn(0, Figures(accounts=9))
    assert made.lowest_with_room({0, 1, 2}) == 0
    made.learn(0, Figures(accounts=10))
    assert made.lowest_with_room({0, 1, 2}) == 1


@pytest.mark.parametrize(
    ("accounts", "there", "pool"),
    [
        ((30, 20, 25), {0, 1, 2}, 1),
        ((20, 20, 20), {0, 1, 2}, 0),
        ((30, 20, 25), {0, 2}, 2),
        ((30, 20, 25, 1), {0, 3}, 0),
        ((30, 20, 25), set(), 1),
    ],
)
def test_where_all_are_full(accounts: tuple[int, ...], there: set[int], pool: int) -> None:
    """The emptiest that is there takes one more; where none is, one of them says that there is no Redis."""
    assert pools(*accounts).emptiest(there) == pool


def test_what_is_known_of_a_pool_stays() -> None:
    """It is not made anew by who finds it again; what was dropped is."""
    made = pools(5)
    known = made[0]
    made.add(0)
    assert made[0] is known
    assert list(made.served) == [0]
    made.drop(0)
    made.drop(0)
    assert list(made.served) == []
    made.add(0)
    assert made[0].figures == Figures()


def test_those_in_use_beyond_the_first() -> None:
    """There is something in them, so that nobody may forget them: also where only an account that is away is."""
    made = pools(7, 0, 0, 0, 4, 0)
    assert list(made.in_use()) == [4]
    made.learn(5, Figures(accounts=1, away=1))
    made.learn(4, Figures())
    assert list(made.in_use()) == [5]
