"""The scripts of k8s/overlays/: where they are, and which variables they need."""

import re
from pathlib import Path

from tests.support.nodes import ROOT

OVERLAYS = ROOT / "k8s" / "overlays"
GIVEN = "/given/"
OWN = {"LOGIN", "REDISCLI_AUTH", "PATH"}
"""Those that a script sets itself, or that are there anyway."""


def needs(overlay: str, script: str) -> set[str]:
    """The variables that it cannot do without, those of what it uses too."""
    found: set[str] = set()
    for name in {script, *used(overlay, script)}:
        text = re.sub(r"(?m)^\s*#.*$", "", file(overlay, name).read_text())
        if name.endswith(".py"):
            found |= set(re.findall(r'os\.environ\["(\w+)"\]', text))
        else:
            optional = set(re.findall(r"\$\{([A-Z][A-Z0-9_]*):?-", text))
            found |= set(re.findall(r"\$\{?([A-Z][A-Z0-9_]*)", text)) - optional
    # Whoever starts a Redis asks nobody but sentinels: primary.sh has this for sentinel.sh.
    return found - OWN - ({"PEERS"} if script == "redis.sh" else set())


def used(overlay: str, script: str) -> set[str]:
    """Other scripts that are part of it."""
    text = file(overlay, script).read_text()
    if script.endswith(".py"):
        named = {f"{name}.py" for name in re.findall(r"(?m)^from (\w+) import", text)}
        here = {name for name in named if (OVERLAYS / overlay / name).exists()}
        return here.union(*(used(overlay, name) for name in here))
    return set(re.findall(r'\. "\$\(dirname "\$0"\)/([\w.]+)"', text))


def files(overlay: str, script: str) -> set[str]:
    """What has to lie beside it."""
    given = re.findall(r"\$GIVEN/([\w.]+)", file(overlay, script).read_text())
    return {script, *used(overlay, script), *given}


def file(overlay: str, name: str) -> Path:
    own = OVERLAYS / overlay / name
    return own if own.exists() else OVERLAYS / "several" / name
