"""RedisLink's calls: order, one write, time-outs, bounds. Interruptions are in ``test_interruptions``."""

import asyncio
from typing import Any

import pytest

from chat.store import wire
from chat.store.calls import LinkDown
from tests.link.calls import ask, linked, told, until
from tests.support.proxy import Proxy
from tests.support.servers import Server


def test_calls_are_answered_in_order(empty_server: Server) -> None:
    """A thousand at once, errors among them, each with its own reply."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, _):
            order: list[tuple[int, Any]] = []
            for number in range(1000):
                parts = ("NO-SUCH-COMMAND",) if number % 7 == 0 else ("ECHO", number)

                def done(reply: Any, number: int = number) -> None:
                    order.append((number, reply))

                link.call(parts, done)
            await told(link, "PING")
            assert [number for number, _ in order] == list(range(1000))
            for number, reply in order:
                if number % 7 == 0:
                    assert isinstance(reply, Exception)
                else:
                    assert reply == str(number).encode()

    asyncio.run(scenario())


def test_every_kind_of_part_and_reply(empty_server: Server) -> None:
    """Bytes, text and numbers go out; what comes back is hiredis' reading of RESP3."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, _):
            assert await told(link, b"SET", "key", 5) == b"OK"
            assert await told(link, "GET", "key") == b"5"
            assert await told(link, "GET", "none") is None
            assert await told(link, "RPUSH", "list", "a", b"\x00\r\n", "ü") == 3
            assert await told(link, "LRANGE", "list", 0, -1) == [b"a", b"\x00\r\n", "ü".encode()]

    asyncio.run(scenario())


def test_large_calls_and_replies(empty_server: Server) -> None:
    """Megabytes, which come in many blocks."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, _):
            big = b"x" * 3_000_000
            replies = [ask(link, "ECHO", big) for _ in range(3)]
            assert await asyncio.gather(*replies) == [big] * 3

    asyncio.run(scenario())


def test_the_calls_of_a_tick_leave_in_one_write(
    empty_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls and subscriptions together; the next tick is another write."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, _):
            assert link._wire is not None
            transport = link._wire._transport
            writes: list[bytes] = []
            recorder = _Recorder(transport, writes)
            monkeypatch.setattr(link._wire, "_transport", recorder)
            replies = [ask(link, "ECHO", number) for number in range(50)]
            link.subscribe(b"chat:{0}:push:1000")
            replies.append(ask(link, "PING"))
            assert writes == []
            await asyncio.gather(*replies)
            assert len(writes) == 1
            assert writes[0].index(b"49") < writes[0].index(b"SSUBSCRIBE")
            await ask(link, "PING")
            assert len(writes) == 2

    asyncio.run(scenario())


class _Recorder:
    """A transport that keeps what is written through it."""

    def __init__(self, transport: asyncio.Transport, writes: list[bytes]) -> None:
        self._transport = transport
        self._writes = writes

    def write(self, data: bytes) -> None:
        self._writes.append(data)
        self._transport.write(data)

    def abort(self) -> None:
        self._transport.abort()

    def get_extra_info(self, name: str) -> Any:
        return self._transport.get_extra_info(name)


def test_a_place_in_line(empty_server: Server) -> None:
    """Comes after all that was asked before and before what was asked later; at once if nothing is."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, _):
            order: list[object] = []
            link.after_open_calls(lambda: order.append("at once"))
            assert order == ["at once"]
            link.call(("ECHO", "1"), order.append)
            link.after_open_calls(lambda: order.append("place 1"))
            link.after_open_calls(lambda: order.append("place 2"))
            link.subscribe(b"chat:{0}:push:1")
            link.after_open_calls(lambda: order.append("place 3"))
            link.call(("ECHO", "2"), order.append)
            await told(link, "PING")
            assert order == ["at once", b"1", "place 1", "place 2", "place 3", b"2"]

    asyncio.run(scenario())


def test_calls_made_by_answers(empty_server: Server) -> None:
    """A callback may call again, and ask for a place, without confusion."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, _):
            order: list[object] = []

            def first(reply: object) -> None:
                order.append(reply)
                link.call(("ECHO", "third"), order.append)
                link.after_open_calls(lambda: order.append("place"))

            link.call(("ECHO", "first"), first)
            link.call(("ECHO", "second"), order.append)
            await until(lambda: len(order) == 4, "all answers")
            assert order == [b"first", b"second", b"third", "place"]

    asyncio.run(scenario())


def test_a_silent_server(empty_server: Server) -> None:
    """After the time-out every open call gets LinkDown, and so do later ones, at once."""

    async def scenario() -> None:
        async with linked(empty_server.url, timeout=0.3) as (link, heard):
            empty_server.pause()
            try:
                began = asyncio.get_running_loop().time()
                async with asyncio.timeout(3):
                    replies = await asyncio.gather(*(ask(link, "PING") for _ in range(5)))
                assert asyncio.get_running_loop().time() - began >= 0.3
                assert [type(reply) for reply in replies] == [LinkDown] * 5
                late = ask(link, "PING")
                assert late.done()
                assert isinstance(late.result(), LinkDown)
            finally:
                empty_server.resume()
            await heard.until(lambda: heard.gaps == 1, "the link is back")
            assert await told(link, "PING") == b"PONG"

    asyncio.run(scenario())


def test_a_quiet_link_is_not_a_silent_one(empty_server: Server) -> None:
    """Nothing is open, so nothing is waited for, however long it takes until the next call."""

    async def scenario() -> None:
        async with linked(empty_server.url, timeout=0.05) as (link, heard):
            async with linked(empty_server.url) as (clock, _):
                blocked = await told(clock, "BLPOP", "nothing", "0.5")  # half a second of theirs
            assert blocked is None
            assert await told(link, "PING") == b"PONG"
            assert heard.gaps == 0

    asyncio.run(scenario())


def test_a_slow_server_is_not_a_silent_one(empty_server: Server) -> None:
    """Answers that trickle in keep the link alive beyond the time-out of the whole."""

    async def scenario() -> None:
        async with (
            Proxy(empty_server.port) as proxy,
            linked(f"redis://127.0.0.1:{proxy.port}", timeout=0.6) as (link, heard),
        ):
            proxy.delay = 0.1
            for number in range(8):
                assert await told(link, "ECHO", number) == str(number).encode()
            assert heard.gaps == 0

    asyncio.run(scenario())


def test_too_many_open_calls(empty_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """One beyond the bound is not sent; it is answered in its turn, after those before it."""
    monkeypatch.setattr(wire, "MAX_OPEN_CALLS", 10)

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, _):
            replies = [ask(link, "ECHO", number) for number in range(15)]
            order: list[int] = []
            for number, reply in enumerate(replies):
                reply.add_done_callback(lambda _, number=number: order.append(number))  # type: ignore[misc]
            answers = await asyncio.gather(*replies)
            assert order == list(range(15))
            assert answers[:10] == [str(number).encode() for number in range(10)]
            assert all(isinstance(answer, LinkDown) for answer in answers[10:])
            assert await told(link, "PING") == b"PONG"

    asyncio.run(scenario())


def test_closing_with_open_calls(empty_server: Server) -> None:
    """They get LinkDown, places their turn; afterwards every call is answered with LinkDown."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, heard):
            await told(link, "PING")
            empty_server.pause()
            replies = [ask(link, "PING") for _ in range(3)]
            places: list[int] = []
            link.after_open_calls(lambda: places.append(1))
            await link.close()
            empty_server.resume()
            assert all(isinstance(reply.result(), LinkDown) for reply in replies)
            assert places == [1]
            assert isinstance(await told(link, "PING"), LinkDown)
            link.after_open_calls(lambda: places.append(2))
            link.subscribe(b"chat:{0}:push:1")
            link.unsubscribe(b"chat:{0}:push:1")
            assert places == [1, 2]
            assert heard.gaps == 0

    asyncio.run(scenario())


def test_who_asks_while_the_connection_ends_is_answered_in_turn(empty_server: Server) -> None:
    """Somebody told that a call is lost may ask for more, also for others: those answers must not overtake
    what was asked before them."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, _):
            order: list[str] = []

            def first(reply: Any) -> None:
                order.append("first")
                link.call(("PING",), lambda reply: order.append("asked meanwhile"))
                link.after_open_calls(lambda: order.append("in its turn"))

            link.call(("PING",), first)
            link.call(("PING",), lambda reply: order.append("second"))
            link.after_open_calls(lambda: order.append("third"))
            assert link._wire is not None
            link._wire.drop("lost")
            assert order == ["first", "second", "third", "asked meanwhile", "in its turn"]
            assert link.open_calls() == 0
            link.call(("PING",), lambda reply: order.append("asked later"))
            assert order[-1] == "asked later"

    asyncio.run(scenario())
