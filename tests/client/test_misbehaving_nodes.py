"""Nodes that say what the protocol does not know, or more than anybody takes."""

import asyncio

import pytest

from chat.client import inbox as client_inbox
from chat.client.client import Client
from chat.client.events import Closed, Missed, Reconnected, Timing
from tests.client.scene import IMPATIENT, soon, talking, welcomed
from tests.support.scripted_node import ScriptedNode


@pytest.mark.parametrize(
    "data",
    [
        b"not json",
        b"[1]",
        b'{"cmd": 3}',
        b"{}",
        b'"\xff"',
        b'{"cmd":"PUSH_DIALOGUE_REQ","seq":"one"}',
        b'{"cmd":"PUSH_SIGNAL_REQ","sessionId":null}',
        b'{"cmd":"NEW_THING_REQ"}',
        b'{"cmd":"MATCH_RESP","code":0}',
        b'{"cmd":"ERROR_RESP","code":1,"msg":"what?"}',
        b"[" * 100_000,
    ],
)
def test_malformed_frame_is_left_out(data: bytes) -> None:
    async def scenario() -> None:
        async with talking() as talk:
            talk.peer.raw(data)
            await talk.settled()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "fields", [{}, {"sessions": 3}, {"code": "0"}, {"sessions": [7]}, {"requestId": [1]}]
)
def test_malformed_answer_is_none(fields: dict[str, object]) -> None:
    """So the request runs into its time limit, and is repeated elsewhere."""

    async def scenario() -> None:
        async with talking(Timing(request=IMPATIENT)) as talk:
            talk.peer.abort()
            peer = await talk.node.accept()
            await peer.receive("RECONNECT_REQ")
            peer.send("RECONNECT_RESP", **({"code": 0, "sessions": [{}]} | fields))
            await (await talk.node.accept()).resume()
            await talk.next()
            assert isinstance(await talk.next(), Reconnected)

    asyncio.run(scenario())


def test_unreadable_push_is_told() -> None:
    async def scenario() -> None:
        async with talking() as talk:
            await talk.matched()
            talk.peer.send("PUSH_DIALOGUE_REQ", seq=1, sessionId=7000, msgId="x", content=None)
            assert await talk.next() == Missed(1, 1)
            assert (await talk.peer.receive("PUSH_DIALOGUE_RESP"))["seq"] == 1

    asyncio.run(scenario())


def test_events_that_nobody_takes_end_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(client_inbox, "EVENTS_LIMIT", 3)
        async with ScriptedNode() as node:
            client = Client(node.url)
            peer, me = await asyncio.gather(welcomed(node), client.__aenter__())
            matching = soon(me.match())
            await peer.pair()
            await matching
            for seq in range(1, 5):
                peer.message(seq, seq, "x")
            assert await peer.gone() == 1006
            with pytest.raises(OverflowError):
                [event async for event in me.events()]
            with pytest.raises(Closed, match="nobody takes them"):
                await me.match()
            with pytest.raises(OverflowError):
                await me.aclose()

    asyncio.run(scenario())
