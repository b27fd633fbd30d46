"""``wire``: subscriptions that begin, end and are refused, and how it is known that pushes arrive."""

import asyncio

import pytest

from chat.store.calls import LinkDown, pack
from tests.unit.wire_scene import MOVED, PONG, Connected, run


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
