"""``witnessed``: what is held, for how long, and in which order it is let go of. Real servers are in ``tests/link``."""

import asyncio
from typing import Any

from chat.store.calls import LinkDown
from chat.store.wire import PRESSED_CALLS
from chat.store.witnessed import Unwitnessed, history_in
from tests.unit.witnessed_scene import PATIENCE, Connected, run


def test_one_question_for_all_that_were_answered() -> None:
    """In one turn of the event loop; the mark first, in one write with it."""

    async def scenario(it: Connected) -> None:
        for name in "abc":
            it.record(name)
        await it.answer(3)
        assert it.order == []
        assert len(it.asked.written) == 1
        assert it.asked.written[0].index(b"SPUBLISH") < it.asked.written[0].index(b"WAIT")
        assert it.asked.written[0].endswith(b"$4\r\nWAIT\r\n$1\r\n1\r\n$3\r\n500\r\n")
        await it.replicas(1)
        assert it.order == ["a", "b", "c"]
        assert (it.missing, it.enough) == ([], 1)

    run(scenario)


def test_one_question_at_a_time() -> None:
    """What is answered meanwhile waits for the next, which is about all of it."""

    async def scenario(it: Connected) -> None:
        it.record("a")
        await it.answer()
        for name in "bcd":
            it.record(name)
            await it.answer()
        assert it.questions() == 1
        await it.replicas(1)
        assert it.order == ["a"]
        assert it.questions() == 2
        await it.replicas(1)
        assert it.order == ["a", "b", "c", "d"]
        assert it.questions() == 2

    run(scenario)


def test_missing_replicas_answer_all_that_wait() -> None:
    """Also those of whom the question was not: so nobody waits for longer than two."""

    async def scenario(it: Connected) -> None:
        it.record("a")
        await it.answer()
        it.record("b")
        it.call("c")
        await it.answer(2)
        await it.replicas(0)
        assert it.order == ["a Unwitnessed", "b Unwitnessed", "c"]
        assert (it.missing, it.enough) == ([0], 0)
        assert it.questions() == 1
        assert not it.wire.lost.done()

    run(scenario)


def test_the_order_is_that_of_the_calls() -> None:
    """What needs no witness waits behind what does, and places too; pushes do not. With nothing before it, nothing
    waits."""

    async def scenario(it: Connected) -> None:
        it.call("a")
        it.wire.after_open_calls(lambda: it.order.append("b"))
        it.record("c")
        it.call("d")
        it.wire.after_open_calls(lambda: it.order.append("e"))
        await it.answer(2)
        assert it.order == ["a", "b"]
        it.wire.data_received(b">3\r\n$8\r\nsmessage\r\n$1\r\nx\r\n$1\r\ny\r\n")
        assert it.order == ["a", "b", "push"]
        await it.answer()
        it.wire.after_open_calls(lambda: it.order.append("f"))
        it.record("g")
        await it.answer()
        await it.replicas(1)
        assert it.order == ["a", "b", "push", "c", "d", "e", "f"]
        await it.replicas(1)
        assert it.order[-1] == "g"

    run(scenario)


def test_whoever_asks_while_others_are_let_go_of() -> None:
    """Comes after all that wait, also when it is refused at once."""

    async def scenario(it: Connected) -> None:
        def first(reply: Any) -> None:
            it.order.append("first")
            it.wire.after_open_calls(lambda: it.order.append("asked meanwhile"))
            it.record("recorded meanwhile")

        it.wire.record(("PING",), first)
        it.record("second")
        await it.answer(2)
        await it.replicas(1)
        assert it.order == ["first", "second", "asked meanwhile"]
        it.record("third")
        await it.answer(2)
        it.wire.drop("lost")
        assert it.order[3:] == ["recorded meanwhile LinkDown", "third LinkDown"]

    run(scenario)


def test_a_lost_connection_answers_all_that_is_held() -> None:
    """In order: what is held, then what is open; its witness ends with it, and it with its witness."""

    async def scenario(it: Connected) -> None:
        it.record("a")
        it.call("b")
        it.wire.after_open_calls(lambda: it.order.append("c"))
        it.record("d")
        await it.answer(2)
        it.wire.drop("lost")
        assert it.order == ["a LinkDown", "b", "c", "d LinkDown"]
        assert it.wire.open_calls == 0
        assert it.asked.aborted
        it.record("e")
        it.call("f")
        assert it.order[-2:] == ["e LinkDown", "f LinkDown"]

    run(scenario)


def test_a_lost_witness_ends_the_connection() -> None:
    """What it was asked about is unknown."""

    async def scenario(it: Connected) -> None:
        it.record("a")
        await it.answer()
        it.witness.connection_lost(None)
        assert it.order == ["a LinkDown"]
        assert it.wire.lost.done()

    run(scenario)


def test_a_witness_that_is_lost_at_rest_ends_the_connection() -> None:
    """In the next turn of the event loop."""

    async def scenario(it: Connected) -> None:
        it.witness.connection_lost(None)
        await asyncio.sleep(0)
        assert "which asks about replicas" in it.wire.lost.result()

    run(scenario)


def test_a_mark_that_was_refused() -> None:
    """Then the question is about something older, and its answer is none."""

    async def scenario(it: Connected) -> None:
        it.record("a")
        await it.answer()
        it.witness.data_received(b"-OOM no memory\r\n:5\r\n")
        assert it.order == ["a Unwitnessed"]
        assert not it.wire.lost.done()

    run(scenario)


def test_a_question_that_is_refused() -> None:
    """The server is no primary any more: the connection ends."""

    async def scenario(it: Connected) -> None:
        it.record("a")
        await it.answer()
        it.witness.data_received(b":0\r\n-UNBLOCKED force unblock from blocking operation\r\n")
        assert it.order == ["a LinkDown"]
        assert "UNBLOCKED" in it.wire.lost.result()

    run(scenario)


def history(name: bytes) -> bytes:
    info = b"# Replication\r\nrole:master\r\nmaster_replid:%b\r\nmaster_replid2:0\r\n" % name
    return b"$%d\r\n%b\r\n" % (len(info), info)


def test_what_took_long_is_looked_at_again() -> None:
    """Whether it is the data set still that was written to."""

    async def scenario(it: Connected) -> None:
        for other in b"history", b"another":
            it.record("a")
            await it.answer()
            it.loop.now += PATIENCE * 1.1
            await it.replicas(1)
            assert "INFO" in str(it.asked.written[-1]) or it.witness._out
            it.witness.data_received(history(other))
        assert it.order == ["a", "a LinkDown"]
        assert it.wire.lost.result() == "its data set has become another one"

    run(scenario)


def test_an_error_needs_no_witness() -> None:
    """Nothing was done."""

    async def scenario(it: Connected) -> None:
        it.record("a")
        it.wire.data_received(b"-ERR no\r\n")
        assert it.order == ["a ReplyError"]
        assert it.questions() == 0

    run(scenario)


def test_what_is_held_is_open() -> None:
    """It weighs, and presses, until it is let go of."""

    async def scenario(it: Connected) -> None:
        it.record("a", PRESSED_CALLS + 1)
        await it.answer()
        assert it.wire.open_calls == PRESSED_CALLS + 1
        assert it.presses == [True]
        await it.replicas(1)
        assert it.wire.open_calls == 0
        assert it.presses == [True, False]

    run(scenario)


def test_a_fault_of_ours_costs_one() -> None:
    """The others are answered."""

    async def scenario(it: Connected) -> None:
        def faulty(reply: Any) -> None:
            raise RuntimeError("ours")

        it.wire.record(("PING",), faulty)
        it.record("b")
        await it.answer(2)
        await it.replicas(1)
        assert it.order == ["b"]
        assert it.wire.open_calls == 0

    run(scenario)


def test_unwitnessed_is_link_down() -> None:
    """Whoever knows what to do then knows it here too."""
    assert issubclass(Unwitnessed, LinkDown)


def test_a_history() -> None:
    """Its name, and not that of the one before."""
    assert history_in(b"role:master\r\nmaster_replid:abc\r\nmaster_replid2:def\r\n") == b"abc"
    assert history_in(b"role:master\r\n") == b""
