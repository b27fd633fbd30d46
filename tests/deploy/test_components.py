"""k8s/components/: what they add to the rest, when somebody's kustomization names them."""

import hashlib
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from tests.deploy.known import COMPONENTS, PROMETHEUS, complaints
from tests.deploy.manifests import VERSIONS, Objects, container, plain, render
from tests.support.balancer import replaced
from tests.support.nodes import ROOT
from tests.support.servers import Server, find_binary

NAMES = sorted(path.parent.name for path in COMPONENTS.glob("*/kustomization.yaml"))


def use(directory: Path, components: list[str], overlay: str = "") -> str:
    """What a kustomization in another place makes of base, or an overlay, and these."""
    away = Path(os.path.relpath(ROOT / "k8s", directory.resolve()))
    kustomization = {
        "resources": [str(away / overlay)],
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


@pytest.mark.parametrize("overlay", ["overlays/large", "overlays/cluster"])
def test_they_go_with_every_overlay(overlay: str, tmp_path: Path) -> None:
    """An exporter beside each Redis, whose user is added to the list that there is, and nodes and other Redis still
    get in."""
    text = use(tmp_path, NAMES, overlay)
    made = {(one["kind"], plain(one)): one for one in yaml.safe_load_all(text)}
    pod = made["StatefulSet", "redis"]["spec"]["template"]["spec"]
    assert [one["name"] for one in pod["initContainers"]] == ["users", "exporter-user"]
    assert [one["name"] for one in pod["containers"]] == ["redis", "exporter"]
    *others, anybody = made["NetworkPolicy", "redis"]["spec"]["ingress"]
    assert anybody == {"ports": [{"port": "metrics"}]}
    bare = {(one["kind"], plain(one)): one for one in yaml.safe_load_all(render(f"k8s/{overlay}"))}
    assert others == bare["NetworkPolicy", "redis"]["spec"]["ingress"]
    rendered = tmp_path / "rendered.yaml"
    rendered.write_text(text)
    validate = Path(sys.executable).parent / "kubernetes-validate"
    command: list[str | Path] = [validate, "--strict", "-k", VERSIONS[-1], rendered]
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


@pytest.mark.parametrize(("kind", "name"), [("Deployment", "node"), ("StatefulSet", "redis")])
def test_prometheus_finds_them(objects: Objects, kind: str, name: str) -> None:
    """By the namespace, the labels and the port that they have, with the operator and without."""
    workload = objects[kind, name]
    namespace = workload["metadata"]["namespace"]
    labels = workload["spec"]["template"]["metadata"]["labels"]
    ports = {port["name"] for one in containers(workload) for port in one.get("ports", [])}

    monitor = objects["PodMonitor", name]
    assert monitor["metadata"]["namespace"] == namespace
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] in ports
    relabelings = {one["targetLabel"]: one for one in endpoint["relabelings"]}

    said = yaml.safe_load((PROMETHEUS / "prometheus-k8s.yml").read_text())
    wanted = relabelings["job"]["replacement"]
    (job,) = [job for job in said["scrape_configs"] if job["job_name"] == wanted]
    (discovery,) = job["kubernetes_sd_configs"]
    assert discovery["namespaces"]["names"] == [namespace]
    kept = {
        one["source_labels"][0].removeprefix("__meta_kubernetes_pod_"): one["regex"]
        for one in job["relabel_configs"]
        if one.get("action") == "keep"
    }
    assert kept == {
        "label_app_kubernetes_io_name": labels["app.kubernetes.io/name"],
        "container_port_name": endpoint["port"],
    }
    # What the operator sets by itself; and the name that people find again.
    named = {
        one["target_label"]: one["source_labels"]
        for one in job["relabel_configs"]
        if "target_label" in one
    }
    assert named.keys() == {"namespace", "pod", "instance"}
    assert named["instance"] == relabelings["instance"]["sourceLabels"]


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


def test_the_exporter_is_confined_like_the_rest(objects: Objects) -> None:
    """No privileges, a read-only root, bounds; reached on its own port, Redis still by nodes alone."""
    for one in containers(objects["StatefulSet", "redis"]):
        guard = one["securityContext"]
        assert guard["allowPrivilegeEscalation"] is False
        assert guard["readOnlyRootFilesystem"] is True
        assert guard["capabilities"]["drop"] == ["ALL"]
        assert one["resources"]["limits"]["memory"]
    nodes, anybody = objects["NetworkPolicy", "redis"]["spec"]["ingress"]
    assert nodes["from"]
    assert nodes["ports"] == [{"port": "redis"}]
    assert anybody == {"ports": [{"port": "metrics"}]}


def test_the_exporter_can_ask_how_redis_is_and_nothing_else(
    objects: Objects, tmp_path: Path
) -> None:
    """The list of users that the pod makes, in a real Redis."""
    if find_binary("redis") is None:
        pytest.skip("there is no redis on this machine")
    users = tmp_path / "users.acl"
    for one in objects["StatefulSet", "redis"]["spec"]["template"]["spec"]["initContainers"]:
        script = one["command"][-1].replace("/given/", f"{ROOT}/k8s/base/")
        script = replaced(script, ("/etc/redis/users.acl", str(users)))
        digest = hashlib.sha256(b"secret").hexdigest()
        subprocess.run(["sh", "-c", script], env={**os.environ, "SHA256": digest}, check=True)
    with Server("redis", "--aclfile", str(users), username="exporter", password="secret") as server:
        with server.client() as exporter:
            assert {"maxmemory", "used_memory", "aof_last_write_status"} <= exporter.info().keys()
            for command in ("SLOWLOG GET", "KEYS *", "GET chat:x", "MONITOR", "CONFIG GET *"):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    exporter.execute_command(*command.split())
        with redis.Redis.from_url(server.url.replace("exporter:", "chat:")) as node:
            assert node.exists("chat:{0}:last") == 0


def containers(workload: Any) -> list[Any]:
    pod = workload["spec"]["template"]["spec"]
    return [*pod["containers"], *pod.get("initContainers", [])]
