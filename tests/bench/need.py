"""What so many people at once need: what they do, what was measured, and what follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

from chat.config import Settings

WAITING_KB = 0.3
"""Of Redis, for a message that waits for somebody: by tests.bench.sizing, in docs/operations.md."""


@dataclass(frozen=True)
class Assumptions:
    """Of nobody's measuring: what people do, and how full things may be."""

    people: int = 1_000_000
    """at once"""
    talking: float = 0.6
    """share of them in a session"""
    said: float = 3
    """messages a minute of each of those"""
    together: float = 600
    """seconds that two talk until they meet others"""
    stay: float = 1800
    """seconds from coming to going"""
    socket: float = 900
    """seconds that a socket lasts, on phones and trains"""
    unread: float = 2
    """messages that wait in Redis for each person, on average"""
    node_people: int = 10_000
    """on a node; tests.bench.full_node shows that one carries them"""
    full: float = 0.5
    """share of a core that is used when all is well"""
    node_base_mb: float = 64
    """of a node without people"""
    spare: float = 2
    """times the memory that Redis' data needs: it forks to rewrite its file, and replicas are behind"""
    grace: float = Settings().grace_seconds
    """seconds in which somebody without a socket has to be back"""


@dataclass(frozen=True)
class Measured:
    """CPU in µs, memory in kB of 1000 bytes, traffic in bytes."""

    node: float
    redis: float
    connect_node: float
    connect_redis: float
    match_node: float
    match_redis: float
    back_node: float
    back_redis: float
    silent_node: float
    silent_redis: float
    silent_bytes: float
    node_kb: float
    redis_kb: float
    unread_kb: float
    people_bytes: float
    redis_in: float
    redis_out: float

    @classmethod
    def of(cls, growth: Mapping[str, Any], benchmark: Mapping[str, Any]) -> "Measured":
        """What the two files say; the dearest of what should be the same for any number of sessions."""
        person, silence, sessions = growth["person"], growth["silence"], growth["sessions"]

        def middle(key: str) -> float:
            return float(median(figures[key] for figures in benchmark["rounds"]["chat"]))

        return cls(
            node=max(row["node"] for row in sessions),
            redis=max(row["redis"] for row in sessions),
            connect_node=person["connect_node"],
            connect_redis=person["connect_redis"],
            match_node=middle("match_node"),
            match_redis=middle("match_redis"),
            back_node=middle("back_node"),
            back_redis=middle("back_redis"),
            silent_node=silence["node"],
            silent_redis=silence["redis"],
            silent_bytes=silence.get("bytes", 0.0),
            node_kb=person["session_node_kb"],
            redis_kb=person["session_redis_kb"],
            unread_kb=WAITING_KB,
            people_bytes=person.get("people_bytes", 0.0),
            redis_in=person["redis_in_bytes"],
            redis_out=person["redis_out_bytes"],
        )


@dataclass(frozen=True)
class Need:
    """What so many people need. A share is one of a core."""

    given: Assumptions
    cost: Measured

    @property
    def messages(self) -> float:
        """In a second."""
        return self.given.people * self.given.talking * self.given.said / 60

    @property
    def matches(self) -> float:
        """In a second."""
        return self.given.people * self.given.talking / 2 / self.given.together

    @property
    def comings(self) -> float:
        """In a second."""
        return self.given.people / self.given.stay

    @property
    def returns(self) -> float:
        """In a second."""
        return self.given.people / self.given.socket

    def cores(
        self, message: float, match: float, connect: float, back: float, silent: float
    ) -> float:
        """Of all that goes on in a second, at these costs in µs."""
        return (
            self.messages * message + self.matches * match + self.comings * connect
            + self.returns * back + self.given.people * silent
        ) / 1e6  # fmt: skip

    @property
    def node_cores(self) -> float:
        """Of all nodes together."""
        cost = self.cost
        return self.cores(cost.node, cost.match_node, cost.connect_node, cost.back_node, cost.silent_node)  # fmt: skip

    @property
    def redis_cores(self) -> float:
        """Of all primaries together."""
        cost = self.cost
        return self.cores(cost.redis, cost.match_redis, cost.connect_redis, cost.back_redis, cost.silent_redis)  # fmt: skip

    @property
    def nodes(self) -> int:
        """Whichever of sockets and CPU wants more."""
        given = self.given
        return max(ceil(given.people / given.node_people), ceil(self.node_cores / given.full))

    @property
    def primaries_for_cpu(self) -> int:
        return ceil(self.redis_cores / self.given.full)

    @property
    def primaries_for_storm(self) -> int:
        """So that all who lost their socket in one moment are back in time."""
        return ceil(self.given.people * self.cost.back_redis / 1e6 / self.given.grace)

    @property
    def primaries(self) -> int:
        return max(self.primaries_for_cpu, self.primaries_for_storm)
