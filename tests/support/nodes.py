"""Nodes for tests: ``chat serve`` as a process of its own."""

import http.client
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.support.process import Process, ProcessFailed, free_port

ROOT = Path(__file__).parents[2]
READY_SECONDS = 20
ADDRESS_IN_USE = "address already in use"

# For scenarios that are not about limits: one machine plays everybody.
NO_LIMITS: Mapping[str, str] = {
    "CHAT_COMMANDS_PER_SECOND": "0",
    "CHAT_ACCOUNTS_PER_MINUTE": "0",
    "CHAT_SOCKETS_PER_ADDRESS": "0",
}


class NodeProcess(Process):
    """One node; without a Redis URL it uses the embedded server.

    ``env`` sets ``CHAT_…`` for it; those of the person who runs the tests do not reach it.
    Extra arguments are passed to ``chat serve``.
    """

    def __init__(
        self,
        redis_url: str | None = None,
        env: Mapping[str, str] | None = None,
        port: int = 0,
        *arguments: str,
    ) -> None:
        super().__init__("node")
        self.port = port
        self._any_port = port == 0
        self._redis_url = redis_url
        self._env = dict(env or {})
        self._arguments = arguments

    @property
    def url(self) -> str:
        return f"ws://{self.site.host}:{self.port}/ws"

    @property
    def http(self) -> str:
        return f"http://{self.site.host}:{self.port}"

    def start(self) -> Self:
        """Start it, and return once it is ready. A port once found is kept over restarts."""
        self.launch()
        self.wait_ready()
        return self

    def launch(self) -> None:
        """Start it without waiting, so that several can start at once."""
        self.port = self.port or free_port()
        self._launch(self._command(), env=self._environment(), cwd=ROOT)

    def wait_ready(self) -> None:
        """Wait until it is ready; try another port if this one was taken in the meantime."""
        for _ in range(self.PORTS_TO_TRY):
            try:
                self._wait_until_ready(self.ready, READY_SECONDS)
            except ProcessFailed:
                lost_the_race = ADDRESS_IN_USE in self.log_since_start().lower()
                if not (lost_the_race and self._any_port):
                    raise
                self.port = 0
                self.launch()
            else:
                return
        raise ProcessFailed("no port was free for a node")

    def stop(self, timeout: float = 30) -> int:
        """End it with SIGTERM and let it drain; return the exit code, -9 if that took too long."""
        return super().stop(timeout)

    def ready(self) -> bool:
        """Whether a load balancer would send it people now."""
        try:
            status, _ = self.get("/readyz", timeout=1)
        except (OSError, http.client.HTTPException):
            return False
        return status == 200

    def get(self, path: str, timeout: float = 2) -> tuple[int, str]:
        """Return status and body of an HTTP GET."""
        connection = http.client.HTTPConnection(self.site.host, self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def freeze(self) -> None:
        self.pause()

    def thaw(self) -> None:
        self.resume()

    def close(self) -> None:
        """End it at once: how a node drains is a test's matter, not the clearing up's."""
        if self.running:
            self.kill()
        super().close()

    def _command(self) -> list[str]:
        place = ["--host", self.site.host, "--port", str(self.port)]
        shared = ["--redis-url", self._redis_url] if self._redis_url else []
        return [sys.executable, "-m", "chat.cli", "serve", *place, *shared, *self._arguments]

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name[:5] != "CHAT_"}
        return {**inherited, "PYTHONUNBUFFERED": "1", **self._env}
