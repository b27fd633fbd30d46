"""A node that pairs two people and answers what they say with a code, or with None not at all; what becomes
of it then, a test decides."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from tests.support.scripted_node import Frame, Peer, ScriptedNode

SESSION = 7000
Deliver = Callable[["Listener", int, str], None]
"""Does something about the message that is the n-th of its speaker."""


class Listener:
    """Whom a message is for."""

    def __init__(self, peer: Peer, partner: int) -> None:
        self._peer = peer
        self._partner = partner
        self._seq = 1
        self.kept: list[str] = []

    def hear(self, content: str, *, session: int = SESSION) -> None:
        self._seq += 1
        self._peer.send(
            "PUSH_DIALOGUE_REQ", msgId=self._seq, senderId=self._partner, sessionId=session,
            content=content, seq=self._seq,
        )  # fmt: skip


class Liar:
    """Two people at a scripted node."""

    def __init__(self, deliver: Deliver, code: int | None = 0) -> None:
        self._deliver = deliver
        self._code = code
        self._waiting: Peer | None = None
        self._listeners: dict[int, Listener] = {}
        self._said: dict[int, int] = {1000: 0, 2000: 0}

    async def serve(self, node: ScriptedNode) -> None:
        async with asyncio.TaskGroup() as group:
            for account in (1000, 2000):
                group.create_task(self._serve(await node.accept(), account))

    async def _serve(self, peer: Peer, account: int) -> None:
        partner = 3000 - account
        self._listeners[partner] = Listener(peer, partner)  # who hears what the partner says
        while True:
            self._answer(peer, account, await peer.next())

    def _answer(self, peer: Peer, account: int, frame: Frame) -> None:
        match frame["cmd"]:
            case "CRT_ACCOUNT_REQ":
                peer.send("CRT_ACCOUNT_RESP", code=0, accountId=account, token="t", nickName="N")
            case "MATCH_REQ" if self._waiting is None:
                self._waiting = peer
                peer.send("MATCH_RESP", code=4)
            case "MATCH_REQ" if self._waiting is not None:
                found = {"partnerId": 3000 - account, "partnerName": "N", "sessionId": SESSION}
                peer.send("MATCH_RESP", code=0, **found)
                data = {"accountId": account, "nickName": "N"}
                self._waiting.send(
                    "PUSH_SIGNAL_REQ", senderId=account, sessionId=SESSION,
                    receiverId=3000 - account, signalType="NewSession", data=data, seq=1,
                )  # fmt: skip
            case "DIALOGUE_REQ":
                self._said[account] += 1
                if self._code is not None:
                    told = {"code": self._code, "requestId": frame["requestId"]}
                    peer.send("DIALOGUE_RESP", **told, **({} if self._code else {"msgId": 1}))
                self._deliver(self._listeners[account], self._said[account], frame["content"])


@asynccontextmanager
async def lying(deliver: Deliver, code: int | None = 0) -> AsyncIterator[str]:
    """The URL of such a node."""
    async with ScriptedNode() as node:
        task = asyncio.create_task(Liar(deliver, code).serve(node))
        try:
            yield node.url
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
