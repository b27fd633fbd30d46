"""The embedded link: the same promises as RedisLink, where they can be kept without a connection."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from chat.store.calls import LinkDown, Part
from chat.store.embedded import EmbeddedLink, EmbeddedServer
from chat.store.library import library
from tests.link.calls import Heard, ask, told

CHANNEL = b"chat:{0}:push:%d"


@asynccontextmanager
async def embedded(
    server: EmbeddedServer, prologue: Sequence[Sequence[Part]] = ()
) -> AsyncIterator[tuple[EmbeddedLink, Heard]]:
    heard = Heard()
    link = EmbeddedLink(server, prologue, heard.push)
    await link.start()
    try:
        yield link, heard
    finally:
        await link.close()


def test_calls_are_answered_in_order() -> None:
    """Each with its own reply, in a later turn of the loop; errors are values."""

    async def scenario() -> None:
        async with embedded(EmbeddedServer()) as (link, _):
            order: list[object] = []
            link.call(("ECHO", "1"), order.append)
            link.call(("NO-SUCH-COMMAND",), lambda error: order.append(type(error).__name__))
            link.call((b"SET", "key", 5), order.append)
            link.call(("GET", "key"), order.append)
            assert order == []
            await told(link, "PING")
            assert order[0] == b"1"
            assert order[1] == "ResponseError"
            assert order[3] == b"5"

    asyncio.run(scenario())


def test_a_place_in_line() -> None:
    """After what was asked before, at once if nothing is open."""

    async def scenario() -> None:
        async with embedded(EmbeddedServer()) as (link, _):
            order: list[object] = []
            link.after_open_calls(lambda: order.append("at once"))
            link.call(("ECHO", "1"), order.append)
            link.after_open_calls(lambda: order.append("place"))
            link.call(("ECHO", "2"), order.append)
            assert order == ["at once"]
            await told(link, "PING")
            assert order == ["at once", b"1", "place", b"2"]

    asyncio.run(scenario())


def test_pushes_reach_every_link() -> None:
    """Of one server, where the channel is subscribed; the publisher's own as well, in order."""

    async def scenario() -> None:
        server = EmbeddedServer()
        async with (
            embedded(server) as (one, heard_one),
            embedded(server) as (two, heard_two),
            embedded(server) as (_, heard_none),
        ):
            one.subscribe(CHANNEL % 1)
            two.subscribe(CHANNEL % 1)
            two.subscribe(CHANNEL % 2)
            for number in range(5):
                await told(one, "SPUBLISH", CHANNEL % 1, number)
            await told(two, "SPUBLISH", CHANNEL % 2, "x")
            wanted = [(CHANNEL % 1, b"%d" % number) for number in range(5)]
            await heard_one.until(lambda: heard_one.pushes == wanted, "one's pushes")
            await heard_two.until(
                lambda: heard_two.pushes == [*wanted, (CHANNEL % 2, b"x")], "two's pushes"
            )
            assert heard_none.pushes == []

    asyncio.run(scenario())


def test_a_push_does_not_wait_for_the_next_call() -> None:
    """However many channels were subscribed and given up before: it is there after its own call."""

    async def scenario() -> None:
        async with embedded(EmbeddedServer()) as (link, heard):
            for number in range(10):
                link.subscribe(CHANNEL % number)
            for number in range(5):
                link.unsubscribe(CHANNEL % number)
            await told(link, "SPUBLISH", CHANNEL % 7, "x")
            await heard.until(lambda: heard.pushes == [(CHANNEL % 7, b"x")], "the push")

    asyncio.run(scenario())


def test_a_channel_given_up() -> None:
    """Is no longer heard, and may be subscribed again."""

    async def scenario() -> None:
        async with embedded(EmbeddedServer()) as (link, heard):
            link.subscribe(CHANNEL % 1)
            await told(link, "SPUBLISH", CHANNEL % 1, "first")
            link.unsubscribe(CHANNEL % 1)
            await told(link, "SPUBLISH", CHANNEL % 1, "second")
            link.subscribe(CHANNEL % 1)
            await told(link, "SPUBLISH", CHANNEL % 1, "third")
            await heard.until(lambda: len(heard.pushes) == 2, "two pushes")
            assert [payload for _, payload in heard.pushes] == [b"first", b"third"]

    asyncio.run(scenario())


def test_an_answer_before_the_pushes_of_later_calls() -> None:
    """Replies and pushes come in one line."""

    async def scenario() -> None:
        async with embedded(EmbeddedServer()) as (link, heard):
            link.subscribe(CHANNEL % 1)
            link.call(("ECHO", "1"), lambda reply: heard.push(b"reply", reply))
            link.call(("SPUBLISH", CHANNEL % 1, "2"), lambda _: None)
            link.call(("ECHO", "3"), lambda reply: heard.push(b"reply", reply))
            await heard.until(lambda: len(heard.pushes) == 3, "all three")
            assert [payload for _, payload in heard.pushes] == [b"1", b"2", b"3"]

    asyncio.run(scenario())


def test_after_the_end() -> None:
    """Every call gets LinkDown; other links of the server go on."""

    async def scenario() -> None:
        server = EmbeddedServer()
        async with embedded(server) as (other, heard):
            async with embedded(server) as (link, _):
                link.subscribe(CHANNEL % 1)
            assert isinstance(await told(link, "PING"), LinkDown)
            other.subscribe(CHANNEL % 1)
            await told(other, "SPUBLISH", CHANNEL % 1, "x")
            await heard.until(lambda: heard.pushes == [(CHANNEL % 1, b"x")], "the push")

    asyncio.run(scenario())


def test_the_prologue_is_done_first() -> None:
    """The library is there for the first call, and may be loaded by every link."""

    async def scenario() -> None:
        server = EmbeddedServer()
        async with (
            embedded(server, [library()]) as (link, _),
            embedded(server, [library()]) as (other, _),
        ):
            for either in (link, other):
                reply = await ask(either, "FCALL", "chat_1_held", 1, "chat:{0}", "nobody", 0)
                assert reply == [0, 0, []]

    asyncio.run(scenario())
