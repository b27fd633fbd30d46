"""``/metrics``: the names under which Prometheus finds what a node has counted.

All is read at the moment somebody asks. A pool's figures are those of the last lease there, and every node says
the same of them: a dashboard takes the maximum of the nodes for each pool, and the sum of the pools. A node without a
link to a pool says nothing of it, or what was so long ago would be that maximum.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from chat import __version__
from chat.commands import (
    Create,
    Dialogue,
    Leave,
    Match,
    MatchCancel,
    Reconnect,
    Typing,
    Viewed,
)
from chat.counts import CLOSED, SHORT, Counts, Histogram
from chat.errors import Close, Code
from chat.node import Node
from chat.store.figures import Figures

OPENMETRICS_TYPE = "application/openmetrics-text"
OPENMETRICS = f"{OPENMETRICS_TYPE};version=1.0.0"
"""The library is not given what a client sent: there are versions at which it raises."""
# A series that is not there until it counts 1 has no rate when it begins: so all that may be there are, at 0.
KNOWN_CODES = frozenset({*map(int, Close), 1005, 1006})
"""Of a close; a client may send any, and each would be a series."""
LIMITS = (
    "accounts_per_minute", "allowed_origins", "commands_per_second", "inbox_length",
    "sessions_per_account", "sockets_per_address", "sockets_without_account",
)  # fmt: skip
LIMITS_THAT_CLOSE = {
    "handshake_seconds": Close.NO_ACCOUNT,
    "unread_bytes": Close.TOO_SLOW,
}
OF_A_POOL: Sequence[tuple[str, str, Callable[[Figures], float]]] = (
    ("sessions", "Open sessions, on all nodes.", lambda pool: pool.sessions),
    ("waiting", "Accounts that wait for a stranger, on all nodes.", lambda pool: pool.waiting),
    (
        "longest_wait_seconds",
        "How long the first of them has waited.",
        lambda pool: pool.longest_ms / 1000,
    ),
    ("nodes", "Nodes that hold a lease.", lambda pool: pool.nodes),
)
NEVER = Histogram(SHORT)
USUAL_ANSWERS = frozenset(
    (command, code)
    for command in (Create, Reconnect, Match, MatchCancel, Dialogue, Viewed, Typing, Leave)
    for code in (Code.SUCCESS, Code.INTERNAL)
)


class Metrics:
    """The exposition of one node."""

    def __init__(self, node: Node) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(NodeCollector(node))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The text, and its content type, in the format that the Accept header wants."""
        encode, content_type = choose_encoder(OPENMETRICS if OPENMETRICS_TYPE in accept else "")
        return encode(self._registry), content_type


class NodeCollector(Collector):
    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        yield from _standing(self._node)
        yield from _sockets(self._node.counts)
        yield from _commands(self._node.counts)
        yield from _delivery(self._node.counts)
        yield from _rest(self._node.counts)


def _standing(node: Node) -> Iterator[Metric]:
    now = node.standing()
    yield InfoMetricFamily(
        "chat", "Which node this is.", {"node": node.name, "version": __version__}
    )
    yield _gauge("ready", "1 while people should be sent here.", now.ready)
    yield _gauge("sockets", "Open sockets.", now.sockets)
    yield _gauge("accounts", "Accounts whose socket is here.", now.accounts)
    yield _gauge(
        "link_up",
        "1 while there is a link to Redis, in a cluster to any of its servers.",
        now.open_calls is not None,
    )
    yield _gauge("link_open_calls", "Calls of Redis without an answer yet.", now.open_calls or 0)
    yield _pool_links(now.links)
    if now.pools:
        yield from _of_the_pools(now.pools)


def _pool_links(links: Mapping[int, bool]) -> Metric:
    gauge = GaugeMetricFamily(
        "chat_pool_link_up",
        "1 while there is a link to where the pool is: without it its people get code 2 here.",
        labels=["pool"],
    )
    for number, up in links.items():
        gauge.add_metric([str(number)], float(up))
    return gauge


def _of_the_pools(pools: Mapping[int, Figures]) -> Iterator[Metric]:
    accounts = GaugeMetricFamily(
        "chat_pool_accounts", "Accounts, on all nodes.", labels=["pool", "state"]
    )
    for number, pool in pools.items():
        accounts.add_metric([str(number), "online"], pool.accounts - pool.away)
        accounts.add_metric([str(number), "away"], pool.away)
    yield accounts
    for name, text, value in OF_A_POOL:
        gauge = GaugeMetricFamily(f"chat_pool_{name}", text, labels=["pool"])
        for number, pool in pools.items():
            gauge.add_metric([str(number)], value(pool))
        yield gauge


def _sockets(counts: Counts) -> Iterator[Metric]:
    yield _counter("sockets_opened", "Sockets admitted.", counts.opened)
    closed = {str(code): counts.closed[code] for code in KNOWN_CODES}
    closed["other"] = counts.closed.total() - sum(closed.values())
    yield _counters("sockets_closed", "Sockets gone, by close code.", "code", closed)
    refused = {limit: counts.limits[limit] for limit in LIMITS}
    by_closing = {limit: counts.closed[code] for limit, code in LIMITS_THAT_CLOSE.items()}
    yield _counters(
        "limits_hit",
        "Refusals and closes because of a limit, by the setting that it is.",
        "limit",
        {**refused, **by_closing},
    )


def _commands(counts: Counts) -> Iterator[Metric]:
    seconds = HistogramMetricFamily(
        "chat_command_seconds",
        "From a command's frame to its answer, by command and reply code.",
        labels=["command", "code"],
    )
    for command, code in USUAL_ANSWERS | counts.commands.keys():
        histogram = counts.commands.get((command, code), NEVER)
        labels = [_snake(command.__name__), "closed" if code == CLOSED else str(int(code))]
        seconds.add_metric(labels, *_buckets(histogram))
    yield seconds
    messages = counts.number(Dialogue, Code.SUCCESS)
    yield _counter("messages", "Messages confirmed; one that is repeated counts again.", messages)
    yield _counter("matches", "Sessions opened by commands of this node.", counts.match_wait.number)
    yield _histogram(
        "match_wait_seconds", "How long a partner had waited when paired.", counts.match_wait
    )


def _delivery(counts: Counts) -> Iterator[Metric]:
    yield _histogram(
        "push_seconds",
        "From Redis' publishing of a push until it was written to the socket; one in eight is measured,"
        " as exactly as half a round trip to Redis.",
        counts.pushes,
    )
    yield _counter(
        "gaps_filled", "Inboxes read because a push was missing, or may be.", counts.gaps_filled
    )
    yield _counter(
        "replayed_pushes", "Pushes written from an inbox, not as they came.", counts.replayed
    )


def _rest(counts: Counts) -> Iterator[Metric]:
    yield _counter("link_reconnects", "Links to Redis made anew.", counts.reconnects)
    yield _counter("sweeps", "Sweeps that found something.", counts.sweeps)
    swept = {name: counts.swept[name] for name in ("away", "ended")}
    yield _counters(
        "swept_accounts",
        "Accounts swept: away, their node was dead; ended, their grace time was over.",
        "outcome",
        swept,
    )
    yield _histogram("event_loop_lag_seconds", "How late a timer comes.", counts.lag)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"chat_{name}", text, float(value))


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"chat_{name}", text, float(value))


def _counters(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    counter = CounterMetricFamily(f"chat_{name}", text, labels=[label])
    for key, value in sorted(values.items()):
        counter.add_metric([key], value)
    return counter


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    metric = HistogramMetricFamily(f"chat_{name}", text, labels=[])
    metric.add_metric([], *_buckets(histogram))
    return metric


def _buckets(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    """As Prometheus counts: each bucket with all those below it."""
    bounds: Iterable[float] = (*histogram.bounds, float("inf"))
    buckets, number = [], 0
    for bound, count in zip(bounds, histogram.counts, strict=True):
        number += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound), float(number)))
    return buckets, histogram.total


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
