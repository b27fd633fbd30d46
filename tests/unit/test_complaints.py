"""``complaints``: what is wrong is said, but not a thousand times."""

import logging

import pytest

from chat.store.complaints import PAUSE_SECONDS, Complaints


def test_the_same_is_said_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """With how often it was the case meanwhile; something else is said at once."""
    now = 100.0
    complaints = Complaints(logging.getLogger("test"), lambda: now)
    for _ in range(1000):
        complaints.say("no memory")
    complaints.say("no disk")
    assert caplog.messages == ["no memory", "no disk"]
    now += PAUSE_SECONDS
    complaints.say("no memory")
    complaints.say("no disk")
    assert caplog.messages[2:] == ["no memory (and 999 times before)", "no disk"]
