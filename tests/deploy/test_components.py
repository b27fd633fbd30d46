"""k8s/components/: what they add to the rest, when somebody's kustomization names them."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.known import COMPONENTS, PROMETHEUS, complaints
from tests.deploy.test_manifests import VERSIONS, Objects, container, plain, render
from tests.support.nodes import ROOT

NAMES = sorted(path.parent.name for path in COMPONENTS.glob("*/kustomization.yaml"))


def use(directory: Path, components: list[str]) -> str:
    """What a kustomization in another place makes of base and these."""
    away = Path(os.path.relpath(ROOT / "k8s", directory.resolve()))
    kustomization = {
        "resources": [str(away)],
        "components": [str(away / "components" / name) for name in components],
    }
    (directory / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return render(str(directory))


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return {(one["kind"], plain(one)): one for one in yaml.safe_load_all(use(tmp_path, NAMES))}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", NAMES)
def test_every_component_is_valid(name: str, version: str, tmp_path: Path) -> None:
    """What Kubernetes has a schema for: what is of the operator has none there."""
    rendered = tmp_path / "rendered.yaml"
    rendered.write_text(use(tmp_path, [name]))
    validate = Path(sys.executable).parent / "kubernetes-validate"
    command: list[str | Path] = [validate, "--strict", "-k", version, rendered]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_base_does_without(tmp_path: Path) -> None:
    """No kinds that a cluster may not know, no metric that nobody may answer for."""
    made = list(yaml.safe_load_all(use(tmp_path, [])))
    assert not [one for one in made if "monitoring" in one["apiVersion"]]
    (autoscaler,) = [one for one in made if one["kind"] == "HorizontalPodAutoscaler"]
    assert [metric["type"] for metric in autoscaler["spec"]["metrics"]] == ["Resource"]


def test_the_operator_gets_the_rules_word_for_word(objects: Objects) -> None:
    """rules.yaml is what as_prometheus_rule.py makes; nobody writes it."""
    made = runpy.run_path(str(PROMETHEUS / "as_prometheus_rule.py"))
    assert made["MADE"].read_text() == made["prometheus_rule"]()
    rules = yaml.safe_load((PROMETHEUS / "chat-rules.yml").read_text())
    assert objects["PrometheusRule", "chat"]["spec"] == rules


def test_the_operator_finds_the_nodes(objects: Objects) -> None:
    """By the labels, the namespace and the port that they have."""
    node = objects["Deployment", "node"]
    monitor = objects["PodMonitor", "node"]
    assert monitor["metadata"]["namespace"] == node["metadata"]["namespace"]
    labels = node["spec"]["template"]["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["path"] == "/metrics"
    assert endpoint["port"] in {port["name"] for port in container(node)["ports"]}


def test_every_way_to_find_nodes_gives_the_same_names(objects: Objects) -> None:
    """Job and instance, by which rules and dashboard go."""
    said = yaml.safe_load((PROMETHEUS / "prometheus-k8s.yml").read_text())
    job = next(job for job in said["scrape_configs"] if job["job_name"] == "chat")
    (discovery,) = job["kubernetes_sd_configs"]
    assert discovery["namespaces"]["names"] == [
        objects["Deployment", "node"]["metadata"]["namespace"]
    ]
    named = {
        rule["target_label"]: rule["source_labels"]
        for rule in job["relabel_configs"]
        if "target_label" in rule
    }
    (endpoint,) = objects["PodMonitor", "node"]["spec"]["podMetricsEndpoints"]
    (instance,) = [rule for rule in endpoint["relabelings"] if rule["targetLabel"] == "instance"]
    assert named["instance"] == instance["sourceLabels"] == ["__meta_kubernetes_pod_name"]
    assert {"namespace", "pod"} <= named.keys()
    kept = {
        rule["source_labels"][0].removeprefix("__meta_kubernetes_pod_"): rule["regex"]
        for rule in job["relabel_configs"]
        if rule.get("action") == "keep"
    }
    labels = objects["Deployment", "node"]["spec"]["template"]["metadata"]["labels"]
    assert kept == {
        "label_app_kubernetes_io_name": labels["app.kubernetes.io/name"],
        "container_port_name": endpoint["port"],
    }


def test_annotations_say_where_metrics_are(objects: Objects) -> None:
    """On the port that the program listens on."""
    template = objects["Deployment", "node"]["spec"]["template"]
    (port,) = container(objects["Deployment", "node"])["ports"]
    assert template["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/path": "/metrics",
        "prometheus.io/port": str(port["containerPort"]),
    }


def test_the_autoscaler_counts_sockets_too(objects: Objects) -> None:
    """Beside the CPU, by a metric that a node has and the adapter's rule gives."""
    metrics = objects["HorizontalPodAutoscaler", "node"]["spec"]["metrics"]
    assert [metric["type"] for metric in metrics] == ["Resource", "Pods"]
    name: Any = metrics[1]["pods"]["metric"]["name"]
    assert not complaints(name)
    (rule,) = yaml.safe_load((PROMETHEUS / "adapter-rule.yml").read_text())["rules"]
    assert rule["name"]["as"] == name
    assert rule["seriesQuery"].startswith(f"{name}{{")
