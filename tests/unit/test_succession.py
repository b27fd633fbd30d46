"""``succession``: which notices and answers of sentinels move a link, and which do not."""

from chat.store.succession import REMEMBERED, Spot, Succession

X, Y, Z = Spot("x", 1), Spot("y", 1), Spot("z", 1)


def at(spot: Spot, sentinels: int = 3) -> Succession:
    known = Succession(sentinels)
    known.confirmed(spot)
    return known


def test_a_notice_is_followed_once() -> None:
    """However many sentinels tell it, before the new one is there and after."""
    known = at(X)
    assert known.switched("a", X, Y)
    assert not known.switched("b", X, Y)
    known.confirmed(Y)
    assert not known.switched("c", X, Y)
    assert known.given_up(X)
    assert not known.given_up(Y)


def test_a_notice_of_the_one_that_is_used_changes_nothing() -> None:
    """Whoever it says was the primary before."""
    known = at(X)
    assert not known.switched("a", Z, X)
    assert not known.switched("a", X, X)
    assert not known.given_up(X)


def test_a_late_notice_is_not_followed() -> None:
    """It is of a change before the last one: what it names was given up since."""
    known = at(X)
    known.switched("a", X, Y)
    known.switched("a", Y, Z)
    known.confirmed(Z)
    assert not known.switched("late", X, Y)
    assert known.given_up(Y)
    assert not known.given_up(Z)


def test_back_again() -> None:
    """Who was given up may become the primary again."""
    known = at(X)
    assert known.switched("a", X, Y)
    assert known.switched("a", Y, X)
    assert not known.given_up(X)
    assert known.given_up(Y)


def test_a_notice_after_one_that_was_missed() -> None:
    """What is used is not what the notice says it was: it is left all the same."""
    known = at(X)
    assert known.switched("a", Y, Z)
    assert known.given_up(X)
    assert known.given_up(Y)


def test_an_answer_is_believed_when_most_say_so() -> None:
    """One that was cut off or restarted may answer what was true before."""
    known = at(X)
    assert not known.named("a", Y)
    assert not known.named("a", Y)
    assert known.named("b", Y)
    assert not known.named("c", Y)
    assert known.given_up(X)


def test_an_answer_that_is_old_moves_nobody() -> None:
    """One of three still names the last primary; two name the one that is used."""
    known = at(Y)
    assert not known.named("a", Y)
    assert not known.named("b", X)
    assert not known.named("c", Y)
    assert not known.given_up(Y)


def test_the_answer_of_a_single_sentinel() -> None:
    """It is all of them."""
    assert at(X, 1).named("a", Y)


def test_before_anything_is_confirmed() -> None:
    """An answer moves nobody: there is nothing to leave. A notice counts for the next attempt."""
    known = Succession(1)
    assert not known.named("a", Y)
    assert known.switched("a", X, Y)
    assert known.given_up(X)


def test_what_was_given_up_is_forgotten_in_the_end() -> None:
    """The oldest first."""
    known = at(Spot("0", 0))
    for number in range(REMEMBERED + 1):
        assert known.switched("a", Spot(f"{number}", 0), Spot(f"{number + 1}", 0))
    assert not known.given_up(Spot("0", 0))
    assert known.given_up(Spot("1", 0))
