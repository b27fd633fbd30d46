"""What the page runs in a browser is tested in Node, with the one that drives the browsers of the page's tests."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

HERE = Path(__file__).parent
SCRIPTS = sorted(HERE.glob("*.test.mjs"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_script(script: Path) -> None:
    """Every test of the script passes, and there is at least one."""
    node, _ = compute_driver_executable()
    run = subprocess.run(
        [node, "--test", "--test-reporter=tap", script],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={key: value for key, value in os.environ.items() if not key.startswith("NODE_")},
        timeout=60,
    )
    output = run.stdout + run.stderr
    assert run.returncode == 0, output
    # A file without a test passes as one that is named like the file.
    passed = set(re.findall(r"^ok \d+ - (.+)$", run.stdout, re.MULTILINE)) - {str(script)}
    assert passed, output


def test_there_are_scripts() -> None:
    """Without one, `test_script` would hold nothing."""
    assert SCRIPTS
