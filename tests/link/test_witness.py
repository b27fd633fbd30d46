"""``record`` with witnesses: what is answered, and when, with real servers and replicas that stand still or are killed
(connections that are lost: test_witness_lost)."""

import asyncio
import os
from typing import Any

import pytest

from chat.errors import StoreUnreachable
from chat.store.wire import Wire
from chat.store.witness import ENOUGH, MISSING
from chat.store.witnessed import Unwitnessed
from tests.link.calls import Heard, allow, ask, linked, recorded, redis_link, told, until
from tests.link.witnesses import TIMEOUT, shown
from tests.support.family import Family, family
from tests.support.process import HOST
from tests.support.servers import available_servers


def test_what_replicas_have_is_answered(made: Family) -> None:
    """As without witnesses; errors too, and what is only called."""

    async def scenario() -> None:
        async with linked(made.primary.url, timeout=TIMEOUT, replicas=1) as (link, _):
            replies = [recorded(link, "RPUSH", "list", number) for number in range(100)]
            replies += [recorded(link, "NO-SUCH-COMMAND"), ask(link, "LLEN", "list")]
            got = await asyncio.gather(*replies)
            assert got[:100] == list(range(1, 101))
            assert "unknown command" in str(got[100])
            assert got[101] == 100
            with made.replicas[0].client() as replica:
                assert replica.llen("list") == 100
            assert await told(link, "DEL", "list") == 1
            assert link.open_calls() == 0

    asyncio.run(scenario())


def test_what_no_replica_has_is_not_answered(
    made: Family, caplog: pytest.LogCaptureFixture
) -> None:
    """The replica stands still: nobody knows. All that is asked meanwhile is told so together, what is only called is
    answered, and the link stays. When the replica is back, all is as before, and the log says so, once."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with linked(made.primary.url, timeout=TIMEOUT, replicas=1) as (link, heard):
            wire = link._wire
            assert await asyncio.wait_for(recorded(link, "SET", "key", 1), 5) == b"OK"
            made.replicas[0].pause()
            try:
                for _ in range(3):
                    began = loop.time()
                    replies = []
                    for number in range(30):
                        replies.append(recorded(link, "SET", "key", number))
                        replies.append(ask(link, "GET", "key"))
                        await asyncio.sleep(0)
                    got = await asyncio.wait_for(asyncio.gather(*replies), 5)
                    assert {shown(one) for one in got[::2]} == {Unwitnessed}
                    assert got[1::2] == [b"%d" % number for number in range(30)]
                    assert loop.time() - began < 5 * TIMEOUT, "none waits for those before it"
                    assert link._wire is wire
            finally:
                made.replicas[0].resume()
            assert heard.gaps == 0
            await asyncio.to_thread(made.until_whole)
            assert ENOUGH not in caplog.text
            for _ in range(3):
                assert await asyncio.wait_for(recorded(link, "SET", "key", "back"), 5) == b"OK"
            assert link._wire is wire

    asyncio.run(scenario())
    first, last = caplog.messages[0], caplog.messages[-1]
    assert first.startswith(f"{MISSING} (0 of 1): redis://")
    assert last.startswith(ENOUGH)
    assert last.endswith(first.partition("redis://")[2])
    assert caplog.text.count(ENOUGH) == 1


def test_answers_keep_their_order(made: Family) -> None:
    """Of recorded calls, other calls and places in line; pushes do not wait."""

    async def scenario() -> None:
        async with linked(made.primary.url, timeout=TIMEOUT, replicas=1) as (link, heard):
            order: list[str] = []

            def note(what: str) -> Any:
                return lambda reply: order.append(f"{what} {shown(reply)}")

            link.subscribe(b"chat:{0}:push:1")
            await told(link, "PING")
            made.replicas[0].pause()
            try:
                link.call(("ECHO", "a"), note("first"))
                link.record(("SET", "key", "1"), note("second"))
                link.call(("SPUBLISH", "chat:{0}:push:1", "bell"), note("third"))
                link.after_open_calls(lambda: order.append("fourth"))
                link.record(("SET", "key", "2"), note("fifth"))
                link.call(("ECHO", "b"), note("sixth"))
                await heard.until(lambda: len(heard.pushes) == 1, "a push")
                assert order == ["first b'a'"]
                assert link.open_calls() == 4
                link.after_open_calls(lambda: order.append("seventh"))
                await until(lambda: len(order) == 7, "all answers")
            finally:
                made.replicas[0].resume()
            assert order == [
                "first b'a'",
                f"second {Unwitnessed}",
                "third 1",
                "fourth",
                f"fifth {Unwitnessed}",
                "sixth b'b'",
                "seventh",
            ]
            assert link.open_calls() == 0

    asyncio.run(scenario())
    made.until_whole()


def test_one_of_two_replicas_is_enough() -> None:
    """For one to wait for; for two it is not."""

    async def scenario(made: Family) -> None:
        url = made.primary.url
        async with (
            linked(url, timeout=TIMEOUT, replicas=1) as (one, _),
            linked(url, timeout=TIMEOUT, replicas=2) as (two, _),
        ):
            assert await asyncio.wait_for(recorded(two, "SET", "key", 1), 5) == b"OK"
            made.replicas[0].kill()
            assert await asyncio.wait_for(recorded(one, "SET", "key", 2), 5) == b"OK"
            assert shown(await asyncio.wait_for(recorded(two, "SET", "key", 3), 5)) is Unwitnessed
            made.replicas[1].kill()
            assert shown(await asyncio.wait_for(recorded(one, "SET", "key", 4), 5)) is Unwitnessed
            assert await told(one, "GET", "key") == b"4"

    with family(available_servers()[0], 2) as made:
        asyncio.run(scenario(made))


def test_a_replica_that_falls_behind_the_mark_alone(made: Family) -> None:
    """What matters is what it has of the calls, whoever else has asked: what another connection wrote before is in
    its line too, but not what came after."""

    async def scenario() -> None:
        async with linked(made.primary.url, timeout=TIMEOUT, replicas=1) as (link, _):
            for number in range(200):
                assert await asyncio.wait_for(recorded(link, "SET", "key", number), 5) == b"OK"
                with made.replicas[0].client() as replica:
                    assert replica.get("key") == b"%d" % number

    asyncio.run(scenario())


def test_a_user_who_may_not_ask(made: Family) -> None:
    """What is missing is told before anybody is told anything else."""

    def refusal(*rules: str) -> str:
        async def scenario() -> str:
            link = redis_link(f"redis://ada:secret@{HOST}:{made.primary.port}", Heard(), replicas=1)
            with pytest.raises(StoreUnreachable) as caught:
                await link.start()
            await link.close()
            return str(caught.value)

        with made.primary.client() as client:
            allow(client, "ada", ">secret", "~*", "&*", "+@all", *rules)
        return asyncio.run(scenario())

    assert "INFO is needed" in refusal("-info")
    assert "'wait'" in refusal("+info", "-wait")


def test_a_replica_is_no_primary(made: Family) -> None:
    """A link to one is refused."""

    async def scenario() -> None:
        link = redis_link(made.replicas[0].url, Heard(), replicas=1)
        with pytest.raises(StoreUnreachable, match="replica"):
            await link.start()
        await link.close()

    asyncio.run(scenario())


def test_without_witnesses_nothing_is_different(made: Family) -> None:
    """One connection, no question; what is recorded is called."""

    async def scenario() -> None:
        async with linked(made.primary.url, timeout=TIMEOUT) as (link, _):
            assert Wire.record is Wire.call
            assert type(link._wire) is Wire
            made.replicas[0].pause()
            try:
                assert await asyncio.wait_for(recorded(link, "SET", "key", os.getpid()), 5) == b"OK"
            finally:
                made.replicas[0].resume()

    asyncio.run(scenario())
    made.until_whole()
