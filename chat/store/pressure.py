"""Whether too much waits for Redis anywhere, where it is several servers."""

from collections.abc import Callable


class Pressure:
    """``told`` is called whenever something begins to be pressed, or is pressed no more: with whether anything is. Which
    pools that is about, ``Link.pressed`` says: they come to a link and leave it."""

    def __init__(self, told: Callable[[bool], None]) -> None:
        self._told = told
        self._pressed: set[int] = set()
        self._links = 0

    def of_one(self) -> Callable[[bool], None]:
        """What a link says when it is pressed, and when it is no more."""
        self._links += 1
        number = self._links

        def press(pressed: bool) -> None:
            if pressed:
                self._pressed.add(number)
            else:
                self._pressed.discard(number)
            self._told(bool(self._pressed))

        return press
