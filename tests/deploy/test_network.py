"""k8s/: who reaches whom, by which labels, ports and paths; and where nodes find Redis."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from chat.store.address import Address
from chat.store.sentinel import Sentinels
from tests.deploy.manifests import K8S, OVERLAYS, Objects, container, plain, render, replicas
from tests.support.balancer import PUBLIC, PUBLIC_FILES

NAMES_ARE_TOLD_ON = [{"port": 53, "protocol": name} for name in ("UDP", "TCP")]

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
