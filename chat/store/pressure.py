"""Whether Redis keeps up, where it is several servers."""

from collections.abc import Callable


class Pressure:
    """``told`` is called with True when the first link is pressed, and with False when the last is no more: a node
    cannot tell, before it has read it, what a socket wants of which pool."""

    def __init__(self, told: Callable[[bool], None]) -> None:
        self._told = told
        self._pressed: set[int] = set()
        self._links = 0

    def of_one(self) -> Callable[[bool], None]:
        """What a link says when it is pressed, and when it is no more."""
        self._links += 1
        number = self._links

        def press(pressed: bool) -> None:
            before = bool(self._pressed)
            if pressed:
                self._pressed.add(number)
            else:
                self._pressed.discard(number)
            if before != bool(self._pressed):
                self._told(pressed)

        return press
