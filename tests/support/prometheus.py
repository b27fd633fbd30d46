"""A real Prometheus, with deploy/prometheus/prometheus.yml: it scrapes these nodes, and answers questions."""

import http.client
import json
import shutil
from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import urlencode

from tests.support.balancer import DEPLOY, replaced
from tests.support.nodes import NodeProcess
from tests.support.process import HOST, Process, ProcessFailed, free_port


class Prometheus(Process):
    """Every second it looks at two nodes; nobody is told of its alerts."""

    def __init__(self, nodes: Sequence[NodeProcess]) -> None:
        super().__init__("prometheus")
        self.port = 0
        self._nodes = nodes

    def start(self) -> Self:
        for _ in range(self.PORTS_TO_TRY):
            self.port = free_port()
            self._launch(self._configured())
            try:
                self._wait_until_ready(self._ready, timeout=30)
            except ProcessFailed:
                if "already in use" not in self.log_since_start():
                    raise
            else:
                return self
        raise ProcessFailed("no port was free for Prometheus")

    def ask(self, path: str, **parameters: str) -> Any:
        """What its HTTP API says; an AssertionError where that is an error."""
        status, body = self._get(f"/api/v1/{path}?{urlencode(parameters)}")
        answer = json.loads(body)
        assert (status, answer["status"]) == (200, "success"), f"{parameters}: {answer}"
        return answer["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The series of an expression now: their labels, and their values."""
        result = self.ask("query", query=expression)["result"]
        return [(one["metric"], float(one["value"][1])) for one in result]

    def _ready(self) -> bool:
        try:
            return self._get("/-/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _configured(self) -> list[str]:
        """Writes its configuration; returns the command that runs it."""
        first, second = self._nodes
        text = replaced(
            (DEPLOY / "prometheus" / "prometheus.yml").read_text(),
            ("scrape_interval: 15s", "scrape_interval: 1s"),
            ("evaluation_interval: 15s", "evaluation_interval: 1s"),
            ("127.0.0.1:8001", f"{HOST}:{first.port}"),
            ("127.0.0.1:8002", f"{HOST}:{second.port}"),
            ("/etc/prometheus/chat-nodes/", f"{self.directory}/chat-nodes/"),
        )
        (self.directory / "prometheus.yml").write_text(text)
        shutil.copy(DEPLOY / "prometheus" / "chat-rules.yml", self.directory)
        return [
            "prometheus",
            f"--config.file={self.directory}/prometheus.yml",
            f"--storage.tsdb.path={self.directory}/data",
            f"--web.listen-address={HOST}:{self.port}",
            "--log.level=warn",
        ]
