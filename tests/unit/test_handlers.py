"""``handlers``: what becomes of the answers to messages."""

import json
import logging
from typing import Any

import pytest

from chat import commands as c
from chat.counts import Counts
from chat.errors import Close
from chat.handlers import Handlers
from tests.unit.fake_socket import Made

NOW, SINCE = 12.0, 11.4
Asked = tuple[Any, c.Dialogue, bytes, float]


def handlers(counts: Counts) -> Handlers:
    """With all that answers to messages need."""
    unused: Any = None
    return Handlers(
        unused, unused, unused, unused, unused, unused, counts,
        clock=lambda: NOW, new_token=unused, new_nick=unused,
    )  # fmt: skip


def asked(made: Any, request: str) -> Asked:
    return made.connection, c.Dialogue(1000, 2000, request, "hi"), b'"%b"' % request.encode(), SINCE


def frames(made: Made) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in made.transport.frames]


def test_answers_to_messages() -> None:
    """Each by its code, in their order: with its msgId, refused, or by the end of the socket."""
    alice, bob = Made(), Made()
    counts = Counts()
    handlers(counts).said(
        [asked(alice, "1"), asked(bob, "2"), asked(alice, "3"), asked(alice, "4"), asked(bob, "5")],
        [0, -1, 6, 2, 0],
        [7, 0, 0, 0, 8],
    )
    cmd = "DIALOGUE_RESP"
    assert frames(alice) == [
        {"cmd": cmd, "code": 0, "requestId": "1", "msgId": 7},
        {"cmd": cmd, "code": 6, "requestId": "3", "retryAfterMs": 1000},
        {"cmd": cmd, "code": 2, "requestId": "4"},
    ]
    assert (frames(bob), bob.transport.codes) == ([], [Close.REPLACED])
    assert {code: counts.number(c.Dialogue, code) for code in (0, -1, 6, 2)} == {
        0: 2, -1: 1, 6: 1, 2: 1,
    }  # fmt: skip
    assert counts.limits == {"inbox_length": 1}


@pytest.mark.parametrize("code", [0, 2, 4, 7])
def test_how_long_an_answer_took(code: int) -> None:
    """From when its frame came in."""
    counts = Counts()
    handlers(counts).said([asked(Made(), "1")], [code], [0])
    assert counts.histogram(c.Dialogue, code).total == pytest.approx(NOW - SINCE)


def test_who_has_no_account_is_refused_at_once() -> None:
    """It waits behind nothing of its own; what it says makes nothing wait in a pool."""
    newcomer = Made()
    for frame in b"nonsense", b'{"cmd":"MATCH_REQ","accountId":1000}':
        handlers(Counts()).received(newcomer.connection, frame)
    assert [(frame["cmd"], frame["code"]) for frame in frames(newcomer)] == [
        ("ERROR_RESP", 1), ("MATCH_RESP", 5),
    ]  # fmt: skip


def test_a_fault_of_ours_costs_one_message_its_answer(caplog: pytest.LogCaptureFixture) -> None:
    """The others get theirs, and nothing of what was said is logged."""

    class Faulty:
        connection: Any = None

    alice = Made()
    with caplog.at_level(logging.ERROR):
        handlers(Counts()).said(
            [asked(alice, "1"), asked(Faulty(), "secret"), asked(alice, "3")], [0, 0, 0], [1, 2, 3]
        )
    assert [frame["msgId"] for frame in frames(alice)] == [1, 3]
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text
