"""deploy/compose.sentinel.yaml and compose.cluster.yaml: the scripts of the overlays with all that they need, as far
as that can be seen without an engine."""

import hashlib
import re
from typing import Any

import pytest
import yaml

from chat.config import SETTINGS
from chat.store.place import place_of
from tests.deploy.scripts import GIVEN, files, needs
from tests.support.nodes import ROOT

DEPLOY = ROOT / "deploy"
OVERLAY = {"sentinel": "large", "cluster": "cluster"}
DEFAULTS = {setting.name: setting.default for setting in SETTINGS}

Compose = tuple[str, dict[str, Any]]


@pytest.fixture(params=OVERLAY)
def compose(request: pytest.FixtureRequest) -> Compose:
    name: str = request.param
    return name, yaml.safe_load((DEPLOY / f"compose.{name}.yaml").read_text())


def services(compose: Compose, prefix: str) -> dict[str, Any]:
    found = compose[1]["services"]
    return {name: one for name, one in found.items() if name.startswith(prefix)}


def scripts(service: Any) -> set[str]:
    """The scripts that it runs."""
    hooks = [hook["command"] for hook in service.get("pre_stop", [])]
    return set(
        re.findall(
            rf"{GIVEN}([\w.]+)", str([service.get("command"), service.get("entrypoint"), hooks])
        )
    )


def test_everything_that_is_named_is_there(compose: Compose) -> None:
    """Files, volumes, networks, services; and each is used. Nothing but nodes' settings in the file of settings."""
    _, said = compose
    used: dict[str, set[str]] = {"volumes": set(), "configs": set(), "networks": set()}
    for service in said["services"].values():
        used["networks"] |= set(service["networks"])
        used["configs"] |= {one["source"] for one in service.get("configs", [])}
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).is_file(), source
            else:
                used["volumes"].add(source)
        assert set(service.get("depends_on", [])) <= said["services"].keys()
        if "env_file" in service:
            assert (DEPLOY / service["env_file"]).is_file()
    for kind, names in used.items():
        assert names == said[kind].keys()
    for one in said["configs"].values():
        assert (DEPLOY / one["file"]).is_file(), one


def test_scripts_and_configurations_are_those_of_the_overlay(compose: Compose) -> None:
    """The same files, and for each script all that it needs: variables, and what lies beside it."""
    name, said = compose
    for service in [one for one in said["services"].values() if scripts(one)]:
        given = {one["target"].removeprefix(GIVEN) for one in service["configs"]}
        for script in scripts(service):
            assert needs(OVERLAY[name], script) <= environment(service), script
            assert files(OVERLAY[name], script) <= given, script
    for source, one in said["configs"].items():
        assert one["file"].endswith(f"/{source}")
        assert one["file"].startswith("../k8s/")


def environment(service: Any) -> set[str]:
    """Also what is in its file of settings."""
    settings = (DEPLOY / service["env_file"]).read_text() if "env_file" in service else ""
    return {*service["environment"], *re.findall(r"(?m)^(\w+)=", settings)}


def test_they_have_the_names_by_which_others_find_them(compose: Compose) -> None:
    """As many as the overlay has, each with a volume of its own."""
    name, said = compose
    several = {"sentinel": {"redis": 3, "sentinel": 3}, "cluster": {"redis": 6}}[name]
    ports = {"redis": 6379, "sentinel": 26379}
    for kind, count in several.items():
        found = services(compose, f"{kind}-")
        assert list(found) == [f"{kind}-{number}" for number in range(count)]
        for own, service in found.items():
            assert service["environment"]["SELF"] == f"{own}:{ports[kind]}"
            assert service["volumes"] == [f"{own}:/data"]
    for service in said["services"].values():
        for variable, kind in (("PEERS", "redis"), ("SENTINELS", "sentinel")):
            if variable in service.get("environment", {}):
                places = service["environment"][variable].split()
                assert places == [f"{kind}-{n}:{ports[kind]}" for n in range(several[kind])]


def test_digests_are_those_of_the_passwords(compose: Compose) -> None:
    """And nodes come with the one that Redis knows."""
    _, said = compose
    told = said["x-logins"]
    for word, digest in told.items():
        if word.endswith("_SHA256") and word != "PASSWORD_SHA256":
            password = (
                told[word.replace("SHA256", "PASSWORD")] if f"{word[:-7]}_PASSWORD" in told else ""
            )
            assert hashlib.sha256(password.encode()).hexdigest() == digest
    assert hashlib.sha256(b"chat").hexdigest() == told["SHA256"]
    for service in services(compose, "node").values():
        assert "://chat:chat@" in service["environment"]["CHAT_REDIS_URL"]


def test_nodes_find_redis(compose: Compose) -> None:
    """By an address that the program takes, of services that are there."""
    name, said = compose
    for service in services(compose, "node").values():
        url = service["environment"]["CHAT_REDIS_URL"]
        assert place_of(url).shown.startswith(f"redis+{name}://")
        hosts = re.split("[/?]", url.partition("@")[2])[0].split(",")
        kind = "redis-" if name == "cluster" else "sentinel-"
        assert hosts == list(services(compose, kind))
        assert environment(service) <= {f"CHAT_{setting.upper()}" for setting in DEFAULTS}
        assert int(service["stop_grace_period"][:-1]) > float(str(DEFAULTS["drain_seconds"]))
    assert services(compose, "node").keys() == {"node1", "node2"}
    assert [one for one in said["services"].values() if "build" in one] == [
        said["services"]["node1"]
    ]


def test_images_are_those_of_kubernetes(compose: Compose) -> None:
    """The same Redis, and the image that is made here."""
    manifest = (ROOT / "k8s" / "base" / "redis-statefulset.yaml").read_text()
    images = {one["image"] for one in compose[1]["services"].values()}
    assert {image for image in images if image.startswith("redis:")} <= set(
        re.findall(r"image: (\S+)", manifest)
    )
    assert images - {"stranger-chat"} <= {"redis:7.4-bookworm", "nginx:1.28-bookworm"}


def test_commands_in_the_head_name_services(compose: Compose) -> None:
    """What can be copied from there can be run."""
    name, said = compose
    head = (DEPLOY / f"compose.{name}.yaml").read_text().partition("\nname:")[0]
    commands = re.findall(rf"docker compose -f deploy/compose\.{name}\.yaml (.+)", head)
    assert len(commands) > 2
    for command in commands[1:]:
        assert (
            re.findall(
                r"\b((?:redis|sentinel|keeper)(?:-\d)?)\b(?!=)",
                command.replace("AUTH=sentinel", ""),
            )[0]
            in said["services"]
        )
