"""k8s/: what kubectl makes of it, valid for every supported Kubernetes, and true to the program."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from chat.config import SETTINGS
from chat.store.address import Address
from chat.store.sentinel import Sentinels
from tests.support.balancer import PUBLIC, PUBLIC_FILES
from tests.support.nodes import ROOT

K8S = ROOT / "k8s"
VERSIONS = ("1.30.0", "1.37.0")
OVERLAYS = ("k8s", "k8s/overlays/small", "k8s/overlays/large", "k8s/overlays/cluster")
DEFAULTS = {setting.name: setting.default for setting in SETTINGS}
KNOWN = {f"CHAT_{name.upper()}" for name in DEFAULTS}

NAMES_ARE_TOLD_ON = [{"port": 53, "protocol": name} for name in ("UDP", "TCP")]

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


# By overlay: policy -> port -> who is let in there, and whom it reaches there.
ALONE = {"redis": ({"redis": {"node"}}, {}), "node": ({}, {"redis": {"redis"}})}
WATCHED = {"redis": {"redis"}, "sentinel": {"sentinel"}}
WATCHERS = {"node", "redis", "sentinel"}
TOGETHER = {"redis": {"redis"}, "bus": {"redis"}}
Reach = dict[str, set[str]]
REACH: dict[str, dict[str, tuple[Reach, Reach]]] = {
    "k8s": ALONE,
    "k8s/overlays/small": ALONE,
    "k8s/overlays/large": {
        "node": ({}, WATCHED),
        "redis": ({"redis": WATCHERS}, WATCHED),
        "sentinel": ({"sentinel": WATCHERS}, WATCHED),
    },
    "k8s/overlays/cluster": {
        "node": ({}, {"redis": {"redis"}}),
        "redis": ({"redis": {"node", "keeper", "redis"}, "bus": {"redis"}}, TOGETHER),
        "keeper": ({}, {"redis": {"redis"}}),
    },
}
NEEDS_NO_NAMES = {("k8s/overlays/cluster", "redis")}
"""Servers of a cluster know each other by address."""


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_who_reaches_whom(overlay: str) -> None:
    """On which port; nobody else is named, what one may reach lets it in, and whoever reaches others is told their
    names."""
    objects = {(one["kind"], plain(one)): one for one in yaml.safe_load_all(render(overlay))}
    policies = {
        name: one["spec"] for (kind, name), one in objects.items() if kind == "NetworkPolicy"
    }
    assert policies.keys() == REACH[overlay].keys()
    for name, (let_in, reached) in REACH[overlay].items():
        policy = policies[name]
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        if name == "node":
            assert policy["ingress"] == [{"ports": [{"port": "http"}]}]
        else:
            assert peers(policy.get("ingress", []), "from") == let_in
        assert peers(policy.get("egress", []), "to") == reached
        if reached and (overlay, name) not in NEEDS_NO_NAMES:
            assert {"ports": NAMES_ARE_TOLD_ON} in policy["egress"]
        for port, callees in reached.items():
            assert all(name in REACH[overlay][callee][0][port] for callee in callees)


def peers(rules: Any, side: str) -> Reach:
    """Whom the rules let in or out, by the port; names left out, which may be told by a cache on the host."""
    found: Reach = {}
    for rule in rules:
        if side not in rule:
            assert rule == {"ports": NAMES_ARE_TOLD_ON}
            continue
        selectors = [one["podSelector"]["matchLabels"] for one in rule[side]]
        (port,) = rule["ports"]
        assert port["port"] not in found
        found[port["port"]] = {labels["app.kubernetes.io/name"] for labels in selectors}
    return found


PORTS = {"node": ["http"], "redis": ["redis"], "sentinel": ["sentinel"], "keeper": []}


def test_labels_and_ports_that_are_referred_to_exist(objects: Objects) -> None:
    """Of policies, services and budgets: a misspelt one would select nothing, without a word."""
    pods = {
        name: one["spec"]["template"]
        for (kind, name), one in objects.items()
        if kind in {"Deployment", "StatefulSet"}
    }
    ports = {}
    for name, pod in pods.items():
        assert pod["metadata"]["labels"]["app.kubernetes.io/name"] == name
        ports[name] = [port["name"] for port in pod["spec"]["containers"][0].get("ports", [])]
        assert ports[name] == PORTS[name] + (
            ["bus"] if name == "redis" and "keeper" in pods else []
        )
    services = {name: one["spec"] for (kind, name), one in objects.items() if kind == "Service"}
    assert services.keys() == (pods.keys() - {"keeper"}) | ({"redis-any"} & services.keys())
    for name, service in services.items():
        pod_name = name.removesuffix("-any")
        assert service["selector"] == {"app.kubernetes.io/name": pod_name}
        (port,) = service["ports"]
        assert port.get("targetPort", port["name"]) in ports[pod_name]
    budgets = {name: one for (kind, name), one in objects.items() if kind == "PodDisruptionBudget"}
    for name, budget in budgets.items():
        assert budget["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/name": name}
        assert budget["spec"]["maxUnavailable"] == 1
    several = {name for name in pods if replicas(objects, name) != 1}
    assert budgets.keys() == several


def replicas(objects: Objects, name: str) -> int | None:
    """How many pods of that name there are; of nodes, the autoscaler says it."""
    kind = "StatefulSet" if ("StatefulSet", name) in objects else "Deployment"
    found: int | None = objects[kind, name]["spec"].get("replicas")
    return found


def test_variables_refer_to_those_before_them(objects: Objects) -> None:
    """$(NAME) of a variable that comes later stays as it is, without a word."""
    for workload in objects.values():
        if workload["kind"] in {"Deployment", "StatefulSet", "Job"}:
            known: set[str] = set()
            for variable in container(workload).get("env", []):
                assert set(re.findall(r"\$\((\w+)\)", variable.get("value", ""))) <= known
                known.add(variable["name"])


def test_nodes_find_redis(objects: Objects) -> None:
    """The address is one that the program takes, and its hosts are services, or pods of one, on their port."""
    env = {one["name"]: one.get("value") for one in container(objects["Deployment", "node"])["env"]}
    url = env["CHAT_REDIS_URL"].replace("$(REDIS_PASSWORD)", "secret")
    if url.startswith("redis+cluster"):
        found = urlsplit(url)
        assert (found.username, found.password, found.port) == ("chat", "secret", 6379)
        # Any Redis that is ready, at an address that stays.
        service = objects["Service", found.hostname or ""]["spec"]
        assert "clusterIP" not in service
        assert "publishNotReadyAddresses" not in service
        return
    if not url.startswith("redis+sentinel"):
        assert Address.parse(url).host == "redis"
        return
    places = [(one.host, one.port) for one in Sentinels.parse(url)._sentinels]
    assert places == [(f"sentinel-{number}.sentinel", 26379) for number in range(3)]


@pytest.mark.parametrize("overlay", ["k8s", "k8s/overlays/small"])
def test_one_redis_is_found_again_at_once(overlay: str) -> None:
    """It has an address of its own, not that of its pod, which another one has after a restart."""
    rendered = yaml.safe_load_all(render(overlay))
    objects = {(one["kind"], plain(one)): one for one in rendered}
    assert "clusterIP" not in objects["Service", "redis"]["spec"]


def test_the_large_overlay_loses_no_host_twice() -> None:
    """Three Redis and three sentinels, each kind on three hosts, started at once, on volumes of their own; their
    names are those of their pods."""
    objects = {
        (one["kind"], plain(one)): one for one in yaml.safe_load_all(render("k8s/overlays/large"))
    }
    for name, port in (("redis", 6379), ("sentinel", 26379)):
        spec = objects["StatefulSet", name]["spec"]
        assert (spec["replicas"], spec["podManagementPolicy"]) == (3, "Parallel")
        (rule,) = spec["template"]["spec"]["affinity"]["podAntiAffinity"][
            "requiredDuringSchedulingIgnoredDuringExecution"
        ]
        assert rule["topologyKey"] == "kubernetes.io/hostname"
        assert rule["labelSelector"]["matchLabels"] == {"app.kubernetes.io/name": name}
        assert spec["volumeClaimTemplates"]
        service = objects["Service", spec["serviceName"]]["spec"]
        assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)
        env = {
            one["name"]: one.get("value") for one in container(objects["StatefulSet", name])["env"]
        }
        assert env["SELF"] == f"$(POD).{name}:{port}"
        for kind, known in (("SENTINELS", 26379), ("PEERS", 6379)):
            if kind in env:
                pods = "sentinel" if kind == "SENTINELS" else "redis"
                assert env[kind].split() == [f"{pods}-{n}.{pods}:{known}" for n in range(3)]
    scaler = objects["HorizontalPodAutoscaler", "node"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (4, 50)


def test_the_cluster_overlay_loses_no_host_twice() -> None:
    """Six Redis on six hosts, started at once, on volumes of their own, with the names that the keeper knows; half of
    them primaries, which share the pools evenly. A primary that goes has the time to hand over and to stop."""
    objects = {
        (one["kind"], plain(one)): one for one in yaml.safe_load_all(render("k8s/overlays/cluster"))
    }
    spec = objects["StatefulSet", "redis"]["spec"]
    assert (spec["replicas"], spec["podManagementPolicy"]) == (6, "Parallel")
    (rule,) = spec["template"]["spec"]["affinity"]["podAntiAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert rule["topologyKey"] == "kubernetes.io/hostname"
    assert spec["volumeClaimTemplates"]
    service = objects["Service", "redis"]["spec"]
    assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)
    redis = container(objects["StatefulSet", "redis"])
    env = {one["name"]: one.get("value") for one in redis["env"]}
    assert env["SELF"] == "$(POD).redis:6379"
    ports = {port["name"]: port["containerPort"] for port in redis["ports"]}
    assert ports["bus"] == ports["redis"] + 10_000
    assert redis["lifecycle"]["preStop"]["exec"]["command"] == ["sh", "/given/stop.sh"]
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] >= 15 + 20 + 10
    keeper = container(objects["Deployment", "keeper"])
    assert keeper["image"] == container(objects["Deployment", "node"])["image"]
    told = {one["name"]: one.get("value") for one in keeper["env"]}
    assert told["PEERS"].split() == [f"redis-{n}.redis:6379" for n in range(6)]
    settings = objects["ConfigMap", "settings"]["data"]
    assert int(told["PRIMARIES"]) * 2 == spec["replicas"]
    assert int(settings["CHAT_POOLS"]) % int(told["PRIMARIES"]) == 0
    scaler = objects["HorizontalPodAutoscaler", "node"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (4, 50)


def test_the_cluster_grows_as_the_page_says(tmp_path: Path) -> None:
    """The kustomization in docs/operations.md makes eight pods, and the keeper knows all of them."""
    page = (ROOT / "docs" / "operations.md").read_text()
    text = page.partition("**Add a primary**")[2].partition("```yaml\n")[2].partition("```")[0]
    away = os.path.relpath(K8S, tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(text.replace("../k8s", away))
    rendered = yaml.safe_load_all(render(str(tmp_path)))
    objects = {(one["kind"], plain(one)): one for one in rendered}
    assert replicas(objects, "redis") == 8
    keeper = container(objects["Deployment", "keeper"])
    told = {one["name"]: one.get("value") for one in keeper["env"]}
    assert told["PEERS"].split() == [f"redis-{n}.redis:6379" for n in range(8)]
    assert told["PRIMARIES"] == "4"
    assert "KEEPER_PASSWORD" in told


@pytest.mark.parametrize("overlay", ["k8s/overlays/large", "k8s/overlays/cluster"])
def test_where_there_are_replicas_nodes_wait_for_one(overlay: str) -> None:
    """Before they confirm; and a primary that stands still is left by nodes before another takes over."""
    objects = {(one["kind"], plain(one)): one for one in yaml.safe_load_all(render(overlay))}
    assert objects["ConfigMap", "settings"]["data"]["CHAT_REPLICAS_TO_WAIT"] == "1"
    conf = (K8S / "overlays" / "cluster" / "cluster.conf").read_text()
    (timeout,) = re.findall(r"^cluster-node-timeout (\d+)$", conf, re.MULTILINE)
    assert int(timeout) > float(str(DEFAULTS["redis_timeout_seconds"])) * 1000


def test_the_public_sees_what_people_need() -> None:
    """And no more: not /metrics. The same paths that nginx and HAProxy let through."""
    for rule in ingress()["spec"]["rules"]:
        assert {path["path"] for path in rule["http"]["paths"]} == {*PUBLIC, PUBLIC_FILES}
        (files,) = (path for path in rule["http"]["paths"] if path["path"] == PUBLIC_FILES)
        assert files["pathType"] == "Prefix"


def test_an_ingress_of_nginx_takes_the_paths() -> None:
    """Its admission refuses all of an Ingress (strict-validate-path-type, on by default) for one path of a
    strict type that has other characters than these: no dot."""
    for rule in ingress()["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            strict = re.fullmatch(r"/[A-Za-z0-9_/-]*", path["path"]) is not None
            assert strict == (path["pathType"] in {"Exact", "Prefix"}), path["path"]


def ingress() -> Any:
    return yaml.safe_load((K8S / "base" / "ingress.yaml").read_text())


def container(workload: Any) -> Any:
    (found,) = workload["spec"]["template"]["spec"]["containers"]
    return found
