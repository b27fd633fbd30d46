"""What there is to ask Prometheus for: the metrics of a node and of redis_exporter, with their labels."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from chat.errors import Close, Code
from tests.support.nodes import ROOT
from tests.support.promql import parse

PROMETHEUS = ROOT / "deploy" / "prometheus"
COMPONENTS = ROOT / "k8s" / "components"

# What Prometheus gives each of them: by the configurations in deploy/prometheus/ and by the operator.
TARGET = {"job", "instance", "namespace", "pod"}

NODE: dict[str, set[str]] = {
    "chat_info": {"node", "version"},
    "chat_ready": set(),
    "chat_sockets": set(),
    "chat_accounts": set(),
    "chat_link_up": set(),
    "chat_link_open_calls": set(),
    "chat_pool_link_up": {"pool"},
    "chat_pool_accounts": {"pool", "state"},
    "chat_pool_waiting": {"pool"},
    "chat_pool_longest_wait_seconds": {"pool"},
    "chat_pool_sessions": {"pool"},
    "chat_pool_nodes": {"pool"},
    "chat_sockets_opened_total": set(),
    "chat_sockets_closed_total": {"code"},
    "chat_messages_total": set(),
    "chat_matches_total": set(),
    "chat_limits_hit_total": {"limit"},
    "chat_gaps_filled_total": set(),
    "chat_replayed_pushes_total": set(),
    "chat_link_reconnects_total": set(),
    "chat_sweeps_total": set(),
    "chat_swept_accounts_total": {"outcome"},
    "process_resident_memory_bytes": set(),
    "process_cpu_seconds_total": set(),
    "process_open_fds": set(),
    "process_max_fds": set(),
    "process_start_time_seconds": set(),
}
HISTOGRAMS: dict[str, set[str]] = {
    "chat_command_seconds": {"command", "code"},
    "chat_match_wait_seconds": set(),
    "chat_push_seconds": set(),
    "chat_event_loop_lag_seconds": set(),
}

# https://github.com/oliver006/redis_exporter
REDIS: dict[str, set[str]] = {
    "redis_up": set(),
    "redis_memory_used_bytes": set(),
    "redis_memory_max_bytes": set(),
    "redis_connected_clients": set(),
    "redis_commands_processed_total": set(),
    "redis_cpu_sys_seconds_total": set(),
    "redis_cpu_user_seconds_total": set(),
    "redis_evicted_keys_total": set(),
    "redis_aof_last_write_status": set(),
    "redis_connected_slaves": set(),
    "redis_instance_info": {"role"},
    "redis_cluster_slots_ok": set(),
}

# Prometheus' own.
OWN: dict[str, set[str]] = {"up": set(), "ALERTS": {"alertname", "alertstate", "severity"}}

COMMANDS = "create reconnect match match_cancel dialogue viewed typing leave ping malformed"
LIMITS = (
    "commands_per_second sockets_per_address sockets_without_account accounts_per_minute"
    " inbox_length sessions_per_account handshake_seconds unread_bytes allowed_origins"
)
# (metric, label) -> what that label can be, where that is known.
VALUES: dict[tuple[str, str], set[str]] = {
    ("chat_pool_accounts", "state"): {"online", "away"},
    ("chat_sockets_closed_total", "code"): {str(int(code)) for code in Close}
    | {"1005", "1006", "other"},
    ("chat_limits_hit_total", "limit"): set(LIMITS.split()),
    ("chat_swept_accounts_total", "outcome"): {"away", "ended"},
    ("chat_command_seconds", "command"): set(COMMANDS.split()),
    ("chat_command_seconds", "code"): {str(int(code)) for code in Code if code >= 0} | {"closed"},
}

HISTOGRAM_PARTS = re.compile(r"_(bucket|sum|count)$")


def known_metrics() -> dict[str, set[str]]:
    """The labels of each series, as Prometheus stores it."""
    known = {**NODE, **REDIS, **OWN}
    for name, labels in HISTOGRAMS.items():
        known |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
    return known


def complaints(expression: str) -> list[str]:
    """What it asks for that does not exist."""
    known, query = known_metrics(), parse(plain(expression))
    found = []
    grouped: set[str] = set()
    for name, matchers in query.metrics:
        if name not in known:
            found.append(f"no metric {name}")
            continue
        labels = known[name] | TARGET
        grouped |= labels
        for matcher in matchers:
            if matcher.label not in labels:
                found.append(f"{name} has no label {matcher.label}")
            values = VALUES.get((HISTOGRAM_PARTS.sub("", name), matcher.label))
            if values is not None and not set(matcher.values()) <= values:
                found.append(f"{name} never has {matcher.label}={matcher.value}")
    found += [f"no label {label} in {expression}" for label in query.labels - grouped]
    return found


def plain(expression: str) -> str:
    """Without what Grafana and prometheus-adapter put in."""
    for old, new in (
        ("$job", "chat"),
        ("$node", ".*"),
        ("$redis", ".*"),
        ("$__rate_interval", "1m"),
        ("<<.GroupBy>>", "pod"),
        ("<<.LabelMatchers>>", 'namespace="chat"'),
    ):
        expression = expression.replace(old, new)
    return expression


def rules() -> list[Any]:
    loaded = yaml.safe_load((PROMETHEUS / "chat-rules.yml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def dashboard() -> Any:
    return json.loads((ROOT / "deploy" / "grafana" / "chat.json").read_text())


def panels() -> list[Any]:
    """Those that show something."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def asked() -> Iterator[tuple[str, str]]:
    """Each expression that is in the rules, the dashboard and the adapter's rule, with where it is."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for annotation in dashboard()["annotations"]["list"]:
        if "expr" in annotation:
            yield annotation["name"], annotation["expr"]
    for rule in yaml.safe_load((PROMETHEUS / "adapter-rule.yml").read_text())["rules"]:
        yield "adapter", rule["seriesQuery"]
        yield "adapter", rule["metricsQuery"]
