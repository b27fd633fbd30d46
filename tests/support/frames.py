"""Frames of WebSocket as a client sends them, right or wrong, and what is said in them."""

import json
import struct
from typing import Any

Frame = dict[str, Any]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

# What RFC 6455 reports when no close frame came, or one without a code.
NO_CODE, NO_CLOSE_FRAME = 1005, 1006


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


def decode(text: str) -> Frame:
    frame = json.loads(text)
    assert isinstance(frame, dict), f"not a JSON object: {text}"
    return frame
