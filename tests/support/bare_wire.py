"""A WebSocket client that knows frames, and nothing of what is said in them; see wire.py.

A wire left open when ``asyncio.run`` ends is cut with the loop; no test has to clear up.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Mapping
from typing import Any, Self

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from tests.support.frames import CLOSE, NO_CLOSE_FRAME, NO_CODE, TEXT, Frame, encode_frame


class WireClosed(Exception):
    """The node closed the socket while a frame was awaited."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class Listener(WSListener):
    """Puts what arrives where the wire waits for it."""

    def __init__(self) -> None:
        self.texts: asyncio.Queue[str | None] = asyncio.Queue()  # None: nothing comes any more
        self.pongs: asyncio.Queue[bytes] = asyncio.Queue()
        self.others: list[tuple[WSMsgType, bytes]] = []
        self.answer_close = True
        self.close_came = asyncio.Event()
        self.close_code: int | None = None
        self.close_reason = ""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if frame.msg_type == WSMsgType.TEXT and frame.fin:
            self.texts.put_nowait(payload.decode())
        elif frame.msg_type == WSMsgType.PONG:
            self.pongs.put_nowait(payload)
        elif frame.msg_type == WSMsgType.CLOSE:
            self._on_close(transport, payload)
        else:
            self.others.append((frame.msg_type, payload))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if self.close_code is None:
            self.close_code = NO_CLOSE_FRAME
        self.texts.put_nowait(None)

    def _on_close(self, transport: WSTransport, payload: bytes) -> None:
        self.close_code = int.from_bytes(payload[:2], "big") if payload else NO_CODE
        self.close_reason = payload[2:].decode()
        if self.answer_close:
            transport.underlying_transport.write(encode_frame(CLOSE, payload[:2]))
        self.close_came.set()


class BareWire:
    """One socket."""

    def __init__(self, transport: WSTransport, listener: Listener) -> None:
        self.transport = transport
        self._listener = listener
        self._guard = asyncio.create_task(self._cut_with_the_loop())

    @classmethod
    async def open(
        cls,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        receive_buffer: int | None = None,
        **options: Any,
    ) -> Self:
        """Open a socket; a refusal raises picows' ``WSHandshakeError``.

        A small ``receive_buffer``, in bytes, makes a client that stops reading noticed early.
        Options are those of picows' ``ws_connect``, such as ``ssl_context``.
        """
        if receive_buffer is not None:
            options["socket_factory"] = lambda _: _small_socket(receive_buffer)
        transport, listener = await ws_connect(
            Listener, url, extra_headers=headers, use_aiofastnet=False, **options
        )
        if not isinstance(listener, Listener):  # ended by the other side before it was upgraded
            raise ConnectionResetError("ended during the handshake")
        return cls(transport, listener)

    # Sending

    def send(self, message: Frame | str | bytes) -> None:
        """Send an object as JSON, or a str or bytes as it is, in one text frame."""
        if isinstance(message, dict):
            message = json.dumps(message, ensure_ascii=False)
        self.frame(TEXT, message.encode() if isinstance(message, str) else message)

    def frame(
        self, opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0
    ) -> None:
        """Send one frame of any kind: a fragment, a binary frame, a ping, a wrong opcode."""
        self.raw(encode_frame(opcode, payload, fin=fin, reserved=reserved))

    def raw(self, data: bytes) -> None:
        """Send bytes that need not be a frame."""
        self.transport.underlying_transport.write(data)

    # Receiving

    async def receive_text(self, timeout: float = 5) -> str:
        """Return the very text of the next frame that arrives, also past those set aside."""
        try:
            async with asyncio.timeout(timeout):
                text = await self._listener.texts.get()
        except TimeoutError:
            raise AssertionError(f"nothing arrived within {timeout:g} s") from None
        if text is None:
            self._listener.texts.put_nowait(None)  # for whoever asks next
            assert self._listener.close_code is not None
            raise WireClosed(self._listener.close_code)
        return text

    async def pong(self, timeout: float = 5) -> bytes:
        """Return the payload of the next WebSocket pong."""
        async with asyncio.timeout(timeout):
            return await self._listener.pongs.get()

    @property
    def others(self) -> list[tuple[WSMsgType, bytes]]:
        """Frames of kinds that a node has no reason to send: binary ones and fragments."""
        return self._listener.others

    # Ending

    async def closed(self, timeout: float = 5) -> int:
        """Wait until the node has ended the connection; return the close code.

        1005 is a close frame without a code, 1006 an end without a close frame.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._disconnected()
        except TimeoutError:
            code = self._listener.close_code
            said = "no close frame came" if code is None else f"it said {code}"
            raise AssertionError(f"not closed within {timeout:g} s: {said}") from None
        assert self._listener.close_code is not None
        return self._listener.close_code

    async def close_frame(self, timeout: float = 5) -> None:
        """Wait for the node's close frame. Where that is not answered, the connection is still there."""
        async with asyncio.timeout(timeout):
            await self._listener.close_came.wait()

    @property
    def close_reason(self) -> str:
        return self._listener.close_reason

    async def close(self, code: int | None = 1000, reason: str = "") -> int:
        """Close as a client does, without a code if None; return the code of the node's answer."""
        self._listener.answer_close = False
        payload = b"" if code is None else code.to_bytes(2, "big") + reason.encode()
        self.frame(CLOSE, payload)
        return await self.closed()

    def abort(self) -> None:
        """Cut the connection without a word, as a lost network does."""
        self.transport.disconnect(graceful=False)

    def stop_reading(self) -> None:
        """Take nothing from the socket any more: what the node sends piles up there."""
        self.transport.underlying_transport.pause_reading()

    def start_reading(self) -> None:
        self.transport.underlying_transport.resume_reading()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.abort()
        await self._disconnected()

    async def _cut_with_the_loop(self) -> None:
        """When ``asyncio.run`` cancels what is left, cut the connection."""
        try:
            await self._disconnected()
        finally:
            self.abort()
            await self._disconnected()

    async def _disconnected(self) -> None:
        # Reset by the node is an end like any other.
        with contextlib.suppress(OSError):
            await self.transport.wait_disconnected()


def _small_socket(receive_buffer: int) -> socket.socket:
    """The size has to be set before connecting: it limits what the other side may send ahead."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    small.setblocking(False)
    return small
