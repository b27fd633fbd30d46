"""What cannot be undercut here: the bare socket layer for a frame, and the bare function for a message."""

import asyncio
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

import redis

from tests.bench.crowd import Crowd
from tests.bench.dialects.echo import EchoPerson
from tests.bench.dialects.person import UNTIMED
from tests.bench.meter import cpu_ns
from tests.bench.phases import Figures, Span
from tests.bench.systems import Place, System, counterpart
from tests.bench.work import Work
from tests.contract.pool import Pool
from tests.support.process import HOST
from tests.support.servers import Server

ECHO = System("echo", "echo", counterpart("echo"), EchoPerson)
CALLS_AT_ONCE = 5_000
"""Until the inbox is emptied, as acknowledgements do all the time: not counted, and it stays small."""
CLIENTS, PIPELINE = 16, 16
"""Of redis-benchmark: about as many calls wait together as when nodes are busy."""
NO_BOUND = 10**9
CONTENT = UNTIMED.decode()
BENCHMARK = "redis-benchmark"


async def echo(place: Place, work: Work) -> Figures:
    """CPU for a frame that comes and goes, with as many sockets and frames under way as in the talks."""
    async with Crowd(place) as crowd:
        crowd.talkers = await crowd.come(2 * work.pairs)
        crowd.reply(work.pairs, work.window)
        await asyncio.sleep(work.warm)
        span = Span(place, crowd)
        await asyncio.sleep(work.busy)
        figures = span.messages("echo")
        await crowd.settle()
    return figures


class Overhearing:
    """A client that keeps the last command, so that it can be said again by somebody else."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self.last: tuple[object, ...] = ()

    def execute_command(self, *command: object) -> Any:
        self.last = command
        return self._client.execute_command(*command)  # type: ignore[no-untyped-call]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def say(server: Server, calls: int) -> Figures:
    """CPU of Redis for one call of the function that a message is, nobody listening; nothing where
    redis-benchmark is not here."""
    if shutil.which(BENCHMARK) is None:
        return {}
    server.flush()
    with server.client() as client:
        overhearing = Overhearing(client)
        pool = Pool(overhearing)
        bob, ada = pool.people("Bob", "Ada")
        session = pool.pair(bob, ada)
        for person in (bob, ada):
            person._listener.close()
        assert ada.say(session, CONTENT, room=NO_BOUND, written=0)[0] == 0
        command, used, done = overhearing.last, 0, 0
        while done < calls:
            used += _benchmark(server, command)
            done += CALLS_AT_ONCE
            pushes = int(pool.hash("account", bob.id)["seq"])
            assert pushes > done, "not every call was a message"
            bob.ack(pushes)
    return {"say_redis": used / done / 1e3}


def _benchmark(server: Server, command: Sequence[object]) -> int:
    """The ns that Redis takes for so many calls."""
    place = ["-h", HOST, "-p", server.port, "-q"]
    load = ["-n", CALLS_AT_ONCE, "-c", CLIENTS, "-P", PIPELINE]
    words = [part.decode() if isinstance(part, bytes) else str(part) for part in command]
    before = cpu_ns(server.pid)
    subprocess.run(
        [BENCHMARK, *map(str, (*place, *load)), *words], check=True, stdout=subprocess.DEVNULL
    )
    return cpu_ns(server.pid) - before
