"""``witness``: what the log says of replicas. Real servers are in ``tests/link``."""

import pytest

from chat.store.complaints import PAUSE_SECONDS
from chat.store.witness import ENOUGH, MISSING, Witnesses

SHOWN = "redis://here"


def test_only_the_change_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """Both ways, with how long it took; and what is always so is not said at all."""
    now = 100.0
    witnesses = Witnesses(1, 2.0, lambda: now)
    terms = witnesses._terms(SHOWN)
    terms.enough()
    assert caplog.messages == []
    for _ in range(3):
        terms.missing(0)
    now += 2.5
    for _ in range(3):
        terms.enough()
    assert caplog.messages == [f"{MISSING} (0 of 1): {SHOWN}", f"{ENOUGH}, after 2.5 s: {SHOWN}"]


def test_replicas_that_come_and_go(caplog: pytest.LogCaptureFixture) -> None:
    """Once in a while, in pairs; and the last word is true."""
    now = 100.0
    witnesses = Witnesses(1, 2.0, lambda: now)
    terms = witnesses._terms(SHOWN)
    for _ in range(100):
        terms.missing(0)
        now += PAUSE_SECONDS / 40
        terms.enough()
        now += PAUSE_SECONDS / 40
    said = [message.partition(" (")[0].partition(",")[0] for message in caplog.messages]
    assert said == [MISSING, ENOUGH] * 5
