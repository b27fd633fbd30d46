"""No wire at all: what comes back is what was said."""

from picows import WSFrame, WSTransport

from tests.bench.dialects.person import Person

LENGTH = 110
"""Bytes of a frame, about as long as those of the others."""


class EchoPerson(Person):
    """Talks with itself."""

    def introduce(self) -> None:
        self.answered()

    def message(self, content: bytes) -> bytes:
        return content.ljust(LENGTH)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.tally.confirmed += 1
        self.arrived(frame.get_payload_as_bytes())
