"""``pressure``: whether too much waits anywhere, where Redis is several servers."""

from chat.store.pressure import Pressure


def test_each_change_is_told() -> None:
    """With whether any of them is pressed: who waits for one must not wait for the last."""
    told: list[bool] = []
    pressure = Pressure(told.append)
    one, two = pressure.of_one(), pressure.of_one()
    for press, pressed in ((one, True), (two, True), (one, False), (two, False), (one, True)):
        press(pressed)
    assert told == [True, True, True, False, True]


def test_who_was_never_pressed_relieves_nobody() -> None:
    """A link that is lost says so in any case."""
    told: list[bool] = []
    pressure = Pressure(told.append)
    one, two = pressure.of_one(), pressure.of_one()
    one(True)
    two(False)
    assert told == [True, True]
