"""The people of a full node, who all know the same way to it."""

import time
from collections import Counter

from chat.load.crowd import Crowd
from chat.load.host import State
from chat.load.person import Person

AS_FAST_AS_IT_GOES = 1e6
"""People a second: what bounds it is how many are on their way at the same time."""
LONGEST_SECONDS = 120
"""Until it is clear that somebody is missing."""


class Throng(Crowd):
    """People who, once the node lets them go, count how, and do not come back: there is no other node."""

    def __init__(self, url: str, at_once: int) -> None:
        super().__init__(
            [url], ramp=AS_FAST_AS_IT_GOES, come_seconds=LONGEST_SECONDS, at_once=at_once
        )
        self.leaving = False
        self.closed: Counter[int] = Counter()
        """Sockets that ended while leaving, by close code."""
        self.last_closed = 0.0

    def lost(self, person: Person, code: int) -> None:
        if self.leaving:
            self.closed[code] += 1
            self.last_closed = time.monotonic()
            person.state = State.DONE
        else:
            super().lost(person, code)

    @property
    def present(self) -> int:
        """Who have their account."""
        return sum(person.state is State.HERE for person in self.everybody)
