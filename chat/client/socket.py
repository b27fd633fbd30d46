"""One WebSocket to a node: frames become objects, answers find the requests they belong to."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from ssl import SSLContext
from typing import Any, Self

import orjson
from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSInvalidStatusError,
    WSInvalidURL,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeResponse,
    ws_connect,
)

from chat.client.events import (
    ABNORMAL,
    BANNED,
    NORMAL,
    REPLACED,
    SUCCESS,
    ClientError,
    ConnectionFailed,
    Refused,
    Timing,
)
from chat.client.frames import Frame, Malformed, decode, encode, integer, text

MESSAGE_BYTES = 1 << 20
GOODBYE_SECONDS = 1.0
LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}

log = logging.getLogger("chat.client")
log.addHandler(logging.NullHandler())  # a library is silent where nobody set up logging


@dataclass(frozen=True, slots=True)
class Loss:
    """How a connection ended."""

    code: int
    reason: str

    @property
    def again(self) -> bool:
        """Whether to come back."""
        return self.code not in {REPLACED, BANNED}


class SocketLost(ClientError):
    """There will be no answer on this socket."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss.reason or f"closed with code {loss.code}")
        self.loss = loss

    @property
    def again(self) -> bool:
        return self.loss.again


@dataclass(slots=True)
class _Pending:
    """A request without an answer. It outlives a caller that was cancelled: the answer will come."""

    command: str
    request_id: object
    answer: asyncio.Future[Frame]
    timer: asyncio.TimerHandle


class Socket(WSListener):
    """``receive`` gets every push and every answer at the moment of its arrival, before the request
    that waits for it, so that what an answer changes is done before the next push is looked at.
    ``lose`` is called once, before any request fails, so that nobody tries again on a dead socket.
    """

    __slots__ = (
        "_fragments", "_lose", "_pending", "_receive", "_seconds", "_transport", "crash", "loss",
        "lost",
    )  # fmt: skip

    def __init__(
        self,
        receive: Callable[["Socket", Frame], None],
        lose: Callable[["Socket"], None],
        seconds: float,
    ) -> None:
        self._receive = receive
        self._lose = lose
        self._seconds = seconds
        self._pending: list[_Pending] = []
        self._fragments = bytearray()
        self._transport: WSTransport | None = None
        self.crash: Exception | None = None
        self.loss: Loss | None = None
        self.lost: asyncio.Future[Loss] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(
        cls,
        url: str,
        receive: Callable[["Socket", Frame], None],
        lose: Callable[["Socket"], None],
        timing: Timing,
        ssl: SSLContext | None,
    ) -> Self:
        """Connect, or raise ``SocketLost``; an address that can never work is ``ConnectionFailed``."""
        socket = cls(receive, lose, timing.request)
        try:
            await socket._connect(url, timing, ssl)
        except BaseException:
            socket.drop("given up")
            raise
        return socket

    async def _connect(self, url: str, timing: Timing, ssl: SSLContext | None) -> None:
        try:
            async with asyncio.timeout(timing.request):
                _, listener = await ws_connect(
                    lambda: self,
                    url,
                    ssl_context=ssl,
                    websocket_handshake_timeout=timing.request,
                    logger_name=log,
                    enable_auto_ping=True,
                    auto_ping_idle_timeout=timing.quiet,
                    auto_ping_reply_timeout=min(timing.request, timing.quiet),
                    max_frame_size=MESSAGE_BYTES,
                )
            if listener is None:  # so picows tells that the handshake was cut short
                raise ConnectionResetError("the connection was closed without an answer")
        except (OSError, WSError, ValueError) as failure:
            raise _unreachable(url, failure) from failure

    def send(self, command: str, **fields: object) -> None:
        """Send what has no answer. On a lost socket it does nothing."""
        self._write(orjson.dumps({"cmd": command, **fields}))

    async def request(self, command: str, **fields: object) -> Frame:
        """The answer with code 0. Raises ``Refused`` for another code, and ``SocketLost``."""
        data = encode(command, fields)
        if self.loss is not None:
            raise SocketLost(self.loss)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._seconds, self.drop, f"no answer to {command}")
        pending = _Pending(command, fields.get("requestId"), loop.create_future(), timer)
        self._pending.append(pending)
        self._write(data)
        return await pending.answer

    def _write(self, data: bytes) -> None:
        if self.loss is None and self._transport is not None:
            self._transport.send(WSMsgType.TEXT, data)

    def drop(self, reason: str) -> None:
        """Give the connection up without a goodbye: the node keeps the account for its grace time."""
        self._end(Loss(ABNORMAL, reason))
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    async def goodbye(self) -> None:
        """Close with 1000, which tells the node that the account is not needed any more."""
        self._end(Loss(NORMAL, "goodbye"))
        if self._transport is None:
            return
        self._transport.send_close(WSCloseCode.OK)
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._transport.wait_disconnected()
        except (TimeoutError, WSError):
            log.debug("the node did not answer the goodbye")
        finally:
            self._transport.disconnect(graceful=False)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        if self.loss is not None:  # the handshake ended after `open` had been given up
            transport.disconnect(graceful=False)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._end(Loss(ABNORMAL, "the connection broke"))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            self._closed(transport, frame)
        elif self.loss is None and frame.msg_type != WSMsgType.PONG:
            self._fragment(frame)

    def _closed(self, transport: WSTransport, frame: WSFrame) -> None:
        code = frame.get_close_code()
        self._end(Loss(int(code.value) or ABNORMAL, frame.get_close_reason()))
        transport.send_close(code if code.value else WSCloseCode.OK)
        transport.disconnect()

    def _fragment(self, frame: WSFrame) -> None:
        """picows hands over frames; a message may be several (a proxy is free to cut)."""
        data = frame.get_payload_as_bytes()
        if len(self._fragments) + len(data) > MESSAGE_BYTES:
            self.drop("a message of the node is too big")
        elif not frame.fin:
            self._fragments += data
        else:
            data, self._fragments = bytes(self._fragments) + data, bytearray()
            self._guarded(data)

    def _guarded(self, data: bytes) -> None:
        """What is malformed is left out and said; anything else that is raised is a crash."""
        try:
            self._message(decode(data))
        except Malformed as malformed:
            log.warning("a malformed frame of the node was left out: %s", malformed)
        except Exception as crash:  # noqa: BLE001 - raised by whoever awaits `lost`
            self._end(Loss(ABNORMAL, "the client failed"), crash)
            self.drop("the client failed")

    def _message(self, frame: Frame) -> None:
        command = text(frame, "cmd")
        if not command.endswith("_RESP"):
            self._receive(self, frame)
        elif (pending := self._awaited(command, frame)) is not None:
            code = integer(frame, "code")
            self._receive(self, frame)
            self._settle(pending, code, frame)
        else:
            # A refused typing notice, for example: nobody waits for that.
            log.debug("%s with code %s answers nothing that is open", command, frame.get("code"))

    def _awaited(self, command: str, answer: Frame) -> _Pending | None:
        """Answers come in the order of requests; a requestId says it without counting."""
        request = answer.get("ref") if command == "ERROR_RESP" else command[:-4] + "REQ"
        request_id = answer.get("requestId")
        for pending in self._pending:
            if pending.command == request and request_id in (None, pending.request_id):
                return pending
        return None

    def _settle(self, pending: _Pending, code: int, frame: Frame) -> None:
        self._pending.remove(pending)
        pending.timer.cancel()
        if pending.answer.done():  # its caller was cancelled
            return
        if code == SUCCESS:
            pending.answer.set_result(frame)
        else:
            wait = frame.get("retryAfterMs")
            told = wait if isinstance(wait, int) and wait >= 0 else None
            pending.answer.set_exception(Refused(code, pending.command, told))

    def _end(self, loss: Loss, crash: Exception | None = None) -> None:
        if self.loss is not None:
            return
        self.loss = loss
        self._lose(self)
        for pending in self._pending:
            pending.timer.cancel()
            if not pending.answer.done():
                pending.answer.set_exception(SocketLost(loss))
        self._pending.clear()
        self.crash = crash
        if crash is None:
            self.lost.set_result(loss)
        else:
            fail(self.lost, crash)


def _unreachable(url: str, failure: Exception) -> ClientError:
    """What can never work is ``ConnectionFailed``; anything else may work the next time."""
    match failure:
        case WSInvalidURL():
            return ConnectionFailed(str(failure))
        case WSInvalidStatusError(response=WSUpgradeResponse(status=status)) if _final(status):
            hint = "; a node is at the path /ws" if status == HTTPStatus.NOT_FOUND else ""
            return ConnectionFailed(f"{url} answers with HTTP {status:d}, not a WebSocket{hint}")
        case TimeoutError():
            return SocketLost(Loss(ABNORMAL, f"{url} does not answer"))
        case OSError() | WSError():
            return SocketLost(Loss(ABNORMAL, f"{url}: {failure}"))
    return ConnectionFailed(f"{url} isn't a valid URL: {failure}")


def _final(status: int) -> bool:
    """Not what a server says that is busy, starts, or leaves."""
    return status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in LATER


def fail(future: asyncio.Future[Any], error: BaseException) -> None:
    """End a future that perhaps nobody awaits, without a complaint about that."""
    if not future.done():
        future.set_exception(error)
        future.exception()
