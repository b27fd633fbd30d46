"""Several workers on one port: who gets what, and what each says of itself."""

import asyncio
import json
import re
import signal

from tests.support.nodes import NodeProcess
from tests.support.process import HOST
from tests.support.servers import Server, available_servers
from tests.support.wire import Wire, pair
from tests.support.workers import WorkersProcess, children_of, get, names, some_port, some_workers


def test_every_worker_gets_its_part() -> None:
    """Of those who come all at once, and of those who come one after the other."""

    async def scenario(workers: WorkersProcess) -> None:
        for round_ in range(2):
            await asyncio.gather(*[Wire.open(workers.url) for _ in range(100)])
            for _ in range(100):
                await Wire.open(workers.url)
            found = await asyncio.to_thread(workers.sockets)
            assert sum(found) == 200 * (round_ + 1)
            assert min(found) > 20 * (round_ + 1), found

    with some_workers(3) as (_, workers):
        asyncio.run(scenario(workers))


def test_a_frozen_worker_keeps_nobody_waiting() -> None:
    """Although it has the fewest sockets: the others take what comes to the shared port."""

    async def scenario(workers: WorkersProcess) -> None:
        workers.signal_worker(1, signal.SIGSTOP)
        try:
            for _ in range(30):
                wire = await Wire.open(workers.url)
                assert (await wire.create())["code"] == 0
        finally:
            workers.signal_worker(1, signal.SIGCONT)

    with some_workers(2) as (_, workers):
        asyncio.run(scenario(workers))


def test_people_of_different_workers_talk() -> None:
    """Each worker is a node of its own, with a lease and a name."""

    async def scenario(workers: WorkersProcess) -> None:
        a, b, session = await pair(workers.url_of(1), workers.url_of(2))
        for number in range(5):
            assert (await a.say(session, f"from a {number}"))["code"] == 0
            await b.expect("PUSH_DIALOGUE_REQ", content=f"from a {number}")
            assert (await b.say(session, f"from b {number}"))["code"] == 0
            await a.expect("PUSH_DIALOGUE_REQ", content=f"from b {number}")

    with some_workers(2) as (server, workers):
        assert len(names(server)) == 2
        asyncio.run(scenario(workers))


def test_each_worker_has_metrics_of_its_own() -> None:
    """At its own port, with the name of its node; the shared one has none, because it would be anybody's."""
    with some_workers(2) as (server, workers):
        told = [workers.get_from(at, "/metrics")[1] for at in (1, 2)]
        found = {name for text in told for name in re.findall(r'chat_info{node="([^"]+)"', text)}
        assert found == names(server)
        starts = {workers.figure(at, "process_start_time_seconds") for at in (1, 2)}
        assert len(starts) == 2
        assert workers.get("/metrics")[0] == 404
        for path in "/", "/healthz", "/readyz":
            assert workers.get(path)[0] == workers.get_from(1, path)[0] == 200


def test_each_line_says_which_worker_wrote_it() -> None:
    """And the parent's lines have no number."""
    with some_workers(2) as (_, workers):
        lines = [json.loads(line) for line in workers.log().splitlines()]
        for at in 1, 2:
            (line,) = [line["message"] for line in lines if line.get("worker") == at]
            assert line.endswith(f"alone at http://{HOST}:{workers.port + at}/")
        (line,) = [line["message"] for line in lines if "worker" not in line]
        assert line == f"open {workers.http}/ - 2 chat nodes with the shared Redis"


def test_own_ports_may_be_elsewhere() -> None:
    """From the port on that is set for them."""
    first = some_port()
    with some_workers(2, CHAT_WORKER_PORT=str(first)):
        for at in range(2):
            assert get(first + at, "/readyz")[0] == 200


def test_one_worker_is_a_node_as_any_other() -> None:
    """No parent, and metrics where they always were."""
    with (
        Server(available_servers()[0]) as server,
        NodeProcess(server.url, {"CHAT_WORKERS": "1"}) as node,
    ):
        assert not children_of(node.pid)
        assert node.get("/metrics")[0] == 200
        assert "worker" not in node.log()
