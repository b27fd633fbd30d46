"""A raw WebSocket client: it sends what a test tells it to, right or wrong, and hides nothing.

``Wire`` knows frames and JSON. The short forms below it (``create``, ``match``, ``say`` …) send a
well-formed request and wait for its answer; pushes that arrive in between are set aside, in order,
for the next ``receive``. Where the order of answers and pushes matters: ``send``, then ``expect``.

A wire left open when ``asyncio.run`` ends is cut with the loop; no test has to clear up.
"""

import asyncio
import contextlib
import itertools
import json
import socket
import struct
from collections import deque
from collections.abc import Mapping
from typing import Any, Self

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

Frame = dict[str, Any]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

# What RFC 6455 reports when no close frame came, or one without a code.
NO_CODE, NO_CLOSE_FRAME = 1005, 1006

_request_ids = itertools.count(1)


class WireClosed(Exception):
    """The node closed the socket while a frame was awaited."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class _Listener(WSListener):
    """Puts what arrives where the wire waits for it."""

    def __init__(self) -> None:
        self.texts: asyncio.Queue[str | None] = asyncio.Queue()  # None: nothing comes any more
        self.pongs: asyncio.Queue[bytes] = asyncio.Queue()
        self.others: list[tuple[WSMsgType, bytes]] = []
        self.answer_close = True
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


def encode_frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0
) -> bytes:
    """Return a client's frame. Its mask is zero, which is allowed and leaves the payload as it is."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    return head + b"\0\0\0\0" + payload


class Wire:
    """One socket. ``account_id``, ``token`` and ``name`` are those of the last ``create``."""

    def __init__(self, transport: WSTransport, listener: _Listener) -> None:
        self.transport = transport
        self.answer_pings = True
        self.account_id = 0
        self.token = ""
        self.name = ""
        self._listener = listener
        self._set_aside: deque[Frame] = deque()
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
            _Listener, url, extra_headers=headers, use_aiofastnet=False, **options
        )
        if not isinstance(listener, _Listener):  # ended by the other side before it was upgraded
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

    async def receive(self, timeout: float = 5) -> Frame:
        """Return the next text frame, whatever it is, and answer nothing."""
        if self._set_aside:
            return self._set_aside.popleft()
        return decode(await self.receive_text(timeout))

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

    async def expect(self, cmd: str, *, timeout: float = 5, **fields: Any) -> Frame:
        """Return the next frame, which must be of this command and have these fields.

        A ``PING_REQ`` on the way is not counted. It is answered unless ``answer_pings`` is false,
        or it is what the test expects.
        """
        try:
            frame = await self._next(timeout, keep=cmd)
        except AssertionError as error:
            raise AssertionError(f"{error}, expected {cmd} {fields}") from None
        assert frame.get("cmd") == cmd, f"expected {cmd} {fields}, got {frame}"
        for name, value in fields.items():
            assert name in frame, f"{cmd} has no {name}: {frame}"
            assert frame[name] == value, f"{cmd} should have {name}={value!r}: {frame}"
        return frame

    async def nothing(self) -> None:
        """Show that this node has sent nothing else: the answer to a ping is the very next frame.

        What was published for this account may still be on its way from Redis; ``nothing_from``
        looks at that as well.
        """
        if self.account_id:
            self.send({"cmd": "PING_REQ", "accountId": self.account_id})
            await self.expect("PING_RESP", accountId=self.account_id)
        else:
            self.send({"cmd": "NOTHING"})
            await self.expect("ERROR_RESP", ref="NOTHING")

    async def nothing_from(self, partner: "Wire", session: int) -> None:
        """Show that nothing else was pushed to this account: the next frame is a Typing sent now.

        It takes the way of every push, through Redis, and leaves nothing behind.
        """
        await partner.typing(session, True)
        await self.expect("PUSH_SIGNAL_REQ", signalType="Typing", senderId=partner.account_id)

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

    # Short forms for well-formed requests

    async def request(self, cmd: str, *, timeout: float = 5, **fields: Any) -> Frame:
        """Send ``<cmd>_REQ`` and return ``<cmd>_RESP``; a field of None is left out."""
        self.send({"cmd": f"{cmd}_REQ", **_given(fields)})
        passed: list[Frame] = []
        try:
            while (frame := await self._next(timeout))["cmd"] != f"{cmd}_RESP":
                assert frame["cmd"] != "ERROR_RESP", f"{cmd}_REQ was answered by {frame}"
                passed.append(frame)
        except AssertionError as error:
            raise AssertionError(f"{error}, expected {cmd}_RESP after {passed}") from None
        self._set_aside.extendleft(reversed(passed))
        return frame

    async def create(self, name: str = "somebody") -> Frame:
        """Become a new account."""
        answer = await self.request("CRT_ACCOUNT", nickName=name)
        assert answer["code"] == 0, answer
        self.account_id = answer["accountId"]
        self.token = answer["token"]
        self.name = answer["nickName"]
        return answer

    async def reconnect(self, account_id: int, token: str, seq: int | None = None) -> Frame:
        """Take an account over."""
        answer = await self.request("RECONNECT", accountId=account_id, token=token, seq=seq)
        if answer["code"] == 0:
            self.account_id, self.token, self.name = account_id, token, answer["nickName"]
        return answer

    async def take_over(self, old: "Wire", seq: int | None = None) -> Frame:
        """Take over the account of another wire."""
        return await self.reconnect(old.account_id, old.token, seq)

    async def match(self) -> Frame:
        return await self.request("MATCH", accountId=self.account_id)

    async def match_cancel(self) -> Frame:
        return await self.request("MATCH_CANCEL", accountId=self.account_id)

    async def say(
        self,
        session: int,
        text: str,
        request_id: str | None = None,
        retry: bool | None = None,
    ) -> Frame:
        """Say something; without a request id, one is made up."""
        return await self.request(
            "DIALOGUE",
            requestId=request_id or f"request-{next(_request_ids)}",
            senderId=self.account_id,
            sessionId=session,
            content=text,
            retry=retry,
        )

    async def viewed(self, session: int, message: int) -> Frame:
        return await self.request(
            "VIEWED_ACK", sessionId=session, accountId=self.account_id, msgId=message
        )

    async def typing(self, session: int, typing: bool) -> None:
        """Only a refusal is answered, so nothing is awaited."""
        fields = {"accountId": self.account_id, "sessionId": session, "typing": typing}
        self.send({"cmd": "TYPING_REQ", **fields})

    async def leave(self, session: int) -> Frame:
        return await self.request("LEAVE", accountId=self.account_id, sessionId=session)

    def acknowledge(self, push: Frame) -> None:
        """Answer a push with its number: it and all before it have arrived."""
        self.send({"cmd": push["cmd"].replace("_REQ", "_RESP"), "seq": push["seq"]})

    async def _next(self, timeout: float, keep: str = "") -> Frame:
        """Return the next frame that is no ``PING_REQ``, unless that is the command to keep."""
        while True:
            frame = await self.receive(timeout)
            if frame.get("cmd") != "PING_REQ" or keep == "PING_REQ":
                return frame
            if self.answer_pings:
                self.send({"cmd": "PING_RESP", "accountId": frame["accountId"]})

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


async def pair(url_a: str, url_b: str) -> tuple[Wire, Wire, int]:
    """Return two accounts that have just met, and their session. The first one had waited."""
    a, b = await asyncio.gather(Wire.open(url_a), Wire.open(url_b))
    await a.create("Alice")
    await b.create("Bob")
    waiting = await a.match()
    assert waiting["code"] == 4, f"somebody else was waiting: {waiting}"
    met = await b.match()
    assert (met["code"], met.get("partnerId")) == (0, a.account_id), f"met somebody else: {met}"
    session: int = met["sessionId"]
    await a.expect(
        "PUSH_SIGNAL_REQ", signalType="NewSession", senderId=b.account_id, sessionId=session
    )
    return a, b, session


def decode(text: str) -> Frame:
    frame = json.loads(text)
    assert isinstance(frame, dict), f"not a JSON object: {text}"
    return frame


def _given(fields: Mapping[str, Any]) -> Frame:
    return {name: value for name, value in fields.items() if value is not None}


def _small_socket(receive_buffer: int) -> socket.socket:
    """The size has to be set before connecting: it limits what the other side may send ahead."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    small.setblocking(False)
    return small
