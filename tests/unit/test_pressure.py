"""``pressure``: whether Redis keeps up, where it is several servers."""

from chat.store.pressure import Pressure


def test_one_link_is_told_as_it_is() -> None:
    """Each time it changes, and only then."""
    told: list[bool] = []
    press = Pressure(told.append).of_one()
    for pressed in (True, True, False, False, True):
        press(pressed)
    assert told == [True, False, True]


def test_with_several_the_first_and_the_last_count() -> None:
    """As long as any of them is pressed everybody waits: nobody knows yet what a socket wants of which."""
    told: list[bool] = []
    pressure = Pressure(told.append)
    one, two, three = (pressure.of_one() for _ in range(3))
    one(True)
    assert told == [True]
    two(True)
    one(False)
    three(True)
    two(False)
    assert told == [True]
    three(False)
    assert told == [True, False]


def test_who_was_never_pressed_relieves_nobody() -> None:
    """A link that is lost says so in any case."""
    told: list[bool] = []
    pressure = Pressure(told.append)
    one, two = pressure.of_one(), pressure.of_one()
    two(False)
    assert told == []
    one(True)
    two(False)
    assert told == [True]
