"""deploy/prometheus/: what promtool says of it, and that it asks for nothing that does not exist."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.known import PROMETHEUS, asked, complaints, rules
from tests.support.balancer import replaced

CONFIGURATIONS = ("prometheus.yml", "prometheus-k8s.yml")


def promtool(*arguments: str | Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("there is no promtool on this machine")
    done = subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_when_they_should_and_not_otherwise() -> None:
    """The scenarios of chat-rules.test.yml."""
    promtool("test", "rules", PROMETHEUS / "chat-rules.test.yml")


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_prometheus_takes_the_configuration(name: str, tmp_path: Path) -> None:
    """And the rules that it names. Debian's Prometheus knows no Kubernetes: there a target stands for it."""
    text = (PROMETHEUS / name).read_text()
    if "kubernetes_sd_configs" in text:
        text, count = re.subn(
            r"kubernetes_sd_configs:\n +- role: pod\n +namespaces:\n +names: \[chat\]\n",
            "static_configs: [{targets: [node]}]\n",
            text,
        )
        assert count == 2
    else:
        text = replaced(text, ("/etc/prometheus/chat-nodes/*.yml", f"{tmp_path}/nodes/*.yml"))
    (tmp_path / name).write_text(text)
    (tmp_path / "nodes").mkdir()
    (tmp_path / "nodes" / "a.yml").write_text('- targets: ["10.0.0.11:8001"]\n')
    shutil.copy(PROMETHEUS / "chat-rules.yml", tmp_path)
    promtool("check", "config", tmp_path / name)


def test_jobs_have_the_names_that_rules_go_by() -> None:
    """In each way to find the nodes."""
    wanted = {'job="chat"', 'job="chat-redis"'}
    assert wanted == {name for rule in rules() for name in re.findall(r'job="[^"]*"', rule["expr"])}
    for name in CONFIGURATIONS:
        said = yaml.safe_load((PROMETHEUS / name).read_text())
        assert {f'job="{job["job_name"]}"' for job in said["scrape_configs"]} == wanted
        assert said["rule_files"] == ["chat-rules.yml"]


def test_every_series_is_of_one_of_these_jobs() -> None:
    """Whatever else the same Prometheus scrapes has its own file descriptors and its own Redis."""
    for rule in rules():
        selectors = re.findall(r"\b(?:chat|redis|process)_\w+|\bup\b", rule["expr"])
        assert len(selectors) == len(re.findall(r'\{job="chat', rule["expr"])), rule["alert"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_people_see_and_what_to_do(rule: Any) -> None:
    """And waits a moment, and how bad it is, and where more is written."""
    assert re.fullmatch(r"\d+m", rule["for"])
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    notes = rule["annotations"]
    assert notes.keys() == {"summary", "description", "runbook"}
    assert notes["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    assert len(notes["summary"]) < 80 < len(notes["description"])


def test_every_alert_fires_in_a_scenario() -> None:
    """Nobody adds one without."""
    scenarios = yaml.safe_load((PROMETHEUS / "chat-rules.test.yml").read_text())["tests"]
    fired = re.findall(r'alertname="(\w+)"', str(scenarios))
    assert set(fired) == {rule["alert"] for rule in rules()}


def test_what_is_asked_for_exists() -> None:
    """Metrics, their labels, and what those can be: in rules, dashboard and the adapter's rule."""
    assert not {where: wrong for where, said in asked() if (wrong := complaints(said))}


def test_what_does_not_exist_is_noticed() -> None:
    """A metric, a label, a value and a group that there are not."""
    assert complaints("sum(chat_rooms)") == ["no metric chat_rooms"]
    assert complaints('chat_sockets{code="1"}') == ["chat_sockets has no label code"]
    assert len(complaints('chat_command_seconds_count{code="42"}')) == 1
    assert len(complaints("chat_command_seconds")) == 1
    assert len(complaints("sum by (room) (chat_sockets)")) == 1
    assert not complaints("sum by (le, pod) (rate(chat_push_seconds_bucket[5m]))")
