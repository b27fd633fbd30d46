"""Containers of k8s/overlays/ that run a script of theirs have what it needs: variables, and files beside it."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.deploy.manifests import Objects, plain, render
from tests.deploy.scripts import GIVEN, files, needs


@pytest.fixture(scope="module", params=["large", "cluster"])
def overlay(request: pytest.FixtureRequest) -> tuple[str, Objects]:
    name: str = request.param
    rendered = yaml.safe_load_all(render(f"k8s/overlays/{name}"))
    return name, {(one["kind"], plain(one)): one for one in rendered}


def scripted(objects: Objects) -> Iterator[tuple[str, Any, Any]]:
    """Each script that is run, with its container and pod."""
    for workload in objects.values():
        if workload["kind"] not in {"Deployment", "StatefulSet"}:
            continue
        pod = workload["spec"]["template"]["spec"]
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            hook = container.get("lifecycle", {}).get("preStop", {}).get("exec", {})
            for command in (container.get("command", []), hook.get("command", [])):
                if command and command[-1].startswith(GIVEN):
                    yield command[-1].removeprefix(GIVEN), container, pod


def test_a_script_gets_what_it_needs(overlay: tuple[str, Objects]) -> None:
    """Each variable of it is in the environment of its container, each file in the ConfigMap that it is in."""
    name, objects = overlay
    scripts = set()
    for script, container, pod in scripted(objects):
        scripts.add(script)
        assert needs(name, script) <= {variable["name"] for variable in container["env"]}, script
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        (given,) = [
            one["name"] for one in container["volumeMounts"] if one["mountPath"] == "/given"
        ]
        made = volumes[given]["configMap"]["name"].rsplit("-", 1)[0]
        assert files(name, script) <= objects["ConfigMap", made]["data"].keys(), script
    assert (
        scripts
        == {
            "large": {"users.sh", "redis.sh", "sentinel.sh"},
            "cluster": {"users.sh", "redis.sh", "stop.sh", "keeper.py"},
        }[name]
    )


def test_every_word_of_the_users_gets_its_digest(overlay: tuple[str, Objects]) -> None:
    """Each login of the list has a secret, and a word that stays would be a user whom nobody can be."""
    _, objects = overlay
    users = "".join(
        text for name, text in objects["ConfigMap", "redis"]["data"].items() if name[-4:] == ".acl"
    )
    logins = [line.split()[1] for line in users.splitlines() if line.split()[3:4] != ["off"]]
    secrets = objects["Job", "password"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert sorted(f"redis-{login}" for login in set(logins) - {"default", "chat"}) == sorted(
        secrets[1:]
    )
    (container,) = [one for script, one, _ in scripted(objects) if script == "users.sh"]
    told = {one["name"]: one for one in container["env"]}
    for login in set(logins) - {"default", "chat"}:
        word = f"{login.upper()}_SHA256"
        assert f"#{word}" in users
        assert told[word]["valueFrom"]["secretKeyRef"] == {
            "name": f"redis-{login}",
            "key": "sha256",
        }
