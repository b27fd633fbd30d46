"""The socket of one person: picows' frames become whole messages. One after the other, by one listener."""

from abc import ABC, abstractmethod

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from chat.load.frames import Malformed

TEXT = WSMsgType.TEXT
ABNORMAL = 1006
BIGGEST = 1 << 20
"""Bytes of a message of a node, fragments together."""


class Socket(WSListener, ABC):
    """At most one socket at a time; what comes from one that was given up is not looked at."""

    __slots__ = ("_fragments", "_transport")

    def __init__(self) -> None:
        self._transport: WSTransport | None = None
        self._fragments = b""

    # what those who inherit do

    @abstractmethod
    def opened(self) -> bool:
        """There is a socket; whether it is wanted."""

    @abstractmethod
    def closed(self, code: int) -> None:
        """It is gone; 1006 where no code was said."""

    @abstractmethod
    def received(self, payload: bytes) -> None:
        """A message. May raise Malformed."""

    @abstractmethod
    def malformed(self, why: str) -> None:
        """A message that the protocol does not know."""

    # what they use

    def send(self, frame: bytes) -> None:
        """Without a socket nothing happens, nor where one is gone and has not said so yet."""
        transport = self._transport
        if transport is not None and not transport.underlying_transport.is_closing():
            transport.send(TEXT, frame)

    def cut(self) -> None:
        """The socket is gone, without a word."""
        if self._transport is not None:
            self._transport.underlying_transport.abort()

    def close(self) -> None:
        """Says goodbye, with 1000."""
        if self._transport is not None:
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect()

    @property
    def connected(self) -> bool:
        return self._transport is not None

    # what picows tells

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport, self._fragments = transport, b""
        if not self.opened():
            self._transport = None
            transport.disconnect(graceful=False)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if transport is self._transport:
            self._transport = None
            self.closed(ABNORMAL)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if transport is not self._transport:
            return
        try:
            if frame.msg_type is TEXT and frame.fin:
                self.received(frame.get_payload_as_bytes())
            else:
                self._seldom(transport, frame)
        except Malformed as malformed:
            self.malformed(str(malformed))

    def _seldom(self, transport: WSTransport, frame: WSFrame) -> None:
        """A close, or a message in fragments: a proxy is free to cut."""
        if frame.msg_type is WSMsgType.CLOSE:
            code = int(frame.get_close_code().value)
            self._transport = None
            transport.send_close(frame.get_close_code() if code else WSCloseCode.OK)
            transport.disconnect()
            self.closed(code or ABNORMAL)
        elif frame.msg_type in (TEXT, WSMsgType.CONTINUATION):
            self._fragments += frame.get_payload_as_bytes()
            if frame.fin:
                whole, self._fragments = self._fragments, b""
                self.received(whole)
            elif len(self._fragments) > BIGGEST:
                self.cut()
