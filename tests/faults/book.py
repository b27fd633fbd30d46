"""What was said and what arrived, as the sockets show it: nothing is forgiven here.

Every message says who says it and which one of theirs it is, so that the book can tell what is lost,
doubled or out of order by looking at the receiver's frames alone, in the order of their arrival.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
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
        return len(list(self.oddities()))

    def oddities(self) -> Iterator[str]:
        """Each of them, for whoever looks for the reason."""
        for (a, msg_a, _), (b, msg_b, _) in pairwise(self.delivered):
            if a >= b:
                yield f"{b} came after {a}"
            if msg_a >= msg_b:
                yield f"msgId {msg_b} came after {msg_a}"
        for number, msg, _ in self.delivered:
            confirmed = self.confirmed.get(number, msg)
            if confirmed != msg:
                yield f"{number} came as msgId {msg} and was confirmed as {confirmed}"

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
