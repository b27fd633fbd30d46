"""What kubectl makes of k8s/, and how to find something in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chat.config import SETTINGS
from tests.support.nodes import ROOT

K8S = ROOT / "k8s"
VERSIONS = ("1.30.0", "1.37.0")
OVERLAYS = ("k8s", "k8s/overlays/small", "k8s/overlays/large", "k8s/overlays/cluster")
DEFAULTS = {setting.name: setting.default for setting in SETTINGS}

Objects = dict[tuple[str, str], Any]


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


def replicas(objects: Objects, name: str) -> int | None:
    """How many pods of that name there are; of nodes, the autoscaler says it."""
    kind = "StatefulSet" if ("StatefulSet", name) in objects else "Deployment"
    found: int | None = objects[kind, name]["spec"].get("replicas")
    return found


def container(workload: Any) -> Any:
    (found,) = workload["spec"]["template"]["spec"]["containers"]
    return found
