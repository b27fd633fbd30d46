"""Workers that die, are let go of, or have lost their parent."""

import asyncio
import os
import signal
import socket
import time
from functools import partial

import pytest
from picows import WSHandshakeError

from tests.support.process import HOST, wait_until
from tests.support.servers import Server, available_servers
from tests.support.wire import Wire, pair
from tests.support.workers import QUICK, WorkersProcess, names, some_workers, wait_gone


def test_a_killed_worker_is_replaced() -> None:
    """At once, by a node with another name; its people come back at the same port, and nothing is lost."""

    async def scenario(workers: WorkersProcess) -> None:
        a, b, session = await pair(workers.url_of(1), workers.url_of(2))
        await b.say(session, "before")
        push = await a.expect("PUSH_DIALOGUE_REQ", content="before")
        assert (await a.say(session, "last words"))["code"] == 0
        workers.signal_worker(1, signal.SIGKILL)
        await a.closed()
        for number in range(5):
            assert (await b.say(session, str(number)))["code"] == 0
        await b.expect("PUSH_DIALOGUE_REQ", content="last words")
        again = await Wire.open(workers.url)
        answer = await again.take_over(a, push["seq"])
        assert answer["recovered"] is True
        for number in range(5):
            await again.expect("PUSH_DIALOGUE_REQ", content=str(number))
        await again.nothing_from(b, session)

    with some_workers(2) as (server, workers):
        before, pids = names(server), workers.pids()
        asyncio.run(scenario(workers))
        wait_until(lambda: len(names(server) - before) == 1, "a new node has its lease")
        wait_until(lambda: len(names(server)) == 2, "the dead one's lease has run out")
        assert len(before & names(server)) == 1
        assert f"worker 1 (process {pids[1]}) has ended by SIGKILL; it is started again now" in (
            workers.log()
        )
        wait_until(lambda: workers.sockets() == [0, 0], "both answer")
        assert workers.stop() == 0


def test_sigterm_lets_all_go() -> None:
    """Each drains as a node does: not ready, no new sockets, the others closed with 1001; exit code 0."""

    async def scenario(workers: WorkersProcess) -> None:
        wires = [await Wire.open(workers.url) for _ in range(20)]
        for wire in wires:
            await wire.create()
        assert min(await asyncio.to_thread(workers.sockets)) > 0
        workers.signal(signal.SIGTERM)
        ends = [asyncio.create_task(wire.closed(20)) for wire in wires]
        await asyncio.to_thread(
            wait_until, lambda: leaves(workers, 1) and leaves(workers, 2), "both leave"
        )
        assert (await asyncio.to_thread(workers.get, "/readyz"))[0] == 503
        assert (await asyncio.to_thread(workers.get, "/healthz"))[0] == 200
        with pytest.raises(WSHandshakeError):
            await Wire.open(workers.url)
        assert await asyncio.gather(*ends) == [1001] * 20

    with some_workers(2, CHAT_DRAIN_SECONDS="2") as (server, workers):
        asyncio.run(scenario(workers))
        assert workers.wait(10) == 0
        assert not names(server)
        assert "Traceback" not in workers.log()


def test_a_second_signal_hurries_all() -> None:
    """The rest is let go of at once, also with 1001."""

    async def scenario(workers: WorkersProcess) -> None:
        wires = [await Wire.open(workers.url) for _ in range(60)]
        workers.signal(signal.SIGTERM)
        ends = [asyncio.create_task(wire.closed(20)) for wire in wires]
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) < 60
        workers.signal(signal.SIGINT)
        async with asyncio.timeout(5):
            assert await asyncio.gather(*ends) == [1001] * 60

    with some_workers(2, CHAT_DRAIN_SECONDS="40") as (_, workers):
        asyncio.run(scenario(workers))
        assert workers.wait(10) == 0


def test_a_signal_for_every_process_hurries_nobody() -> None:
    """As systemd sends it to a whole unit: what a worker hears from its parent is not its second one."""

    async def scenario(workers: WorkersProcess) -> None:
        wires = [await Wire.open(workers.url) for _ in range(20)]
        began = time.monotonic()
        for pid in (workers.pid, *workers.pids().values()):
            os.kill(pid, signal.SIGTERM)
        assert await asyncio.gather(*[wire.closed(20) for wire in wires]) == [1001] * 20
        assert time.monotonic() - began > 1

    with some_workers(2, CHAT_DRAIN_SECONDS="2") as (_, workers):
        asyncio.run(scenario(workers))
        assert workers.wait(10) == 0


def test_a_worker_that_leaves_alone_turns_nobody_away() -> None:
    """It drains; whoever comes to the shared port gets in, and its successor comes."""

    async def scenario(workers: WorkersProcess) -> None:
        going = await Wire.open(workers.url_of(1))
        more = [await Wire.open(workers.url_of(1)) for _ in range(20)]
        pid = workers.signal_worker(1, signal.SIGTERM)
        ends = [asyncio.create_task(wire.closed(20)) for wire in (going, *more)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert (await asyncio.to_thread(workers.get_from, 1, "/readyz"))[0] == 503
        for _ in range(30):
            await Wire.open(workers.url)
        assert await asyncio.gather(*ends) == [1001] * 21
        await asyncio.to_thread(wait_gone, pid)
        await asyncio.to_thread(wait_until, lambda: comes_back(workers, 1), "there is another")
        assert "has ended with exit code 0; it is started again now" in workers.log()

    with some_workers(2, CHAT_DRAIN_SECONDS="2") as (_, workers):
        asyncio.run(scenario(workers))


def test_without_their_parent_workers_go() -> None:
    """They let go of the ports at once, so that another parent can have them, and drain in order."""

    async def scenario(workers: WorkersProcess) -> None:
        wires = [await Wire.open(workers.url) for _ in range(10)]
        ends = [asyncio.create_task(wire.closed(20)) for wire in wires]
        workers.kill()
        for port in range(workers.port, workers.port + 3):
            await asyncio.to_thread(wait_until, partial(is_free, port), f"{port} is free")
        assert not all(end.done() for end in ends)
        assert await asyncio.gather(*ends) == [1001] * 10

    with some_workers(2, CHAT_DRAIN_SECONDS="3") as (server, workers):
        pids = workers.pids()
        asyncio.run(scenario(workers))
        for pid in pids.values():
            wait_gone(pid)
        assert not names(server)
        assert "Traceback" not in workers.log()


def test_a_worker_that_cannot_begin_is_tried_again_ever_more_slowly() -> None:
    """While there is no Redis; and when there is one it is back."""
    with some_workers(2) as (server, workers):
        server.kill()
        workers.signal_worker(2, signal.SIGKILL)
        wait_until(lambda: 'is started again now"' in workers.log(), "at once")
        wait_until(lambda: 'is started again in 1 s"' in workers.log(), "not at once")
        assert workers.log().count("chat: ") == 1, "it says in one line why it could not"
        with socket.create_server((HOST, workers.port + 2)):  # somebody else takes its port
            wait_until(lambda: 'it is tried again in 2 s"' in workers.log(), "later still")
            assert f"worker 2: cannot listen on {HOST}:{workers.port + 2}" in workers.log()
            server.start()
        wait_until(lambda: comes_back(workers, 2), "it is back", timeout=20)
        assert workers.stop() == 0


class Impatient(WorkersProcess):
    """Its parent hardly waits after the drain time."""

    def _command(self) -> list[str]:
        python, _, _, *arguments = super()._command()
        code = (
            "import chat.cli, chat.workers.parent as p; p.LAST_SECONDS = 2; exit(chat.cli.main())"
        )
        return [python, "-c", code, *arguments]


def test_a_worker_that_does_not_end_is_killed() -> None:
    """A frozen one; the others have ended in order, and the exit code says that not all did."""
    with (
        Server(available_servers()[0]) as server,
        Impatient(server.url, 2, QUICK) as workers,
    ):
        pid = workers.signal_worker(2, signal.SIGSTOP)
        workers.signal(signal.SIGTERM)
        assert workers.wait(10) == 1
        wait_gone(pid)
        assert f"worker 2 (process {pid}) does not end" in workers.log()


def is_free(port: int) -> bool:
    """Whether another one can listen there."""
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def leaves(workers: WorkersProcess, at: int) -> bool:
    """Whether a worker says at its own port that it is not ready."""
    return workers.get_from(at, "/readyz")[0] == 503


def comes_back(workers: WorkersProcess, at: int) -> bool:
    """Whether a worker answers at its own port, and is ready."""
    try:
        return workers.get_from(at, "/readyz")[0] == 200
    except OSError:
        return False
