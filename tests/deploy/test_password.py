"""k8s/base/password.py, against a server that answers as the API of a cluster does."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.nodes import ROOT
from tests.support.process import HOST


class Cluster(HTTPServer):
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), Api)
        self.status = 201
        self.asked: list[tuple[str, str, Any]] = []


class Api(BaseHTTPRequestHandler):
    server: Cluster

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    server = Cluster()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def run(cluster: Cluster, account: Path, *names: str) -> subprocess.CompletedProcess[str]:
    (account / "token").write_text("a token\n")
    environment = {
        **os.environ,
        "ACCOUNT": str(account),
        "API": f"http://{HOST}:{cluster.server_port}",
        "NAMESPACE": "chat",
    }
    command: list[str | Path] = [sys.executable, ROOT / "k8s" / "base" / "password.py", *names]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_random_password_and_its_digest(cluster: Cluster, tmp_path: Path) -> None:
    """Each run makes another one, with the token of its account; it is nowhere in the log."""
    passwords = set()
    for _ in range(2):
        done = run(cluster, tmp_path)
        assert done.returncode == 0, done.stderr
        path, login, secret = cluster.asked[-1]
        assert path == "/api/v1/namespaces/chat/secrets"
        assert login == "Bearer a token"
        assert secret["metadata"]["name"] == "redis"
        password = base64.b64decode(secret["data"]["password"])
        digest = base64.b64decode(secret["data"]["sha256"]).decode()
        assert hashlib.sha256(password).hexdigest() == digest
        assert password.decode() not in done.stdout + done.stderr
        assert len(password) >= 43
        passwords.add(password)
    assert len(passwords) == 2


def test_several(cluster: Cluster, tmp_path: Path) -> None:
    """Those that are named, each with a password of its own."""
    assert run(cluster, tmp_path, "redis", "redis-replica").returncode == 0
    made = {secret["metadata"]["name"]: secret["data"] for _, _, secret in cluster.asked}
    assert made.keys() == {"redis", "redis-replica"}
    assert made["redis"] != made["redis-replica"]


def test_one_that_is_there_stays(cluster: Cluster, tmp_path: Path) -> None:
    """Applied again: nothing changes, and the job has done its work."""
    cluster.status = 409
    done = run(cluster, tmp_path)
    assert done.returncode == 0
    assert "already" in done.stdout


def test_a_refusal_is_a_failure_of_the_job(cluster: Cluster, tmp_path: Path) -> None:
    """So that it is tried again, and seen."""
    cluster.status = 403
    done = run(cluster, tmp_path)
    assert done.returncode == 1
    assert "cannot make the secret" in done.stderr
