"""``record`` with witnesses: real servers, and replicas that are frozen, killed and cut off."""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from chat.errors import StoreUnreachable
from chat.store.calls import LinkDown
from chat.store.link import RedisLink
from chat.store.wire import Wire
from chat.store.witness import ENOUGH, MISSING
from chat.store.witnessed import Unwitnessed, WitnessedWire
from tests.link.calls import Heard, allow, ask, linked, recorded, redis_link, told, until
from tests.support.family import AT_ONCE, Family, family
from tests.support.process import HOST, wait_until
from tests.support.proxy import Proxy
from tests.support.servers import KINDS, Kind, Server, available_servers

TIMEOUT = 1.0


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest) -> Iterator[Family]:
    """A primary and a replica of each kind, for tests that leave them whole."""
    if request.param not in available_servers():
        pytest.skip(f"there is no {request.param} on this machine")
    with family(request.param) as one:
        yield one


def wire_of(link: RedisLink) -> WitnessedWire:
    assert isinstance(link._wire, WitnessedWire)
    return link._wire


def shown(reply: Any) -> Any:
    """What a test compares: errors by their kind."""
    return type(reply) if isinstance(reply, Exception) else reply


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


def test_the_witness_is_killed_alone(made: Family) -> None:
    """The connection ends with it: what is held gets ``LinkDown``, in order, and both are made anew."""

    async def scenario() -> None:
        async with linked(made.primary.url, timeout=TIMEOUT, replicas=1) as (link, heard):
            made.replicas[0].pause()
            try:
                order: list[int] = []
                replies = [recorded(link, "SET", "key", 1), ask(link, "PING")]
                for number, reply in enumerate(replies):
                    reply.add_done_callback(lambda _, number=number: order.append(number))  # type: ignore[misc]
                await until(lambda: wire_of(link)._asked_for, "it is asked for")
                with made.primary.client() as client:
                    blocked = [one for one in client.client_list() if one["cmd"] == "wait"]
                    (witness,) = blocked
                    client.client_kill_filter(_id=witness["id"])
                got = await asyncio.wait_for(asyncio.gather(*replies), 5)
                assert [shown(one) for one in got] == [LinkDown, b"PONG"]
                assert order == [0, 1]
            finally:
                made.replicas[0].resume()
            await heard.until(lambda: heard.gaps == 1, "the link is back")
            await asyncio.to_thread(made.until_whole)
            assert await asyncio.wait_for(recorded(link, "SET", "key", 2), 5) == b"OK"

    asyncio.run(scenario())


def test_the_connection_is_killed_alone(made: Family) -> None:
    """Its witness ends with it, at once: the server has no more connections than before."""

    async def scenario() -> None:
        async with linked(made.primary.url, timeout=TIMEOUT, replicas=1) as (link, heard):
            with made.primary.client() as client:

                def ours() -> set[str]:
                    return {one["id"] for one in client.client_list() if one["name"] == "chat-node"}

                before = ours()
                assert len(before) == 2
                wire_of(link).drop("lost")
                await heard.until(lambda: heard.gaps == 1, "the link is back")
                await until(lambda: len(ours()) == 2 and not ours() & before, "two new ones")

    asyncio.run(scenario())


def test_a_witness_that_falls_silent_while_nobody_asks(made: Family) -> None:
    """It is noticed all the same, and both are made anew."""

    async def scenario() -> None:
        async with (
            Proxy(made.primary.port) as proxy,
            linked(f"redis://{HOST}:{proxy.port}", timeout=0.4, replicas=1) as (link, heard),
        ):
            assert await asyncio.wait_for(recorded(link, "SET", "key", 1), 5) == b"OK"
            _, witness = proxy.passages
            witness.filter = lambda data: b""
            await heard.until(lambda: heard.gaps == 1, "the link is back")
            assert await asyncio.wait_for(recorded(link, "SET", "key", 1), 5) == b"OK"

    asyncio.run(scenario())


def test_a_witness_that_came_to_another_server(made: Family) -> None:
    """As behind a name that means several, or one that was restarted between the two connections: refused, until
    both come to the same."""

    async def scenario(other: Server) -> None:
        targets = [made.primary.port, other.port]

        class Fickle(Proxy):
            """The first connection goes to one server, the second to the other."""

            async def _serve(self, *args: Any) -> None:
                self._target = targets[len(self.passages) % 2]
                await super()._serve(*args)

        async with Fickle(made.primary.port) as proxy:
            link = redis_link(f"redis://{HOST}:{proxy.port}", Heard(), replicas=1)
            with pytest.raises(StoreUnreachable, match="two servers, or it was restarted"):
                await link.start()
            await link.close()

    with Server(made.primary.kind) as other:
        asyncio.run(scenario(other))


def test_a_server_that_was_a_replica_for_a_moment(caplog: pytest.LogCaptureFixture) -> None:
    """It has lost what it was told, and is a primary again before anybody asked whether replicas have it: the link
    was held up meanwhile, so the history of its data set is looked at, and nothing is confirmed."""

    async def scenario(made: Family, other: Server) -> None:
        loop = asyncio.get_running_loop()
        async with (
            Proxy(made.primary.port) as proxy,
            linked(f"redis://{HOST}:{proxy.port}", timeout=8, replicas=1) as (link, heard),
        ):
            main, wire, began = proxy.passages[0], wire_of(link), loop.time()
            late: list[bytes] = []

            def hold(data: bytes) -> bytes:
                late.append(data)
                return b""

            main.filter = hold
            reply = recorded(link, "SET", "key", "lost")
            await until(lambda: late, "it is done")

            def detour() -> None:
                with made.primary.client() as client:
                    client.replicaof(HOST, str(other.port))
                    wait_until(
                        lambda: client.info("replication").get("master_link_status") == "up",
                        "it is a replica",
                    )
                    client.replicaof("NO", "ONE")
                    assert client.get("key") is None
                made.until_whole()

            await asyncio.to_thread(detour)
            await until(lambda: loop.time() - began > wire._terms.patience, "it is late")
            assert link._wire is wire
            main.filter = None
            main.client.write(b"".join(late))
            assert shown(await asyncio.wait_for(reply, 5)) is LinkDown
            await heard.until(lambda: heard.gaps >= 1, "the link is made anew")

    kind = available_servers()[0]
    with family(kind) as made, Server(kind, *AT_ONCE) as other:
        asyncio.run(scenario(made, other))
    assert "its data set has become another one" in caplog.text


def test_a_server_that_is_demoted_while_it_is_asked(made: Family) -> None:
    """Nothing is confirmed."""

    async def scenario() -> None:
        async with linked(made.primary.url, timeout=TIMEOUT, replicas=1) as (link, heard):
            made.replicas[0].pause()
            try:
                reply = recorded(link, "SET", "key", 1)
                await until(lambda: wire_of(link)._asked_for, "it is asked for")
                with made.primary.client() as client:
                    client.replicaof(HOST, "1")
                    assert shown(await asyncio.wait_for(reply, 5)) is LinkDown
                    client.replicaof("NO", "ONE")
            finally:
                made.replicas[0].resume()
            await heard.until(lambda: heard.gaps >= 1, "the link is made anew")

    asyncio.run(scenario())
    made.until_whole()


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


def in_step(primary: Server) -> bool:
    """Whether one replica has what was written in this moment, which in a cluster is a key of a slot of its own."""
    with primary.client() as client:
        client.set("chat:{0}:mark", "1")
        return int(client.wait(1, 100)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_cluster(kind: Kind) -> None:
    """Publishing does not reach replicas by the line of writes there: the mark is another write."""
    if kind not in available_servers():
        pytest.skip(f"there is no {kind} on this machine")
    clustered = ("--cluster-enabled", "yes", "--cluster-node-timeout", "60000", *AT_ONCE)

    async def scenario(primary: Server, replica: Server) -> None:
        async with linked(primary.url, timeout=TIMEOUT, replicas=1) as (link, _):
            assert wire_of(link)._mark()[0] == "HSET"
            assert await asyncio.wait_for(recorded(link, "SET", "chat:{0}:key", 1), 5) == b"OK"
            replica.pause()
            try:
                reply = await asyncio.wait_for(recorded(link, "SET", "chat:{0}:key", 2), 5)
                assert shown(reply) is Unwitnessed
            finally:
                replica.resume()

    with Server(kind, *clustered) as primary, Server(kind, *clustered) as replica:
        with primary.client() as client, replica.client() as other:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            other.execute_command("CLUSTER", "MEET", HOST, primary.port)
            identity = client.execute_command("CLUSTER", "MYID")

            def follows() -> bool:
                try:
                    other.execute_command("CLUSTER", "REPLICATE", identity)
                except redis.ResponseError:  # they do not know each other yet
                    return False
                return True

            wait_until(follows, "it follows", timeout=30)
            wait_until(
                lambda: "cluster_state:ok" in str(client.execute_command("CLUSTER", "INFO")),
                "it works",
            )
        wait_until(lambda: in_step(primary), "the replica is in step", timeout=30)
        asyncio.run(scenario(primary, replica))


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
