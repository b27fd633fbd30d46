"""A Redis that answers but cannot take any more: no memory, no disk. Told, survived, nobody ended."""

import asyncio
import resource
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import wait_until
from tests.support.servers import Server, available_servers
from tests.support.wire import Wire, pair

QUICK = {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "0.5", "CHAT_NODE_LEASE_SECONDS": "1.5"}


@contextmanager
def house() -> Iterator[tuple[Server, NodeProcess, NodeProcess]]:
    with (
        Server(available_servers()[0], "--enable-protected-configs", "yes") as server,
        NodeProcess(server.url, QUICK) as node,
        NodeProcess(server.url, QUICK) as other,
    ):
        yield server, node, other


class SmallDisk(Server):
    """Its files cannot grow beyond what is set while it runs."""

    def _launch(self, command: Sequence[str], **options: Any) -> None:
        told_by_an_error = 'trap "" XFSZ; exec "$@"'
        super()._launch(["/bin/sh", "-c", told_by_an_error, "sh", *command], **options)

    def fill(self) -> None:
        """There is room for a few more messages."""
        used = max(file.stat().st_size for file in self.directory.rglob("*.aof"))
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (used + 4096, resource.RLIM_INFINITY))


async def goes_on(server: Server, a: Wire, b: Wire, session: int) -> None:
    """Both still have their socket and their session, and talk."""
    async with asyncio.timeout(10):
        while (answer := await a.say(session, "again", "r", retry=True))["code"] == 2:
            await a.nothing()
    assert answer["code"] == 0
    await b.expect("PUSH_DIALOGUE_REQ", content="again")
    await b.nothing_from(a, session)


def says(node: NodeProcess, status: int) -> bool:
    """Whether a load balancer would hear that of it."""
    return node.get("/readyz")[0] == status


def test_no_memory() -> None:
    """What would take more is refused with code 2, and said once in the log; what gives some back is
    done, or nothing would ever become free: acknowledging, leaving, going, coming back."""

    async def scenario(server: Server, node: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(node.url, other.url)
        c, d, ending = await pair(node.url, other.url)
        assert (await a.say(session, "before"))["code"] == 0
        push = await b.expect("PUSH_DIALOGUE_REQ", content="before")
        inbox = f"chat:{{0}}:inbox:{b.account_id}"
        with server.client() as client:
            client.config_set("maxmemory", "1mb")
            for _ in range(20):
                assert (await a.say(session, "again", "r"))["code"] == 2
            newcomer = await Wire.open(node.url)
            assert (await newcomer.request("CRT_ACCOUNT", nickName="x"))["code"] == 2
            b.acknowledge(push)
            await asyncio.to_thread(
                wait_until, lambda: client.xlen(inbox) == 0, "what has arrived is let go of"
            )
            assert (await c.leave(ending))["code"] == 0
            await d.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit", sessionId=ending)
            again = await Wire.open(node.url)
            assert (await again.take_over(d))["code"] == 0
            assert (await asyncio.to_thread(node.get, "/readyz"))[0] == 200
            client.config_set("maxmemory", "0")
        await goes_on(server, a, b, session)
        assert node.log().count("Redis refuses say") == 1

    with house() as (server, node, other):
        asyncio.run(scenario(server, node, other))


def test_no_disk() -> None:
    """Redis refuses all writing when it could not save: code 2, not ready; sockets and sessions outlast
    it, although every lease has run out meanwhile."""

    async def scenario(server: Server, node: NodeProcess, other: NodeProcess) -> None:
        a, b, session = await pair(node.url, other.url)
        with server.client() as client:
            client.config_set("save", "3600 1")
            shutil.rmtree(server.directory)
            client.bgsave()
            await asyncio.to_thread(
                wait_until,
                lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err",
                "saving has failed",
            )
            assert (await a.say(session, "again", "r"))["code"] == 2
            for each in node, other:
                await asyncio.to_thread(wait_until, partial(says, each, 503), "not ready")
            server.directory.mkdir()
            client.config_set("dir", str(server.directory))
            client.bgsave()
        for each in node, other:
            await asyncio.to_thread(wait_until, partial(says, each, 200), "ready again")
        await goes_on(server, a, b, session)

    with house() as (server, node, other):
        asyncio.run(scenario(server, node, other))


def test_no_disk_where_every_write_is_synced() -> None:
    """With ``appendfsync always`` Redis ends when it cannot write. It goes on when it is started with room again,
    and what was confirmed before that has arrived."""

    async def scenario(server: SmallDisk, node: NodeProcess) -> None:
        a, b, session = await pair(node.url, node.url)
        server.fill()
        confirmed = 0
        while (await a.say(session, "hello"))["code"] == 0:
            confirmed += 1
            b.acknowledge(await b.expect("PUSH_DIALOGUE_REQ"))
        assert confirmed > 1
        await asyncio.to_thread(wait_until, lambda: not server.running, "Redis has ended")
        assert server.exit_code == 1
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(wait_until, partial(says, node, 200), "ready again")
        await goes_on(server, a, b, session)

    always = "--appendfsync", "always"
    with (
        SmallDisk(available_servers()[0], *always, appendonly=True) as server,
        NodeProcess(server.url, QUICK) as node,
    ):
        asyncio.run(scenario(server, node))
