"""``wire``: what open calls weigh, and when a connection is given up. Real servers are in ``tests/link``."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from chat.store import wire
from chat.store.calls import LinkDown, pack
from chat.store.sayings import bulk
from chat.store.wire import PRESSED_CALLS, RELIEVED_CALLS, Wire

TIMEOUT = 2.0
OK, PONG = b"+OK\r\n", b"+PONG\r\n"
MOVED = b"-MOVED 1 10.0.0.2:6379\r\n"


class FakeTransport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.aborted = True

    def get_extra_info(self, name: str) -> None: ...


class FakeLoop:
    """A clock that the test sets, and the one timer there is."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due = 0.0
        self.check: Callable[[], None]

    def time(self) -> float:
        return self.now

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.get_running_loop().create_future()

    def call_soon(self, step: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(step)

    def call_at(self, due: float, check: Callable[[], None]) -> asyncio.TimerHandle:
        self.due, self.check = due, check
        return asyncio.get_running_loop().call_later(3600, check)

    def until_due(self, late: float = 0.0) -> None:
        self.now = self.due + late
        self.check()


class Connected:
    """A wire, and what it told."""

    def __init__(self) -> None:
        self.presses: list[bool] = []
        self.replies: list[Any] = []
        self.transport, self.loop = FakeTransport(), FakeLoop()
        self.pushes: list[tuple[bytes, bytes]] = []
        self.astray: list[tuple[bytes, str]] = []
        self.wire = Wire(
            lambda *push: self.pushes.append(push), self.presses.append, TIMEOUT,
            lambda *astray: self.astray.append(astray),
        )  # fmt: skip
        self.wire._loop = self.loop  # type: ignore[assignment]  # as much of one as is needed
        self.wire.connection_made(self.transport)  # type: ignore[arg-type]

    def call(self, weight: int = 1) -> None:
        self.wire.call(("PING",), self.replies.append, weight)

    def answer(self, times: int = 1) -> None:
        self.wire.data_received(OK * times)

    def push(self, *parts: bytes) -> None:
        """A push that the server sends: a message of a channel, or that a subscription begins or ends."""
        self.wire.data_received(b">%d\r\n" % len(parts) + b"".join(map(bulk, parts)))

    @property
    def written(self) -> bytes:
        """What has left since this was asked before."""
        self.wire.flush()
        written = b"".join(self.transport.written)
        self.transport.written.clear()
        return written


def run(scenario: Callable[[Connected], None]) -> None:
    async def main() -> None:
        scenario(Connected())

    asyncio.run(main())


def test_open_calls_count_by_their_weight() -> None:
    """From when they are asked until they are answered; what is not said counts as one."""

    def scenario(it: Connected) -> None:
        it.call()
        it.call(100)
        it.wire.subscribe((b"channel",))
        it.wire.after_open_calls(lambda: None)
        assert it.wire.open_calls == 103
        it.answer()
        assert it.wire.open_calls == 102
        it.answer()
        assert it.wire.open_calls == 2
        it.wire.data_received(b">3\r\n$10\r\nssubscribe\r\n$7\r\nchannel\r\n:1\r\n")
        assert it.wire.open_calls == 0

    run(scenario)


def test_pressure_is_what_is_open_by_weight() -> None:
    """Told once, from so much on, and taken back when there is little again."""

    def scenario(it: Connected) -> None:
        it.call(PRESSED_CALLS)
        assert it.presses == []
        it.call(RELIEVED_CALLS)
        it.call()
        assert it.presses == [True]
        it.answer()
        assert it.presses == [True], f"{RELIEVED_CALLS + 1} are open"
        it.answer()
        assert it.presses == [True, False]

    run(scenario)


def test_pressure_while_nothing_leaves() -> None:
    """Answers do not end it: only that the other side reads again does."""

    def scenario(it: Connected) -> None:
        it.call()
        it.wire.pause_writing()
        it.answer()
        assert it.presses == [True]
        it.wire.resume_writing()
        assert it.presses == [True, False]

    run(scenario)


def test_no_more_than_so_many_are_open(monkeypatch: Any) -> None:
    """By weight too; one more is told in its turn, and not sent."""
    monkeypatch.setattr(wire, "MAX_OPEN_CALLS", 299)

    def scenario(it: Connected) -> None:
        for weight in 199, 100, 1:
            it.call(weight)
        it.wire.flush()
        assert it.replies == []
        it.answer()
        assert it.replies == [b"OK"]
        it.answer()
        assert len(it.replies) == 3
        assert isinstance(it.replies[2], LinkDown)
        assert it.transport.written == [b"*1\r\n$4\r\nPING\r\n" * 2]
        assert it.wire.open_calls == 0
        it.call()
        assert it.wire.open_calls == 1

    run(scenario)


def test_a_connection_that_ends_has_no_open_calls() -> None:
    """Whatever was asked meanwhile, and there is no pressure any more."""

    def scenario(it: Connected) -> None:
        it.call(PRESSED_CALLS + 1)
        it.wire.call(("PING",), lambda _: it.call(5))
        it.wire.drop("lost")
        assert [type(reply) for reply in it.replies] == [LinkDown, LinkDown]
        assert it.wire.open_calls == 0
        assert it.presses == [True, False]
        assert it.transport.aborted

    run(scenario)


def test_a_subscription_that_is_answered_like_a_call() -> None:
    """By something that is no Redis: an error, and nothing that nobody expects."""

    async def main() -> None:
        it = Connected()
        proving = asyncio.ensure_future(it.wire.prove(b"probe"))
        for replies in 1, 2:
            await asyncio.sleep(0)
            it.answer(replies)
        with pytest.raises(LinkDown, match="answered like a call"):
            await proving

    asyncio.run(main())


def silent(it: Connected, checks: int = 5) -> None:
    for _ in range(checks):
        if not it.wire.lost.done():
            it.loop.until_due()


def test_no_answer_for_too_long() -> None:
    """The oldest call is open, and nothing was heard: given up after the time-out, not before."""

    def scenario(it: Connected) -> None:
        it.loop.now += 0.1
        it.call()
        silent(it, 4)
        assert it.loop.now - 100.1 < TIMEOUT
        assert not it.wire.lost.done()
        it.loop.until_due()
        assert it.wire.lost.result() == "no answer for 2 s"

    run(scenario)


def test_whoever_answers_slowly_is_not_silent() -> None:
    """A call may be open for long, as long as something is heard."""

    def scenario(it: Connected) -> None:
        for _ in range(30):
            it.call()
        for _ in range(20):
            it.answer()
            silent(it, 1)
        assert it.loop.now - 100 > 4 * TIMEOUT
        assert not it.wire.lost.done()
        silent(it)
        assert it.wire.lost.done()

    run(scenario)


def test_a_call_after_a_long_rest_is_not_an_old_one() -> None:
    """Nothing was to be heard, as nothing was asked."""

    def scenario(it: Connected) -> None:
        silent(it, 20)
        it.call()
        silent(it, 3)
        assert not it.wire.lost.done()
        silent(it)
        assert it.wire.lost.done()

    run(scenario)


def test_who_stood_still_itself_reads_first() -> None:
    """A check that comes late shows that this process slept: what came meanwhile has not been read yet. If
    nothing comes after that either, the connection is given up."""

    def scenario(it: Connected) -> None:
        it.call()
        it.loop.until_due(late=30)
        assert not it.wire.lost.done()
        it.answer()
        it.call()
        it.loop.until_due(late=30)
        assert not it.wire.lost.done()
        assert it.loop.due - it.loop.now == TIMEOUT / 4
        it.loop.until_due()
        assert it.wire.lost.done()

    run(scenario)


# Subscriptions, and the pools that they are of


def test_the_end_of_a_subscription_is_followed_by_a_ping() -> None:
    """Its PONG ends the entry: what is asked behind it gets its own answer, however many channels there were."""

    def scenario(it: Connected) -> None:
        it.wire.unsubscribe((b"one", b"two"))
        it.call()
        assert it.wire.open_calls == 2
        ping = pack(("PING",))
        assert it.written == pack((b"SUNSUBSCRIBE", b"one", b"two")) + ping + ping
        it.push(b"sunsubscribe", b"one")
        it.push(b"sunsubscribe", b"two")
        assert it.wire.open_calls == 2
        it.wire.data_received(PONG)
        assert (it.wire.open_calls, it.replies) == (1, [])
        it.answer()
        assert it.replies == [b"OK"]
        assert it.astray == []

    run(scenario)


def test_the_end_of_a_subscription_that_is_elsewhere() -> None:
    """The server had ended it and says so: that is no answer to anything else."""

    def scenario(it: Connected) -> None:
        it.wire.unsubscribe((b"one",))
        it.call()
        it.wire.data_received(MOVED)
        assert it.replies == []
        it.wire.data_received(PONG)
        it.answer()
        assert it.replies == [b"OK"]
        assert it.wire.open_calls == 0
        assert not it.wire.lost.done()

    run(scenario)


def test_a_subscription_that_the_server_ends() -> None:
    """It is told of which channel, also while others are given up: only what was asked for is none."""

    def scenario(it: Connected) -> None:
        it.push(b"sunsubscribe", b"moved 1")
        it.call()
        it.push(b"sunsubscribe", b"moved 2")
        it.answer()
        it.wire.unsubscribe((b"given up",))
        it.push(b"sunsubscribe", b"moved 3")
        it.push(b"sunsubscribe", b"given up")
        it.wire.data_received(PONG)
        assert [channel for channel, _ in it.astray] == [b"moved 1", b"moved 2", b"moved 3"]
        assert it.wire.open_calls == 0
        assert not it.wire.lost.done()

    run(scenario)


def test_without_others_that_is_the_end_of_the_connection() -> None:
    """Where there is one server there is nowhere else to go."""

    async def main() -> None:
        it = Connected()
        it.wire._on_astray = None
        it.push(b"sunsubscribe", b"channel")
        assert it.wire.lost.result() == "the server has ended a subscription"

    asyncio.run(main())


def test_a_subscription_that_is_refused() -> None:
    """It is told of which channel, once the connection is in use; calls are answered all the same."""

    def scenario(it: Connected) -> None:
        it.wire.prove_by(b"probe")
        it.wire.subscribe((b"one", b"two"))
        it.call()
        it.wire.data_received(MOVED)
        it.answer()
        assert it.astray == [(b"two", "a subscription is refused: MOVED 1 10.0.0.2:6379")]
        assert it.replies == [b"OK"]

    run(scenario)


# That pushes arrive


def probed(it: Connected, channel: bytes, number: int, *, arrives: bool) -> None:
    """The next check publishes a probe."""
    it.loop.until_due()
    assert it.written == pack((b"SPUBLISH", channel, b"%d" % number))
    if arrives:
        it.push(b"smessage", channel, b"%d" % number)
    it.wire.data_received(b":1\r\n")


def test_probes_that_do_not_arrive() -> None:
    """Two of them in a row; they are nobody's push."""

    def scenario(it: Connected) -> None:
        it.wire.prove_by(b"probe")
        for number in 1, 2, 3:
            probed(it, b"probe", number, arrives=number != 2)
        probed(it, b"probe", 4, arrives=False)
        probed(it, b"probe", 5, arrives=False)
        assert not it.wire.lost.done()
        it.loop.until_due()
        assert it.wire.lost.result() == "pushes do not arrive"
        assert it.pushes == []

    run(scenario)


def test_probes_on_another_channel() -> None:
    """The pool of the one of before has moved: what is still under way there counts neither way."""

    def scenario(it: Connected) -> None:
        it.wire.prove_by(b"probe 1")
        for number in 1, 2, 3:
            probed(it, b"probe 1", number, arrives=True)
        it.loop.until_due()
        it.wire.prove_by(b"probe 2")
        assert b"probe 1" in it.written
        it.wire.data_received(b":1\r\n")
        it.wire.data_received(b">3\r\n$8\r\nsmessage\r\n$7\r\nprobe 1\r\n$1\r\n4\r\n")
        assert it.pushes == [], "it is nobody's push"
        for number in 1, 2:
            probed(it, b"probe 2", number, arrives=False)
        it.loop.until_due()
        assert it.wire.lost.result() == "pushes do not arrive"

    run(scenario)


def test_probes_that_are_refused_are_not_missed() -> None:
    """The pool is elsewhere: that is seen by other means, and does not cost the others their connection."""

    def scenario(it: Connected) -> None:
        it.wire.prove_by(b"probe")
        for _ in range(5):
            it.loop.until_due()
            it.wire.data_received(MOVED)
        assert not it.wire.lost.done()

    run(scenario)
