"""A wire with a witness, both connected to nothing, and the order in which it told."""

import asyncio
from collections.abc import Callable
from typing import Any

from chat.store.wire import Wire
from chat.store.witnessed import Terms, WitnessedWire
from tests.unit.fake_loop import FakeLoop, FakeTransport

MARK = ("SPUBLISH", "chat:{0}:mark", "")
OK = b"+OK\r\n"
PATIENCE = 0.5


class Connected:
    """A wire with a witness, and what it told. Both have a clock that the test sets."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.missing: list[int] = []
        self.enough = 0
        self.presses: list[bool] = []
        self.loop = FakeLoop()
        self.wire = WitnessedWire(lambda *_: self.order.append("push"), self.presses.append, 2.0)
        self.witness = Wire(lambda *_: None, lambda pressed: None, 2.0)
        self.asked = FakeTransport()
        for wire, transport in ((self.wire, FakeTransport()), (self.witness, self.asked)):
            wire._loop = self.loop  # type: ignore[assignment]  # as much of one as is needed
            wire.connection_made(transport)  # type: ignore[arg-type]
        terms = Terms(1, PATIENCE, self.missing.append, self.has_enough)
        self.wire.witness(self.witness, lambda: MARK, b"history", terms)

    def call(self, name: str) -> None:
        self.wire.call(("PING",), self.note(name))

    def record(self, name: str, weight: int = 1) -> None:
        self.wire.record(("PING",), self.note(name), weight)

    def note(self, name: str) -> Callable[[Any], None]:
        def done(reply: Any) -> None:
            told = type(reply).__name__ if isinstance(reply, Exception) else ""
            self.order.append(f"{name} {told}".strip())

        return done

    async def answer(self, times: int = 1) -> None:
        """The server answers so many calls; what is then asked of the witness leaves."""
        self.wire.data_received(OK * times)
        await asyncio.sleep(0)

    async def replicas(self, number: int) -> None:
        """The witness is answered."""
        self.witness.data_received(b":0\r\n:%d\r\n" % number)
        await asyncio.sleep(0)

    def has_enough(self) -> None:
        self.enough += 1

    def questions(self) -> int:
        return b"".join(self.asked.written).count(b"WAIT")


def run(scenario: Callable[[Connected], Any]) -> None:
    async def main() -> None:
        it = Connected()
        await scenario(it)
        it.wire.drop("the end")

    asyncio.run(main())
