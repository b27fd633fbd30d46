"""What was said and what arrived, as the sockets show it: nothing is forgiven here.

Every message says who says it and which one of theirs it is, so that the book can tell what is lost,
doubled or out of order by looking at the receiver's frames alone, in the order of their arrival.
"""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass
class Direction:
    """From one person to the partner."""

    confirmed: dict[int, int] = field(default_factory=dict)
    """Numbers of the sender's messages that were answered with 0, with their msgId."""
    delivered: list[tuple[int, int, float]] = field(default_factory=list)
    """Number, msgId and time of every push, also of one that came again."""

    def lost(self) -> set[int]:
        return self.confirmed.keys() - {number for number, _, _ in self.delivered}

    def twice(self) -> int:
        times = Counter(number for number, _, _ in self.delivered)
        return sum(count - 1 for count in times.values())

    def disordered(self) -> int:
        """Pushes before which a later one came, or whose msgId is not the one that was confirmed."""
        back = sum(a >= b for (a, _, _), (b, _, _) in pairwise(self.delivered))
        back += sum(a >= b for (_, a, _), (_, b, _) in pairwise(self.delivered))
        strange = sum(self.confirmed.get(number, msg) != msg for number, msg, _ in self.delivered)
        return back + strange

    def silence(self, since: float) -> float:
        """The longest time without a message that arrived, from then on, until the last one did."""
        times = [since, *(at for _, _, at in self.delivered if at > since)]
        return max((b - a for a, b in pairwise(times)), default=0.0)


@dataclass
class Book:
    """Of one trial. ``seen`` counts what happened to sockets and requests, ``wrong`` what must not."""

    directions: defaultdict[str, Direction] = field(default_factory=lambda: defaultdict(Direction))
    seen: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    told: set[str] = field(default_factory=set)
    """Who was told ``recovered: false``."""

    @property
    def confirmed(self) -> int:
        return sum(len(direction.confirmed) for direction in self.directions.values())

    @property
    def delivered(self) -> int:
        return sum(len(direction.delivered) for direction in self.directions.values())

    def outstanding(self) -> dict[str, set[int]]:
        """By sender, the confirmed messages that have not arrived."""
        return {name: lost for name, d in self.directions.items() if (lost := d.lost())}

    def silences(self, since: float, hit: Collection[str] = ()) -> list[float]:
        """For each who was still talked to, how long nothing came: in the talks of those who were hit, if that is
        not all."""
        silences = [
            direction.silence(since)
            for name, direction in self.directions.items()
            if not hit or name in hit
        ]
        return sorted(silence for silence in silences if silence) or [0.0]
