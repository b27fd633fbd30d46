"""k8s/: what kubectl makes of it, valid for every supported Kubernetes, and true to the program (who reaches whom:
test_network; what an overlay adds: test_overlays)."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import DEFAULTS, K8S, OVERLAYS, VERSIONS, Objects, container, render
from tests.support.nodes import ROOT

KNOWN = {f"CHAT_{name.upper()}" for name in DEFAULTS}


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
        files = [*directory.glob("*.yaml"), *directory.glob("patches/*.yaml")]
        manifests = {str(file.relative_to(directory)) for file in files} - {"kustomization.yaml"}
        named = [
            *said.get("resources", []),
            *(patch.get("path", "") for patch in said.get("patches", [])),
        ]
        assert manifests == {name for name in named if name.endswith(".yaml")}
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
    pod = objects["Deployment", "node"]["spec"]["template"]["spec"]
    assert pod["enableServiceLinks"] is False  # a service "chat" would bring CHAT_PORT=tcp://…


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
    workloads = {name: one for (kind, name), one in objects.items() if kind in kinds}
    assert (
        {"node", "redis", "password"}
        <= workloads.keys()
        <= {"node", "redis", "password", "sentinel", "keeper"}
    )
    for workload in workloads.values():
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


def test_variables_refer_to_those_before_them(objects: Objects) -> None:
    """$(NAME) of a variable that comes later stays as it is, without a word."""
    for workload in objects.values():
        if workload["kind"] in {"Deployment", "StatefulSet", "Job"}:
            known: set[str] = set()
            for variable in container(workload).get("env", []):
                assert set(re.findall(r"\$\((\w+)\)", variable.get("value", ""))) <= known
                known.add(variable["name"])
