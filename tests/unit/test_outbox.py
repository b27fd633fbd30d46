"""``outbox``: the frames of one turn leave in one write for each socket, and nothing overtakes them."""

import asyncio
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from chat.outbox import AT_ONCE_FROM, FRAMES_AT_ONCE, Outbox, WayOut


class FakeSocket:
    """A way out of the outbox, and what was written to its transport."""

    def __init__(self, outbox: Outbox) -> None:
        self.writes: list[bytes] = []
        self.is_close_frame_sent = False
        self.way = WayOut(outbox, self)  # type: ignore[arg-type]  # as much of a transport as is needed

    @property
    def underlying_transport(self) -> "FakeSocket":
        return self

    def write(self, data: bytes) -> None:
        self.writes.append(data)


def frames_of(data: bytes) -> list[bytes]:
    """The payloads of what was written: whole, unmasked text frames."""
    found = []
    while data:
        first, size = data[0], data[1]
        assert first == 0x81
        data = data[2:]
        if size == 126:
            (size,) = struct.unpack("!H", data[:2])
            assert size >= 126, "as short as possible"
            data = data[2:]
        elif size == 127:
            (size,) = struct.unpack("!Q", data[:8])
            assert size >= 1 << 16, "as short as possible"
            data = data[8:]
        assert len(data) >= size
        found.append(data[:size])
        data = data[size:]
    return found


async def turn() -> None:
    """The next turn of the event loop begins."""
    await asyncio.sleep(0)


def run(scenario: Callable[[Outbox], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await scenario(Outbox())

    asyncio.run(main())


def test_the_frames_of_a_turn_leave_in_one_write() -> None:
    """For each socket, in their order; nothing waits for more to come."""

    async def scenario(outbox: Outbox) -> None:
        first, second = FakeSocket(outbox), FakeSocket(outbox)
        for number in range(3):
            first.way.send(b"first %d" % number)
            second.way.send(b"second %d" % number)
        assert first.writes == second.writes == []
        await turn()
        assert [frames_of(data) for data in first.writes] == [[b"first 0", b"first 1", b"first 2"]]
        assert frames_of(second.writes[0]) == [b"second 0", b"second 1", b"second 2"]
        first.way.send(b"again")
        await turn()
        assert [frames_of(data) for data in first.writes[1:]] == [[b"again"]]
        assert len(second.writes) == 1

    run(scenario)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 255, 256, 4096, 65_535, 65_536, 200_000])
def test_frames_of_any_size(size: int) -> None:
    """Between others: each says its own size."""

    async def scenario(outbox: Outbox) -> None:
        socket = FakeSocket(outbox)
        texts = [b"before", b"x" * size, b"after"]
        for text in texts:
            socket.way.send(text)
        await turn()
        assert frames_of(b"".join(socket.writes)) == texts

    run(scenario)


def test_many_frames_do_not_wait_for_the_end_of_the_turn() -> None:
    """So it is seen in time that a client does not keep up."""

    async def scenario(outbox: Outbox) -> None:
        socket = FakeSocket(outbox)
        texts = [b"%d" % number for number in range(2 * FRAMES_AT_ONCE + 1)]
        for number, text in enumerate(texts, 1):
            socket.way.send(text)
            assert len(socket.writes) == number // FRAMES_AT_ONCE
        await turn()
        assert len(socket.writes) == 3
        assert frames_of(b"".join(socket.writes)) == texts

    run(scenario)


def test_a_large_frame_does_not_wait_either() -> None:
    """Together with what was sent before it: little is kept here, whatever there is to send."""

    async def scenario(outbox: Outbox) -> None:
        socket = FakeSocket(outbox)
        socket.way.send(b"x" * (AT_ONCE_FROM - 1))
        assert socket.writes == []
        socket.way.send(b"x" * AT_ONCE_FROM)
        assert len(socket.writes) == 1
        await turn()
        assert [len(text) for text in frames_of(b"".join(socket.writes))] == [
            AT_ONCE_FROM - 1,
            AT_ONCE_FROM,
        ]
        assert len(socket.writes) == 1

    run(scenario)


def test_a_control_frame_is_not_overtaken() -> None:
    """``flush`` writes what was sent before it, once; what is sent after it leaves with the turn."""

    async def scenario(outbox: Outbox) -> None:
        socket = FakeSocket(outbox)
        socket.way.flush()
        assert socket.writes == []
        socket.way.send(b"before")
        socket.way.flush()
        assert [frames_of(data) for data in socket.writes] == [[b"before"]]
        socket.way.send(b"after")
        await turn()
        assert [frames_of(data) for data in socket.writes[1:]] == [[b"after"]]

    run(scenario)


def test_nothing_follows_a_close_frame() -> None:
    """Also where that was sent by itself, with frames waiting here; others get theirs."""

    async def scenario(outbox: Outbox) -> None:
        broken, other = FakeSocket(outbox), FakeSocket(outbox)
        broken.way.send(b"too late")
        other.way.send(b"in time")
        broken.is_close_frame_sent = True
        await turn()
        assert broken.writes == []
        assert frames_of(other.writes[0]) == [b"in time"]

    run(scenario)


def test_a_socket_that_is_gone_gets_nothing() -> None:
    """Its transport must not be touched any more."""

    async def scenario(outbox: Outbox) -> None:
        gone, other = FakeSocket(outbox), FakeSocket(outbox)
        gone.way.send(b"for nobody")
        other.way.send(b"for somebody")
        gone.way.drop()
        await turn()
        assert gone.writes == []
        assert len(other.writes) == 1

    run(scenario)


def test_what_is_sent_because_of_a_write_is_not_lost() -> None:
    """As when a socket that is written to makes another one be told something."""

    async def scenario(outbox: Outbox) -> None:
        first, second = FakeSocket(outbox), FakeSocket(outbox)

        class Telling(FakeSocket):
            def write(self, data: bytes) -> None:
                super().write(data)
                first.way.send(b"told")
                second.way.send(b"told too")

        telling = Telling(outbox)
        first.way.send(b"one")
        telling.way.send(b"two")
        second.way.send(b"three")
        await turn()
        await turn()
        assert frames_of(b"".join(first.writes)) == [b"one", b"told"]
        assert frames_of(b"".join(second.writes)) == [b"three", b"told too"]

    run(scenario)
