"""deploy/systemd and deploy/compose.yaml: as far as they can be checked without a machine of their own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from chat.config import SETTINGS
from tests.support.balancer import replaced
from tests.support.nodes import ROOT

DEPLOY = ROOT / "deploy"
DEFAULTS = {setting.name: setting.default for setting in SETTINGS}
KNOWN = {f"CHAT_{name.upper()}" for name in DEFAULTS}


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """systemd-analyze verify has nothing to say, with the command where it is on this machine."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze on this machine")
    command = str(Path(sys.executable).parent / "chat")
    unit = (DEPLOY / "systemd" / "chat@.service").read_text()
    (tmp_path / "chat@.service").write_text(replaced(unit, ("/opt/chat/bin/chat", command)))
    shutil.copy(DEPLOY / "systemd" / "chat.target", tmp_path)
    done = subprocess.run(
        ["systemd-analyze", "verify", "chat@8001.service", "chat.target"],
        cwd=tmp_path,
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "chat" in line]
    assert done.returncode == 0, done.stderr
    assert not ours


def test_nodes_start_with_the_machine(tmp_path: Path) -> None:
    """What the unit says to enable is enough, the target does not have to be; and systemd goes on trying while
    Redis is not there."""
    if shutil.which("systemctl") is None:
        pytest.skip("there is no systemctl on this machine")
    units = tmp_path / "etc" / "systemd" / "system"
    shutil.copytree(DEPLOY / "systemd", units)
    unit = (units / "chat@.service").read_text()
    (names,) = re.findall(r"systemctl enable --now (.+)$", unit, re.MULTILINE)
    command = ["systemctl", f"--root={tmp_path}", "enable", *names.split()]
    subprocess.run(command, capture_output=True, check=True)
    wanted = {link.name for link in (units / "multi-user.target.wants").iterdir()}
    assert wanted == {"chat@8001.service", "chat@8002.service"}
    for line in ("Restart=always", "StartLimitIntervalSec=0", "CHAT_TRUSTED_PROXIES=127.0.0.1"):
        assert line in unit


def test_a_unit_waits_for_the_drain() -> None:
    """systemd and compose give a node more time than it takes to let its people go."""
    unit = (DEPLOY / "systemd" / "chat@.service").read_text()
    found = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert found
    assert int(found[1]) > float(str(DEFAULTS["drain_seconds"]))
    for name, service in compose()["services"].items():
        if name.startswith("node"):
            assert int(service["stop_grace_period"][:-1]) > float(str(DEFAULTS["drain_seconds"]))


def test_compose_names_what_is_there() -> None:
    """Its files, its networks, its volumes and its settings exist; two nodes, one Redis, one balancer."""
    services = compose()["services"]
    assert sorted(services) == ["nginx", "node1", "node2", "redis"]
    for service in services.values():
        assert set(service.get("networks", [])) <= set(compose()["networks"])
        assert set(service.get("environment", {})) <= KNOWN
        assert set(service.get("depends_on", [])) <= set(services)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            exists = source in compose()["volumes"] or (DEPLOY / source).is_file()
            assert exists, source
    nodes = (DEPLOY / "nginx" / "compose-nodes.conf").read_text()
    assert set(re.findall(r"server (\w+):8000 ", nodes)) == {"node1", "node2"}


def test_one_service_of_compose_makes_the_image() -> None:
    """All nodes run it; two services that make it at once fail, because it is there already."""
    nodes = {name: one for name, one in compose()["services"].items() if name.startswith("node")}
    assert {one["image"] for one in nodes.values()} == {"stranger-chat"}
    assert [name for name, one in nodes.items() if "build" in one] == ["node1"]


def compose() -> dict[str, dict[str, dict[str, str]]]:
    loaded: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(
        (DEPLOY / "compose.yaml").read_text()
    )
    return loaded
