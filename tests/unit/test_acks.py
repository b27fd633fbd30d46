"""``acks``: what grew in one turn of the event loop is handed over in one call."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from chat.acks import Acks
from chat.connection import Connection, Limits
from chat.errors import Code
from chat.store.calls import Command, Part
from chat.store.library import Generations
from chat.store.store import Store
from tests.unit.fake_socket import FakeTransport

Done = Callable[[int, Sequence[Any]], None]


class FakeRecorder:
    """Keeps what it is given; the test answers."""

    def __init__(self) -> None:
        self.calls: list[list[tuple[int, int, int, int]]] = []
        self.answers: list[Done] = []
        self.called = asyncio.Event()

    def ack(self, acks: Sequence[tuple[int, int, int, int]], done: Done) -> None:
        self.calls.append(list(acks))
        self.answers.append(done)
        self.called.set()


class RecordingLink:
    """A link whose calls are kept and never answered."""

    def __init__(self) -> None:
        self.calls: list[tuple[Part, ...]] = []

    def of(self, pool: int) -> "RecordingLink":
        return self

    def serve(self, pool: int) -> None: ...

    def call(self, command: Command, done: Callable[[Any], None], weight: int = 1) -> None:
        assert not isinstance(command, bytes)
        self.calls.append(tuple(command))

    record = call

    def flush(self) -> None: ...

    def after_open_calls(self, done: Callable[[], None]) -> None: ...

    def open_calls(self) -> int:
        return 0

    @property
    def pressed(self) -> bool:
        return False

    def subscribe(self, channel: bytes) -> None: ...

    def unsubscribe(self, channel: bytes) -> None: ...

    async def start(self) -> None: ...

    async def close(self) -> None: ...


def bound(account: int, acked: int, epoch: int = 1) -> Connection:
    connection = Connection(FakeTransport(), "", Limits(0, 1), 0.0, lambda _, code: None)
    connection.bind(account % 1000, account, epoch, acked)
    return connection


def run(scenario: Callable[[Acks, FakeRecorder], None]) -> None:
    async def body() -> None:
        recorder = FakeRecorder()
        scenario(Acks(recorder), recorder)

    asyncio.run(body())


def test_only_the_last_number_counts() -> None:
    """A socket that grew several times is handed over once, with what it has by then."""

    def scenario(acks: Acks, recorder: FakeRecorder) -> None:
        connection = bound(1000, 1)
        acks.add(connection)
        connection.acked = 9
        acks.add(connection)
        acks.flush()
        assert recorder.calls == [[(0, 1000, 1, 9)]]

    run(scenario)


def test_nothing_to_hand_over() -> None:
    """No call without news, also after a flush."""

    def scenario(acks: Acks, recorder: FakeRecorder) -> None:
        acks.flush()
        acks.add(bound(1000, 1))
        acks.flush()
        acks.flush()
        assert len(recorder.calls) == 1

    run(scenario)


def test_what_redis_did_not_take_is_handed_over_again() -> None:
    """With the number that is true by then, and only until it is taken."""

    def scenario(acks: Acks, recorder: FakeRecorder) -> None:
        connection = bound(1000, 1)
        acks.add(connection)
        acks.flush()
        connection.acked = 4
        recorder.answers[0](Code.INTERNAL, ())
        acks.flush()
        recorder.answers[1](Code.SUCCESS, ())
        acks.flush()
        assert recorder.calls == [[(0, 1000, 1, 1)], [(0, 1000, 1, 4)]]

    run(scenario)


def test_it_is_handed_over_by_itself() -> None:
    """All of one turn of the event loop at its end, without anybody's flush; and again the next time."""

    async def scenario() -> None:
        recorder = FakeRecorder()
        acks = Acks(recorder)
        for first in (1000, 5000):
            recorder.called.clear()
            acks.add(bound(first, 1))
            acks.add(bound(first + 1000, 1))
            assert not recorder.called.is_set()
            async with asyncio.timeout(5):
                await recorder.called.wait()
        assert recorder.calls == [
            [(0, 1000, 1, 1), (0, 2000, 1, 1)],
            [(0, 5000, 1, 1), (0, 6000, 1, 1)],
        ]

    asyncio.run(scenario())


def test_the_store_makes_one_call_for_each_pool() -> None:
    """Where each account lives, whatever its number says."""
    link = RecordingLink()
    store = Store(
        link, Generations(), "n", lambda *_: None, pools=1, pool_accounts=1, grace=1, lease=1, inbox_length=1, sessions_per_account=1, accounts_per_minute=1,
        timeout=1, clock=lambda: 0.0,
    )  # fmt: skip
    store.ack(
        [(7, 1007, 1, 1), (0, 1000, 2, 3), (7, 2007, 1, 4), (0, 3007, 1, 5)],
        lambda code, values: None,
    )
    assert [parts[3:] for parts in link.calls] == [
        (b"chat:{7}", 1007, 1, 1, 2007, 1, 4),
        (b"chat:{0}", 1000, 2, 3, 3007, 1, 5),
    ]
