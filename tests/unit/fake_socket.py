"""A socket for tests of what is above it: it keeps what was sent, and a connection on it."""

from chat.connection import Connection, Limits


class FakeTransport:
    """Takes frames; ``stuck`` is what the client has not taken."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.codes: list[int] = []
        self.stuck = 0
        self.reading = True
        self._congested: Connection | None = None
        self._every = 1

    def send(self, frame: bytes) -> None:
        self.frames.append(frame)
        if self._congested is not None and len(self.frames) % self._every == 0:
            self._congested.congested = True

    def congest_after(self, connection: Connection, frames: int) -> None:
        """So many frames are all that the client takes at once."""
        self._congested, self._every = connection, frames

    def waiting(self) -> int:
        return self.stuck

    def read(self, on: bool) -> None:
        self.reading = on

    def close(self, code: int) -> None:
        self.codes.append(code)


class Made:
    """A connection and what came of it."""

    def __init__(self, limits: Limits | None = None, now: float = 0.0) -> None:
        self.transport = FakeTransport()
        self.ends: list[int] = []
        self.connection = Connection(
            self.transport,
            "198.51.100.1",
            limits or Limits(10, 40),
            now,
            lambda _, code: self.ends.append(code),
        )
