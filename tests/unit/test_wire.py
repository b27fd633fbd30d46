"""``wire``: what open calls weigh, and when a connection is given up. Real servers are in ``tests/link``."""

from typing import Any

from chat.store import wire
from chat.store.calls import LinkDown
from chat.store.wire import PRESSED_CALLS, RELIEVED_CALLS
from tests.unit.wire_scene import TIMEOUT, Connected, run


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
