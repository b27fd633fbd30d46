"""Frames compared whole: the fields of the protocol, their types, and no others."""

import json

from tests.support.frames import Frame
from tests.support.wire import Wire


def exactly(frame: Frame, cmd: str, **fields: object) -> None:
    """The frame has these fields and no others, and ``1``, ``1.0`` and ``true`` are not the same."""
    expected = {"cmd": cmd, **fields}
    assert json.dumps(frame, sort_keys=True) == json.dumps(expected, sort_keys=True)


async def signal(wire: Wire, kind: str, sender: int, session: int, seq: int, data: Frame) -> None:
    """The next frame is this stored signal, whole."""
    push = await wire.expect("PUSH_SIGNAL_REQ", signalType=kind)
    exactly(
        push,
        "PUSH_SIGNAL_REQ",
        signalType=kind,
        senderId=sender,
        sessionId=session,
        receiverId=wire.account_id,
        data=data,
        seq=seq,
    )


async def hears(wire: Wire, *contents: str, timeout: float = 5) -> list[Frame]:
    """The next frames are these messages, in this order."""
    return [
        await wire.expect("PUSH_DIALOGUE_REQ", content=content, timeout=timeout)
        for content in contents
    ]


async def alone(url: str, name: str = "somebody") -> Wire:
    """A new account that has asked for nothing."""
    wire = await Wire.open(url)
    await wire.create(name)
    return wire
