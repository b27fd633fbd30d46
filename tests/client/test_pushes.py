"""Pushes become events, each once, and are acknowledged when they are taken."""

import asyncio

import pytest
from picows import WSMsgType

from chat.client import inbox as client_inbox
from chat.client.events import (
    Matched,
    Message,
    PartnerAway,
    PartnerBack,
    PartnerLeft,
    Typing,
    Viewed,
)
from chat.client.inbox import Inbox, Receipt, Turn
from tests.client.scene import BOB, talking


def test_pushes_become_events_and_are_acknowledged_when_taken() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.message(1, 1, "hi")
            talk.peer.send("PUSH_VIEWED_ACK_REQ", seq=2, sessionId=7000, accountId=2000, msgId=1)
            for seq, kind in enumerate(("PartnerAway", "PartnerBack", "PartnerExit"), 3):
                talk.peer.signal(kind, {"accountId": 2000}, seq=seq)
            await talk.settled()
            expected = [
                Message(BOB, 1, "hi"),
                Viewed(BOB, 1),
                PartnerAway(BOB),
                PartnerBack(BOB),
                PartnerLeft(BOB),
            ]
            assert [await talk.next() for _ in expected] == expected
            names = ["DIALOGUE", "VIEWED_ACK", "SIGNAL", "SIGNAL", "SIGNAL"]
            for seq, name in enumerate(names, 1):
                assert (await talk.peer.receive(f"PUSH_{name}_RESP"))["seq"] == seq
            assert talk.me.sessions == ()

    asyncio.run(scenario())


def test_typing_notice_has_no_number() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.signal("Typing", {"accountId": 2000, "typing": True})
            assert await talk.next() == Typing(BOB, True)
            await talk.settled()

    asyncio.run(scenario())


def test_repeated_push_is_dropped_and_acknowledged_again() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.message(1, 1, "hi")
            assert await talk.next() == Message(BOB, 1, "hi")
            talk.peer.message(1, 1, "hi")
            talk.peer.message(2, 2, "there")
            assert await talk.next() == Message(BOB, 2, "there")
            seqs = [(await talk.peer.receive("PUSH_DIALOGUE_RESP"))["seq"] for _ in range(3)]
            assert seqs == [1, 1, 2]

    asyncio.run(scenario())


def test_unknown_signal_and_foreign_session_are_acknowledged() -> None:
    """Something later than this client, and something of a session it has left."""

    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.signal("Wave", {}, seq=1)
            talk.peer.message(2, 1, "late", session_id=99)
            talk.peer.message(3, 1, "hi")
            assert await talk.next() == Message(BOB, 1, "hi")
            seqs = [
                (await talk.peer.receive(f"PUSH_{name}_RESP"))["seq"]
                for name in ("SIGNAL", "DIALOGUE", "DIALOGUE")
            ]
            assert seqs == [1, 2, 3]

    asyncio.run(scenario())


def test_half_a_surrogate_pair_arrives_as_it_is() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.raw(
                b'{"cmd":"PUSH_DIALOGUE_REQ","seq":1,"msgId":1,"senderId":2000,'
                b'"sessionId":7000,"content":"\\ud83d"}'
            )
            assert await talk.next() == Message(BOB, 1, "\ud83d")

    asyncio.run(scenario())


def test_message_in_pieces() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            talk.peer.raw(b'{"cmd":"PING_REQ",', last=False)
            talk.peer.raw(b'"accountId":1000}', WSMsgType.CONTINUATION)
            await talk.peer.receive("PING_RESP")

    asyncio.run(scenario())


def test_inbox_turns() -> None:
    inbox = Inbox(lambda _: None)
    assert [inbox.turn(seq) for seq in (1, 2, 2, 4, 1)] == [
        Turn.NEXT, Turn.NEXT, Turn.KNOWN, Turn.GAP, Turn.KNOWN,
    ]  # fmt: skip
    inbox.renumber(None)
    assert [inbox.turn(seq) for seq in (40, 41)] == [Turn.NEXT, Turn.NEXT]


def test_full_inbox_leaves_out_typing_notices_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_inbox, "EVENTS_LIMIT", 1)
    inbox = Inbox(lambda _: None)
    inbox.put(Matched(BOB))
    inbox.put(Typing(BOB, True))
    with pytest.raises(OverflowError):
        inbox.put(None, Receipt("PUSH_SIGNAL_RESP", 1))
