"""k8s/overlays/: what is there so that no host is lost twice, and nothing that was confirmed."""

import os
import re
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import DEFAULTS, K8S, container, plain, render, replicas
from tests.support.nodes import ROOT


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
