"""What only shows between two looks: use of the processor, and who is gone."""

from dataclasses import replace

import pytest

from chat.top.history import GONE_SECONDS, History
from chat.top.snapshot import ServerSeen
from tests.top.seen import DEAD, NODE, REDIS, picture, snapshot


def test_use_of_the_processor_is_that_between_two_looks() -> None:
    """Unknown at the first, and where another process answers."""
    history = History()

    def look(cpu: float, at: float, process: str = "p1") -> float | None:
        seen = snapshot(NODE, redis=replace(REDIS, cpu_seconds=cpu, process=process))
        redis = history.add(seen, at).redis
        assert redis is not None
        return redis.cpu_percent

    assert look(5.0, 100.0) is None
    assert look(5.5, 102.0) == pytest.approx(25)
    assert look(0.1, 104.0, "p2") is None
    assert look(0.1, 106.0, "p2") == 0
    assert "CPU 0%" in picture(
        history.add(snapshot(redis=replace(REDIS, cpu_seconds=0.1, process="p2")), 108.0)
    )


def test_use_of_several_processors() -> None:
    """Each server's own, also where one has not answered meanwhile."""
    history = History()

    def look(cpu: float, at: float, *servers: str) -> list[float | None]:
        redis = replace(REDIS, cpu_seconds=cpu)
        seen = replace(snapshot(NODE), servers=[ServerSeen(one, [0], redis) for one in servers])
        found = history.add(seen, at).servers
        return [one.redis.cpu_percent for one in found if one.redis is not None]

    assert look(5.0, 100.0, "a", "b") == [None, None]
    assert look(6.0, 102.0, "a") == [50]
    assert look(7.0, 104.0, "a", "b") == [50, None]


def test_a_node_that_was_there_is_gone_for_a_while() -> None:
    """Whether it was killed and swept, or left: whoever looks on sees that there was one."""
    history = History()
    history.add(snapshot(NODE, replace(NODE, node="node-b")), 100.0)
    gone = history.add(snapshot(NODE), 112.0)
    text = picture(gone)
    assert "node-b      -   gone 12 s       -        -" in text
    assert "1 alive · 0 dead" in text
    assert "gone" not in picture(history.add(snapshot(NODE), 100.0 + GONE_SECONDS + 1))
    assert "gone" not in picture(history.add(snapshot(NODE, DEAD), 200.0))
