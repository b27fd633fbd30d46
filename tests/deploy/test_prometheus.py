"""A real Prometheus looks at two real nodes: what deploy/ asks it is answered, and what is said of nodes is so."""

import asyncio
import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.deploy.known import HISTOGRAMS, NODE, TARGET, asked, known_metrics, panels, plain
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import wait_until
from tests.support.prometheus import Prometheus
from tests.support.servers import Server, available_servers
from tests.support.wire import pair

Watched = tuple[Prometheus, list[NodeProcess]]


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    """Two nodes, on which a little of most things has happened."""
    if shutil.which("prometheus") is None:
        pytest.skip("there is no prometheus on this machine")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(available_servers()[0]))
        settings = {**NO_LIMITS, "CHAT_NODE_LEASE_SECONDS": "3"}
        nodes = [stack.enter_context(NodeProcess(server.url, settings)) for _ in range(2)]
        prometheus = stack.enter_context(Prometheus(nodes))
        wait_until(lambda: up(prometheus) == 2, "both nodes are scraped", timeout=30)
        people(prometheus, nodes)
        yield prometheus, nodes


def people(prometheus: Prometheus, nodes: list[NodeProcess]) -> None:
    """They talk until Prometheus has seen it twice, so that there are rates; and stay."""

    async def scenario() -> None:
        ada, bob, session = await pair(nodes[0].url, nodes[1].url)
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(seen):
                await ada.say(session, "hello")
                push = await bob.expect("PUSH_DIALOGUE_REQ")
                bob.acknowledge(push)
        await bob.viewed(session, 1)
        for wire in (ada, bob):
            wire.abort()

    def seen() -> bool:
        rates = (
            'sum(rate(chat_command_seconds_count{command="dialogue", code="0"}[1m]))',
            "sum(rate(chat_push_seconds_count[1m]))",
        )
        return all(value > 0 for rate in rates for _, value in prometheus.query(rate) or [({}, 0)])

    asyncio.run(scenario())


def up(prometheus: Prometheus) -> float:
    return sum(value for _, value in prometheus.query('up{job="chat"}'))


def test_every_expression_is_answered(watched: Watched) -> None:
    """Those of the rules, of the dashboard and of the adapter's rule."""
    for _, expression in asked():
        watched[0].query(plain(expression))


def test_rules_are_evaluated_and_nothing_is_wrong(watched: Watched) -> None:
    """No rule fails. Nobody watches Redis here, and nothing else is worth a word."""
    prometheus = watched[0]

    def evaluated() -> bool:
        groups = prometheus.ask("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return bool(rules) and all(rule["health"] != "unknown" for rule in rules)

    wait_until(evaluated, "every rule was evaluated", timeout=30)
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert not [rule for rule in rules if rule["health"] != "ok"]

    def worth_a_word() -> set[str]:
        return {alert["labels"]["alertname"] for alert in prometheus.ask("alerts")["alerts"]}

    # One of the two may have been seen before the other.
    wait_until(lambda: worth_a_word() <= {"ChatRedisUnwatched"}, "nothing is wrong", timeout=30)


def test_what_an_operator_looks_at_first_is_there(watched: Watched) -> None:
    """Each panel of the first row has its number."""
    prometheus = watched[0]
    for panel in [panel for panel in panels() if panel["type"] == "stat"]:
        (target,) = panel["targets"]
        values = [value for _, value in prometheus.query(plain(target["expr"]))]
        assert len(values) == 1, panel["title"]
        assert values[0] >= 0, panel["title"]
    ((_, ready),) = prometheus.query('sum(chat_ready{job="chat"})')
    assert ready == 2


def test_panels_name_their_lines(watched: Watched) -> None:
    """Each label of a legend is in what comes back."""
    for panel in panels():
        for target in panel["targets"]:
            for labels, _ in watched[0].query(plain(target["expr"])):
                wanted = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
                assert wanted <= labels.keys(), panel["title"]


def test_metrics_are_those_that_are_known(watched: Watched) -> None:
    """Each that tests/deploy/known.py has is there, and its series have these labels and no others."""
    prometheus = watched[0]
    scraped = prometheus.ask("metadata")
    for name in {**NODE, **HISTOGRAMS}:
        # In the newer of the two formats the name of a family has no suffix.
        assert name in scraped or re.sub("_(total|info)$", "", name) in scraped, name
    known = known_metrics()
    for labels in prometheus.ask("series", **{"match[]": '{__name__=~"chat_.+",job="chat"}'}):
        name = labels.pop("__name__")
        if not name.endswith("_created"):
            assert labels.keys() - TARGET == known[name], name


def test_promtool_finds_no_fault_with_the_exposition(watched: Watched) -> None:
    """Names, types and help are as Prometheus wants them."""
    _, text = watched[1][0].get("/metrics")
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if line.startswith("chat_")]
    assert not ours
