"""What the line below the prompt says, and how many lines may wait."""

import asyncio

import pytest

from chat.client.client import Client
from chat.client.events import AccountLost, ConnectionLost, Matched, Message, Session, Typing
from chat.talk import conversation as talk_conversation
from chat.talk.conversation import Conversation
from tests.talk.scene import NOON


def test_status_says_how_things_are() -> None:
    async def scenario() -> None:
        conversation = Conversation(Client("ws://x/ws"), print, print, lambda: NOON)
        bob = Session(7000, 2000, "B\x1bob")
        states = [conversation.status]
        conversation.look()
        states.append(conversation.status)
        for event in (
            Matched(bob),
            Typing(bob, True),
            Message(bob, 1, "hi"),
            ConnectionLost(1001, ""),
            AccountLost(1000, (bob,)),
        ):
            conversation._tell(event)
            states.append(conversation.status)
        assert states == [
            "nobody is here: /next finds a stranger",
            "looking for a stranger…",
            "talking with B\ufffdob",
            "B\ufffdob is typing…",
            "talking with B\ufffdob",
            "connection lost, coming back…",
            "nobody is here: /next finds a stranger",
        ]

    asyncio.run(scenario())


def test_too_many_lines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        said: list[str] = []
        monkeypatch.setattr(talk_conversation, "UNSENT_LINES", 1)
        conversation = Conversation(Client("ws://x/ws"), said.append, said.append, lambda: NOON)
        conversation.try_to_enter("one")
        conversation.try_to_enter("two")
        assert said == ["! not sent: too many lines are waiting for the connection"]

    asyncio.run(scenario())
