"""``record`` with witnesses: connections that are killed, fall silent or come to another server, and a server that
is no primary for a while."""

import asyncio
from typing import Any

import pytest

from chat.errors import StoreUnreachable
from chat.store.calls import LinkDown
from tests.link.calls import Heard, ask, linked, recorded, redis_link, until
from tests.link.witnesses import TIMEOUT, shown, wire_of
from tests.support.family import AT_ONCE, Family, family
from tests.support.process import HOST, wait_until
from tests.support.proxy import Proxy
from tests.support.servers import Server, available_servers


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
