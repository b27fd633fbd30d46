"""Nodes on a Redis of their own, and what their ``/metrics`` says."""

import contextlib
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import wait_until
from tests.support.servers import Server, available_servers

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

QUICK = {**NO_LIMITS, "CHAT_NODE_LEASE_SECONDS": "1.5", "CHAT_REDIS_TIMEOUT_SECONDS": "1"}


@contextlib.contextmanager
def nodes(number: int, **settings: str) -> Iterator[tuple[Server, list[NodeProcess]]]:
    with Server(available_servers()[0]) as server, contextlib.ExitStack() as stack:
        started = [NodeProcess(server.url, {**QUICK, **settings}) for _ in range(number)]
        for node in started:
            stack.callback(node.close)
            node.launch()
        for node in started:
            node.wait_ready()
        yield server, started


def read(node: NodeProcess) -> Series:
    status, text = node.get("/metrics")
    assert status == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(series: Series, name: str, **labels: str) -> float:
    """0 where nothing has been counted yet."""
    return series.get((name, frozenset(labels.items())), 0.0)


def grows(node: NodeProcess, name: str, least: float, **labels: str) -> float:
    """What it is when it is as large as that."""
    wait_until(lambda: value(read(node), name, **labels) >= least, f"{name} {labels} is {least}")
    return value(read(node), name, **labels)
