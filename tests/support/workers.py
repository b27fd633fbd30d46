"""``chat serve --workers N`` for tests: the parent as a process of its own, and what it has started."""

import contextlib
import http.client
import os
import secrets
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import HOST, wait_until
from tests.support.servers import Server, available_servers

QUICK = {
    **NO_LIMITS,
    "CHAT_NODE_LEASE_SECONDS": "1.5",
    "CHAT_REDIS_TIMEOUT_SECONDS": "1",
    "CHAT_DRAIN_SECONDS": "0",
}


class WorkersProcess(NodeProcess):
    """Worker ``at`` (from 1 on) also listens alone, ``at`` ports behind the shared one."""

    def __init__(self, redis_url: str, number: int, env: Mapping[str, str]) -> None:
        super().__init__(redis_url, env, 0, "--workers", str(number))
        self.number = number

    def ready(self) -> bool:
        return "chat nodes with the shared Redis" in self.log_since_start() and super().ready()

    def url_of(self, at: int) -> str:
        return f"ws://{HOST}:{self.port + at}/ws"

    def get_from(self, at: int, path: str, timeout: float = 2) -> tuple[int, str]:
        """Of one worker alone."""
        return get(self.port + at, path, timeout)

    def figure(self, at: int, name: str) -> float:
        """The sum of a metric of one worker, over its labels."""
        status, text = self.get_from(at, "/metrics")
        assert status == 200
        families = text_string_to_metric_families(text)
        samples = (sample for family in families for sample in family.samples)
        return sum(sample.value for sample in samples if sample.name == name)

    def sockets(self) -> list[int]:
        """How many each worker has."""
        return [int(self.figure(at, "chat_sockets")) for at in range(1, self.number + 1)]

    def pids(self) -> dict[int, int]:
        """The processes of the workers that run now, by their number."""
        found = {}
        for pid in children_of(self.pid):
            with contextlib.suppress(OSError):
                said = Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"--as-worker=")[2]
                if said:
                    found[int(said.partition(b":")[0])] = pid
        return found

    def signal_worker(self, at: int, number: signal.Signals) -> int:
        """Which process it was."""
        pid = self.pids()[at]
        os.kill(pid, number)
        return pid

    def close(self) -> None:
        """At once, with all workers, also frozen ones."""
        pids = self.pids().values() if self.running else ()
        if self.running:
            self.kill()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        super().close()


@contextlib.contextmanager
def some_workers(number: int, **settings: str) -> Iterator[tuple[Server, WorkersProcess]]:
    """For one test, on a Redis of its own."""
    with (
        Server(available_servers()[0]) as server,
        WorkersProcess(server.url, number, {**QUICK, **settings}) as workers,
    ):
        yield server, workers


def names(server: Server) -> set[str]:
    """Of the nodes that hold a lease, or have lost it without anybody having noticed."""
    with server.client(decode_responses=True) as client:
        return set(client.zrange("chat:{0}:nodes", 0, -1))


def some_port() -> int:
    """It and the next are free: no other test looks for one there, and no outgoing connection has one."""
    return 12_000 + secrets.randbelow(7_000)


def get(port: int, path: str, timeout: float = 2) -> tuple[int, str]:
    """Status and body of an HTTP GET."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()


def children_of(pid: int) -> list[int]:
    """The processes that this one has started and that run (Linux)."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid: int) -> bool:
    """Whether a process has ended; nobody may have asked for its exit code yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # before it is opened, or before it is read
        return True
    return state in "ZX"


def wait_gone(pid: int, timeout: float = 10) -> None:
    wait_until(lambda: gone(pid), f"process {pid} has ended", timeout=timeout)
