"""RFC 6455 for ``/ws``: uvicorn hands over the upgrade, picows the frames, whole messages come out.

Given to uvicorn as its WebSocket class, so that a frame costs one callback and no task. picows parses
and checks frames; messages, the close handshake and the size of a whole message are ours.
"""

import asyncio
import logging
import re
import sys
from collections.abc import Callable
from typing import Any, Protocol, cast

from picows import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # there, but not in the stubs

from chat.connection import Connection
from chat.errors import Close
from chat.outbox import Outbox, WayOut

log = logging.getLogger(__name__)

MAX_MESSAGE = 10 * 1024
"""Bytes of a whole message, fragments together."""
MAX_FRAGMENTS = 256
"""Of one message: it is charged as one command, so it must not cost many times as much."""
CLOSE_SECONDS = 3.0
"""How long a client may take to finish a close handshake."""
READ_BUFFER = 1024
"""picows doubles it whenever it was full; the receive buffer of the kernel (``listener``) bounds that."""
HIGHEST_CODE = 4999
VERSION = re.compile(rb"\r\nsec-websocket-version: *13 *\r\n")
"""As uvicorn hands headers over: their names in small letters."""
OTHER_VERSION = (
    b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)
NO_STATUS = 1005
TEXT = WSMsgType.TEXT
"""As most frames are: a member of an enum takes 50 ns to find."""
ABNORMAL = 1006


class Door(Protocol):
    """Who decides about sockets, and what comes of them."""

    def refuses(self, request: WSUpgradeRequest, peer: str) -> tuple[int, str] | None:
        """The HTTP status and reason with which an upgrade is refused, or None."""

    def opened(self, socket: "Socket", request: WSUpgradeRequest, peer: str) -> Connection:
        """A socket was admitted."""

    def received(self, connection: Connection, message: bytes) -> None:
        """A text message: valid UTF-8, at most MAX_MESSAGE bytes."""

    def control(self, connection: Connection) -> None:
        """A control frame: the client is alive."""

    def drained(self, connection: Connection) -> None:
        """The client has taken what made the connection congested."""


class _Quiet:
    """picows' logger: it would log addresses, make a logger for each socket, and report what clients do."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the name is logging's
        return False

    def log(self, *args: object) -> None:
        pass

    debug = info = warning = error = log

    def exception(self, message: str, *args: object) -> None:
        """Only a fault of our own comes here."""
        log.error(message, *args, exc_info=sys.exception())


class Socket(WSListener):
    """One socket: frames in, messages out to the door, and the way back. The connection's transport."""

    __slots__ = (
        "_closing", "_connection", "_door", "_fragments", "_outbox", "_partial", "_peer", "_transport",
        "_way", "send",
    )  # fmt: skip

    def __init__(self, door: Door, outbox: Outbox, peer: str) -> None:
        self._door = door
        self._outbox = outbox
        self._peer = peer
        self.send: Callable[[bytes], None]
        self._way: WayOut
        self._transport: WSTransport
        self._connection: Connection
        self._partial: bytearray | None = None
        self._fragments = 0
        self._closing: asyncio.TimerHandle | None = None

    # what the connection asks

    def waiting(self) -> int:
        return self._transport.underlying_transport.get_write_buffer_size()

    def read(self, on: bool) -> None:
        transport = self._transport.underlying_transport
        if on:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def close(self, code: int) -> None:
        if self._closing is None:
            self._way.flush()
            self._transport.send_close(code)  # type: ignore[arg-type]  # takes any number, like 4001
            self._closing = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._cut)

    def _cut(self) -> None:
        self._transport.disconnect(graceful=False)

    # what picows tells

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._way = WayOut(self._outbox, transport)
        self.send = self._way.send
        self._connection = self._door.opened(self, transport.request, self._peer)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if transport.is_close_frame_sent:
            self._after_close(transport, kind)
        elif frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._connection.close(Close.PROTOCOL)
        elif kind is TEXT and frame.fin and self._partial is None:
            message = frame.get_payload_as_bytes()
            if message.isascii():  # as most are: a step less
                self._door.received(self._connection, message)
            else:
                self._message(message)
        elif kind in (WSMsgType.TEXT, WSMsgType.CONTINUATION, WSMsgType.BINARY):
            self._fragment(kind, frame.fin, frame.get_payload_as_bytes())
        elif kind is WSMsgType.PING:
            self._ping(frame.get_payload_as_bytes())
        elif kind is WSMsgType.CLOSE:
            self._goodbye(transport, frame.payload_size > 0)
        else:
            self._door.control(self._connection)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self._closing is not None:
            self._closing.cancel()
        self._connection.closed(ABNORMAL)
        self._way.drop()
        del (
            self._transport,
            self._connection,
            self._way,
            self.send,
        )  # they name each other: free them without a search

    def pause_writing(self) -> None:
        """The client does not keep up. What waits is bounded where frames are sent."""
        self._connection.congested = True

    def resume_writing(self) -> None:
        self._connection.congested = False
        self._door.drained(self._connection)

    # frames

    def _fragment(self, kind: WSMsgType, fin: bool, payload: bytes) -> None:
        if kind is WSMsgType.BINARY:
            self._connection.close(Close.UNSUPPORTED)
            return
        if (kind is WSMsgType.CONTINUATION) != (self._partial is not None):
            self._connection.close(Close.PROTOCOL)
            return
        if self._partial is None:
            self._partial, self._fragments = bytearray(), 0
        self._partial += payload
        self._fragments += 1
        if len(self._partial) > MAX_MESSAGE or self._fragments > MAX_FRAGMENTS:
            self._connection.close(Close.TOO_BIG)
        elif fin:
            message, self._partial = bytes(self._partial), None
            self._message(message)

    def _message(self, message: bytes) -> None:
        if not message.isascii():
            try:
                message.decode()
            except UnicodeDecodeError:
                self._connection.close(Close.INVALID_TEXT)
                return
        self._door.received(self._connection, message)

    def _ping(self, payload: bytes) -> None:
        self._door.control(self._connection)
        if self._connection.has_room():
            self._way.flush()
            self._transport.send_pong(payload)

    def _after_close(self, transport: WSTransport, kind: WSMsgType) -> None:
        """What comes after our close is not acted on. picows closes by itself when a frame is broken,
        before it hands over the one that stood in front of it: a goodbye there still is one."""
        if self._closing is not None:
            if kind is WSMsgType.CLOSE:
                transport.disconnect()
        else:
            self._connection.closed(_code(transport) if kind is WSMsgType.CLOSE else ABNORMAL)

    def _goodbye(self, transport: WSTransport, coded: bool) -> None:
        """The client closes: the answer repeats its code, then the connection ends."""
        code = _code(transport)
        if coded and (
            code in (0, ABNORMAL) or code > HIGHEST_CODE
        ):  # none, or none that may be sent
            self._connection.close(Close.PROTOCOL)
            return
        self._closing = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._cut)
        self._way.flush()
        transport.send_close(code or WSCloseCode.OK)  # type: ignore[arg-type]
        transport.disconnect()
        self._connection.closed(code or NO_STATUS)


def _code(transport: WSTransport) -> int:
    """The code of the client's close frame, 0 where it has none."""
    received = transport.close_handshake.recv
    return int(received.code) if received is not None else 0  # type: ignore[call-overload]  # an int


def websocket_class(door: Door) -> type[asyncio.Protocol]:
    """The class that uvicorn makes a protocol of for every upgrade; all of them share the door."""

    outbox = Outbox()

    class ChatProtocol(WSProtocol):  # type: ignore[misc]  # picows ships no types for it
        def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:
            super().__init__(
                None, None, False, self._admit, _Quiet(), True, None, False, None, None,
                WSAutoPingStrategy.PING_WHEN_IDLE, False, MAX_MESSAGE, None, READ_BUFFER,
            )  # fmt: skip

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            name = transport.get_extra_info("peername")
            self._peer = name[0] if isinstance(name, tuple) else ""
            self._tcp = cast(asyncio.Transport, transport)
            super().connection_made(transport)

        def data_received(self, data: bytes) -> None:
            """The upgrade request, which uvicorn has read already; frames come through the buffer."""
            if not VERSION.search(
                data
            ):  # picows takes 7 and 8 too, and does not say what is spoken here
                self._tcp.write(OTHER_VERSION)
                self._tcp.close()
                return
            while data:
                room = memoryview(self.get_buffer(-1))
                size = min(len(room), len(data))
                room[:size] = data[:size]
                data = data[size:]
                self.buffer_updated(size)

        def _admit(self, request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
            refused = door.refuses(request, self._peer)
            if refused is not None:
                status, why = refused
                response = WSUpgradeResponse.create_error_response(status, why.encode())
                return WSUpgradeResponseWithListener(response, None)
            # uvicorn has found the upgrade among several tokens (Firefox sends "keep-alive, Upgrade");
            # picows, which looks next, knows it alone.
            request.headers["Connection"] = "Upgrade"
            response = WSUpgradeResponse.create_101_response()
            return WSUpgradeResponseWithListener(response, Socket(door, outbox, self._peer))

    return ChatProtocol
