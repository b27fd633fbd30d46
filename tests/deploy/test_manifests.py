"""k8s/: what kubectl makes of it, valid for every supported Kubernetes, and true to the program."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from chat.config import SETTINGS
from tests.support.balancer import PUBLIC, PUBLIC_FILES
from tests.support.nodes import ROOT

K8S = ROOT / "k8s"
VERSIONS = ("1.30.0", "1.37.0")
OVERLAYS = ("k8s", "k8s/overlays/small")
DEFAULTS = {setting.name: setting.default for setting in SETTINGS}
KNOWN = {f"CHAT_{name.upper()}" for name in DEFAULTS}

Objects = dict[tuple[str, str], Any]


@pytest.fixture(scope="module", params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> Objects:
    """What `kubectl apply -k` would send, by kind and name (without the digest of generated ones)."""
    rendered = yaml.safe_load_all(render(request.param))
    return {(one["kind"], plain(one)): one for one in rendered}


def render(directory: str) -> str:
    alone = shutil.which("kustomize", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if shutil.which("kubectl") is not None:
        command = ["kubectl", "kustomize", directory]
    elif alone is not None:
        command = [alone, "build", directory]
    else:
        pytest.skip("there is neither kubectl nor kustomize on this machine")
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def plain(manifest: Any) -> str:
    name: str = manifest["metadata"]["name"]
    return name.rsplit("-", 1)[0] if manifest["kind"] == "ConfigMap" else name


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_manifest_is_valid(overlay: str, version: str, tmp_path: Path) -> None:
    """Against the schemas of the oldest and the newest supported Kubernetes, nothing unknown in it."""
    rendered = tmp_path / "rendered.yaml"
    rendered.write_text(render(overlay))
    validate = Path(sys.executable).parent / "kubernetes-validate"
    command: list[str | Path] = [validate, "--strict", "-k", version, rendered]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_object_a_file_and_every_file_is_used() -> None:
    """A file has one object, and its kustomization names it."""
    for directory in (path.parent for path in K8S.rglob("kustomization.yaml")):
        said = yaml.safe_load((directory / "kustomization.yaml").read_text())
        manifests = {path.name for path in directory.glob("*.yaml")} - {"kustomization.yaml"}
        assert manifests == {name for name in said.get("resources", []) if name.endswith(".yaml")}
        for name in manifests:
            assert len(list(yaml.safe_load_all((directory / name).read_text()))) == 1


def test_nothing_secret_is_in_it(objects: Objects) -> None:
    """No Secret: its password is made in the cluster, by a job that can do nothing else."""
    assert not [kind for kind, _ in objects if kind == "Secret"]
    rules = objects["Role", "password"]["rules"]
    assert rules == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}]


def test_settings_are_those_of_the_program(objects: Objects) -> None:
    """Each CHAT_ name is one that the program knows."""
    node = container(objects["Deployment", "node"])
    names = {entry["name"] for entry in node["env"]} | set(objects["ConfigMap", "settings"]["data"])
    assert {name for name in names if name.startswith("CHAT_")} <= KNOWN


def test_ports_and_probes_are_those_of_the_program(objects: Objects) -> None:
    """Probes ask the routes that there are, on the port that the image listens on."""
    node = container(objects["Deployment", "node"])
    (port,) = node["ports"]
    assert f"CHAT_PORT={port['containerPort']}" in (ROOT / "Dockerfile").read_text()
    probes = {
        kind: node[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")
    }
    assert {kind: probe["path"] for kind, probe in probes.items()} == {
        "startup": "/readyz",
        "readiness": "/readyz",
        "liveness": "/healthz",
    }
    assert {probe["port"] for probe in probes.values()} == {port["name"]}
    assert objects["Service", "node"]["spec"]["ports"][0]["targetPort"] == port["name"]


def test_a_node_has_the_time_to_let_its_people_go(objects: Objects) -> None:
    """The grace period is longer than preStop and the drain together; none goes before another is ready."""
    pod = objects["Deployment", "node"]["spec"]["template"]["spec"]
    drain = float(objects["ConfigMap", "settings"]["data"]["CHAT_DRAIN_SECONDS"])
    pre_stop = container(objects["Deployment", "node"])["lifecycle"]["preStop"]["exec"]["command"]
    seconds = float(pre_stop[-1].partition("sleep(")[2].rstrip(")"))
    assert pod["terminationGracePeriodSeconds"] > seconds + drain
    rolling = objects["Deployment", "node"]["spec"]["strategy"]["rollingUpdate"]
    assert rolling["maxUnavailable"] == 0


def test_every_pod_is_confined(objects: Objects) -> None:
    """As the standard "restricted" wants it, and with a read-only root; each has requests and a bound."""
    kinds = {"Deployment", "StatefulSet", "Job"}
    workloads = [one for (kind, _), one in objects.items() if kind in kinds]
    assert len(workloads) == 3
    for workload in workloads:
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        for one in [*pod["containers"], *pod.get("initContainers", [])]:
            guard = one["securityContext"]
            assert guard["allowPrivilegeEscalation"] is False
            assert guard["readOnlyRootFilesystem"] is True
            assert guard["capabilities"]["drop"] == ["ALL"]
            assert one["resources"]["requests"]
            assert one["resources"]["limits"]["memory"]


def test_the_public_sees_what_people_need() -> None:
    """And no more: not /metrics. The same paths that nginx and HAProxy let through."""
    ingress = yaml.safe_load((K8S / "base" / "ingress.yaml").read_text())
    for rule in ingress["spec"]["rules"]:
        paths = {(path["path"], path["pathType"]) for path in rule["http"]["paths"]}
        assert paths == {(path, "Exact") for path in PUBLIC} | {(PUBLIC_FILES, "Prefix")}


def test_redis_is_reached_by_nodes_alone(objects: Objects) -> None:
    """And says nothing to anybody else."""
    policy = objects["NetworkPolicy", "redis"]["spec"]
    (rule,) = policy["ingress"]
    (peer,) = rule["from"]
    labels = objects["Deployment", "node"]["spec"]["template"]["metadata"]["labels"]
    assert peer["podSelector"]["matchLabels"].items() <= labels.items()
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy


def container(workload: Any) -> Any:
    (found,) = workload["spec"]["template"]["spec"]["containers"]
    return found
