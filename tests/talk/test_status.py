"""What the line below the prompt says, and how many lines may wait."""

import asyncio

import pytest

from chat.client.client import Client
from chat.client.events import (
    AccountLost,
    ConnectionLost,
    Matched,
    Message,
    PartnerAway,
    PartnerBack,
    PartnerLeft,
    Reconnected,
    Session,
    Typing,
)
from chat.talk import talker as room
from chat.talk.talker import Talker
from tests.talk.scene import NOON


def test_status_says_how_things_are() -> None:
    async def scenario() -> None:
        talker = Talker(Client("ws://x/ws"), print, print, lambda: NOON)
        bob = Session(7000, 2000, "B\x1bob")
        states = [talker.state.status]
        talker.look()
        states.append(talker.state.status)
        for event in (
            Matched(bob),
            Typing(bob, True),
            Message(bob, 1, "hi"),
            Typing(bob, True),
            PartnerAway(bob),
            PartnerBack(bob),
            Typing(bob, True),
            ConnectionLost(1001, ""),
            Reconnected(True, False, (bob,)),
            Typing(bob, True),
            PartnerLeft(bob),
            ConnectionLost(1001, ""),
            AccountLost(1000, (bob,)),
        ):
            talker._tell(event)
            states.append(talker.state.status)
        assert states == [
            "nobody is here: /next finds a stranger",
            "looking for a stranger…",
            "talking with B\ufffdob",
            "B\ufffdob is typing…",
            "talking with B\ufffdob",
            "B\ufffdob is typing…",
            "B\ufffdob is away and may come back",
            "talking with B\ufffdob",
            "B\ufffdob is typing…",
            "connection lost, coming back…",
            "talking with B\ufffdob",
            "B\ufffdob is typing…",
            "nobody is here: /next finds a stranger",
            "connection lost, coming back…",
            "nobody is here: /next finds a stranger",
        ]

    asyncio.run(scenario())


def test_too_many_lines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        said: list[str] = []
        monkeypatch.setattr(room, "UNSENT_LINES", 1)
        talker = Talker(Client("ws://x/ws"), said.append, said.append, lambda: NOON)
        talker.try_to_enter("one")
        talker.try_to_enter("two")
        assert said == ["! not sent: too many lines are waiting for the connection"]

    asyncio.run(scenario())
