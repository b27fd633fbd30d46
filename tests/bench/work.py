"""How much is done in a round."""

from dataclasses import dataclass

PHASES = ("busy", "thin", "half", "same", "eager", "back", "floor")
"""Those that may be left out: as much as fits; the same with one message of each person under way; half of what
fits; the same for all systems; as much as fits, each push acknowledged; coming back; the floor."""


@dataclass(frozen=True)
class Work:
    """Times are in seconds, numbers of people divisible by four: half of them meet as talking pairs."""

    people: int = 2000
    warm_people: int = 200
    """who come before, and talk: what the first ones cost is not charged to the others"""
    pairs: int = 500
    """that talk when as much as fits is said"""
    window: int = 8
    """messages under way in each of these, four of each person: a node at its limit is behind with everybody"""
    thin_window: int = 2
    same_rate: float = 500
    """messages a second that all systems can carry"""
    warm: float = 1.5
    busy: float = 6
    half: float = 6
    calls: int = 100_000
    """of the bare function"""
    phases: tuple[str, ...] = PHASES


QUICK = Work(people=80, warm_people=20, pairs=20, warm=0.2, busy=0.5, half=0.5, calls=5_000)
