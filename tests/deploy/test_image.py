"""The Dockerfile: clean, and its steps in an environment of their own. There is no engine here to build it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.nodes import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_hadolint_has_nothing_to_say() -> None:
    """Not even with what it only informs of."""
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_it_is_small_and_confined() -> None:
    """Two stages, a numbered user that is not root, the exec form, a health check, no secrets."""
    assert len(re.findall(r"^FROM ", DOCKERFILE, re.MULTILINE)) == 2
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d+:[1-9]\d+$", final, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["chat"\]$', final, re.MULTILINE)
    assert re.search(r'^CMD \["serve"\]$', final, re.MULTILINE)
    assert "HEALTHCHECK" in final
    assert "RUN" not in final
    assert not re.search(r"password|token|secret", DOCKERFILE, re.IGNORECASE)


@pytest.mark.slow
def test_its_steps_install_a_node_that_runs(tmp_path: Path) -> None:
    """What is copied is enough, wheels are enough, and there is no pip in what comes out."""
    source, venv = tmp_path / "src", tmp_path / "chat"
    source.mkdir()
    copied = re.findall(r"^COPY (?!--)(.+) (\S+)$", DOCKERFILE, re.MULTILINE)
    allowed = (ROOT / ".dockerignore").read_text()
    for names, _ in copied:
        for name in names.split():
            assert f"!{name}\n" in allowed, f"{name} is not in .dockerignore's exceptions"
            subprocess.run(["/bin/cp", "-r", ROOT / name, source], check=True)
    run = re.findall(r"^RUN (.+)$", DOCKERFILE, re.MULTILINE)
    assert run[0].startswith("python -m venv ")
    assert run[1].startswith("pip --python ")
    steps = [
        run[0].replace("python", sys.executable, 1).replace("/opt/chat", str(venv)),
        f"{sys.executable} -m {run[1]}".replace("/opt/chat", str(venv)),
    ]
    for step in steps:
        subprocess.run(["/bin/sh", "-c", step], cwd=source, check=True, capture_output=True)
    said = subprocess.run(
        [venv / "bin" / "chat", "--version"], capture_output=True, text=True, check=True
    )
    assert re.search(r"\d+\.\d+", said.stdout)
    assert not list(venv.glob("bin/pip*"))
    assert not list(venv.glob("lib/*/site-packages/pytest"))
    page = list(venv.glob("lib/*/site-packages/chat/web/index.html"))
    assert page
