"""deploy/smoke.py: says whether a public address works, and if not, why."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.balancer import Nginx, find
from tests.support.nodes import NO_LIMITS, ROOT, NodeProcess
from tests.support.process import HOST, free_port
from tests.support.servers import Server, available_servers

House = tuple[Server, Nginx]


@pytest.fixture
def house() -> Iterator[House]:
    """Two nodes behind nginx."""
    if find("nginx") is None:
        pytest.skip("there is no nginx on this machine")
    with ExitStack() as stack:
        server = stack.enter_context(Server(available_servers()[0]))
        nodes = [stack.enter_context(NodeProcess(server.url, NO_LIMITS)) for _ in range(2)]
        yield server, stack.enter_context(Nginx(nodes))


def smoke(url: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [
        sys.executable,
        ROOT / "deploy" / "smoke.py",
        url,
        "--seconds",
        "10",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_two_strangers_meet_and_talk(house: House) -> None:
    """Through the balancer, to exit code 0."""
    done = smoke(house[1].url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "met and talked" in done.stdout


def test_it_says_that_a_node_does_not_reach_redis(house: House) -> None:
    """One line, and exit code 1."""
    server, nginx = house
    server.kill()
    done = smoke(nginx.url)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "does not reach Redis" in line


def test_in_the_pod_of_a_node_it_asks_that_node() -> None:
    """At the port of the image: the network policy of a node lets it reach no other, nor itself by the service."""
    said = (ROOT / "deploy" / "smoke.py").read_text()
    (url,) = re.findall(r"exec -i deploy/node -- python - (\S+) <", said)
    (port,) = re.findall(r"CHAT_PORT=(\d+)", (ROOT / "Dockerfile").read_text())
    assert url == f"ws://127.0.0.1:{port}/ws"


def test_it_says_that_nobody_answers() -> None:
    """One line, and exit code 1."""
    done = smoke(f"ws://{HOST}:{free_port()}/ws")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "nobody answers" in line
