"""What goes out to sockets: the frames of one turn of the event loop leave in one write for each socket.

Half of a message's cost is the kernel's, for each write anew: so an answer and the pushes that are ready in the
same turn share one. Nothing waits for more to come.
"""

import asyncio

from picows import WSTransport

FRAMES_AT_ONCE = 16
"""More than that leave at once: so it is soon seen that a client does not keep up, by what waits for it."""
AT_ONCE_FROM = 4096
"""A frame of so many bytes leaves at once, for the same reason."""
TEXT = 0x81
"""The first byte of a whole text frame."""
SHORT = 126
"""From this size on a frame says its size in two bytes more, and from ``LONG`` on in eight."""
LONG = 1 << 16
PREPARED = 1024
"""Headers of frames below this size are made once for all."""


def header(size: int) -> bytes:
    """What a text frame of so many bytes begins with."""
    if size < SHORT:
        return bytes((TEXT, size))
    if size < LONG:
        return bytes((TEXT, 126)) + size.to_bytes(2, "big")
    return bytes((TEXT, 127)) + size.to_bytes(8, "big")


HEADERS = [header(size) for size in range(PREPARED)]


class Outbox:
    """The ways out of one node that have something to send in this turn."""

    def __init__(self) -> None:
        self._due: list[WayOut] = []

    def add(self, way: "WayOut") -> None:
        if not self._due:
            asyncio.get_running_loop().call_soon(self._flush)
        self._due.append(way)

    def _flush(self) -> None:
        due, self._due = self._due, []
        for way in due:
            way.flush()


class WayOut:
    """One socket's. Its transport would send each frame at once."""

    __slots__ = ("_frames", "_outbox", "_transport")

    def __init__(self, outbox: Outbox, transport: WSTransport) -> None:
        self._outbox = outbox
        self._transport = transport
        self._frames: list[bytes] = []

    def send(self, text: bytes) -> None:
        """One text frame; what was sent before it leaves before it."""
        frames, size = self._frames, len(text)
        if not frames:
            self._outbox.add(self)
        frames.append(HEADERS[size] if size < PREPARED else header(size))
        frames.append(text)
        if len(frames) >= 2 * FRAMES_AT_ONCE or size >= AT_ONCE_FROM:
            self.flush()

    def flush(self) -> None:
        """What was sent leaves now: before a control frame, which goes another way. Nothing follows a
        close frame (picows sends one by itself when a frame is broken)."""
        if self._frames:
            data = b"".join(self._frames)
            self._frames.clear()
            if not self._transport.is_close_frame_sent:
                self._transport.underlying_transport.write(data)

    def drop(self) -> None:
        """The socket is gone."""
        self._frames.clear()
