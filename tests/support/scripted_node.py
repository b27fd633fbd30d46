"""A node that does only what a test tells it: frames out when told, frames in when asked for."""

import asyncio
from types import TracebackType
from typing import Any, Self

import orjson
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)

Frame = dict[str, Any]

PATIENCE = 5.0
"""Nothing a test waits for takes so long: what does has gone wrong."""


class Peer(WSListener):
    """The node's end of one socket."""

    def __init__(self) -> None:
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._transport: WSTransport | None = None
        self.closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The close code that the client sent; 1006 where it sent none."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            self._close(int(frame.get_close_code().value))
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            self._frames.put_nowait(orjson.loads(frame.get_payload_as_bytes()))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._close(1006)

    def _close(self, code: int) -> None:
        if not self.closed.done():
            self.closed.set_result(code)

    # -- what a test says

    def send(self, cmd: str, **fields: object) -> None:
        self.raw(orjson.dumps({"cmd": cmd, **fields}))

    def raw(self, data: bytes, kind: WSMsgType = WSMsgType.TEXT, *, last: bool = True) -> None:
        assert self._transport is not None
        self._transport.send(kind, data, last)

    def close(self, code: int, reason: str = "") -> None:
        assert self._transport is not None
        self._transport.send_close(code, reason)  # type: ignore[arg-type]

    def abort(self) -> None:
        assert self._transport is not None
        self._transport.disconnect(graceful=False)

    async def receive(self, cmd: str) -> Frame:
        """The next frame, which must be this command."""
        async with asyncio.timeout(PATIENCE):
            frame = await self.next()
        assert frame["cmd"] == cmd, frame
        return frame

    async def next(self) -> Frame:
        """The next frame, whatever it is and whenever it comes."""
        return await self._frames.get()

    def unread(self) -> list[str]:
        """The commands that have come and were not asked for."""
        return [self._frames.get_nowait()["cmd"] for _ in range(self._frames.qsize())]

    async def gone(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.closed

    # -- what a real node would say

    async def welcome(self, account_id: int = 1000, token: str = "secret") -> Frame:
        """Create the account that the client asks for."""
        frame = await self.receive("CRT_ACCOUNT_REQ")
        name = frame["nickName"] or "Quiet Otter"
        self.send("CRT_ACCOUNT_RESP", code=0, accountId=account_id, token=token, nickName=name)
        return frame

    async def resume(self, **fields: object) -> Frame:
        """Let the client have its account back."""
        frame = await self.receive("RECONNECT_REQ")
        answer = {"recovered": True, "waiting": False, "sessions": [], **fields}
        self.send("RECONNECT_RESP", code=0, nickName="Ada", **answer)
        return frame

    async def pair(self, session_id: int = 7000, partner_id: int = 2000, name: str = "Bob") -> None:
        """Answer a MATCH_REQ with a stranger."""
        await self.receive("MATCH_REQ")
        self.send("MATCH_RESP", code=0, **listed(session_id, partner_id, name))

    async def record(self, msg_id: int) -> Frame:
        """Answer a message: it is recorded."""
        frame = await self.receive("DIALOGUE_REQ")
        self.send("DIALOGUE_RESP", code=0, requestId=frame["requestId"], msgId=msg_id)
        return frame

    def message(self, seq: int, msg_id: int, content: str, session_id: int = 7000) -> None:
        self.send(
            "PUSH_DIALOGUE_REQ",
            seq=seq,
            msgId=msg_id,
            senderId=2000,
            sessionId=session_id,
            content=content,
        )

    def signal(
        self, kind: str, data: object, seq: int | None = None, session_id: int = 7000
    ) -> None:
        fields = {"senderId": 0, "sessionId": session_id, "receiverId": 1000}
        numbered = {} if seq is None else {"seq": seq}
        self.send("PUSH_SIGNAL_REQ", signalType=kind, data=data, **fields, **numbered)


def listed(session_id: int = 7000, partner_id: int = 2000, name: str = "Bob") -> dict[str, object]:
    """A session as an answer names it."""
    return {"sessionId": session_id, "partnerId": partner_id, "partnerName": name}


class ScriptedNode:
    """Listens on a port of its own; ``accept`` hands out the sockets in the order of their coming."""

    def __init__(self) -> None:
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()
        self._all: list[Peer] = []
        self._server: asyncio.Server | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await ws_create_server(self._arrived, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{port}/ws"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for peer in self._all:
            if not peer.closed.done():
                peer.abort()
        for peer in self._all:
            await peer.gone()

    def _arrived(self, request: WSUpgradeRequest) -> Peer:
        peer = Peer()
        self._all.append(peer)
        self._peers.put_nowait(peer)
        return peer

    async def accept(self) -> Peer:
        async with asyncio.timeout(PATIENCE):
            return await self._peers.get()

    @property
    def sockets(self) -> int:
        """How many have come."""
        return len(self._all)
