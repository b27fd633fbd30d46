"""The balancers of deploy/ in front of nodes, as people meet them: one address, whichever node answers."""

import http.client
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.support.nodes import ROOT, NodeProcess
from tests.support.process import HOST, Process, ProcessFailed, free_port

DEPLOY = ROOT / "deploy"

# What the public may ask for; everything else that a node has is for those who are on its network.
PUBLIC = ("/", "/ws", "/client.js", "/readyz")
PUBLIC_FILES = "/web"

# What a distribution's own nginx.conf has around deploy/nginx/chat.conf.
AROUND = """\
daemon off;
{user}
pid {directory}/nginx.pid;
error_log stderr warn;
worker_processes 4;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include chat.conf;
}}
"""


class Balancer(Process):
    """A balancer before these nodes: a new connection goes to the one that has the fewest."""

    def __init__(self, name: str, nodes: Sequence[NodeProcess]) -> None:
        super().__init__(name)
        self.port = 0
        self._nodes = nodes

    @property
    def http(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}/ws"

    def start(self) -> Self:
        for _ in range(self.PORTS_TO_TRY):
            self.port = free_port()
            self._launch(self._configured())
            try:
                self._wait_until_ready(self.answers, timeout=10)
            except ProcessFailed:
                if "already in use" not in self.log_since_start():
                    raise
            else:
                return self
        raise ProcessFailed(f"no port was free for {self.name}")

    def answers(self) -> bool:
        """Whether a node answers through it."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=1)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _configured(self) -> list[str]:
        """Writes its configuration; returns the command that runs it."""
        raise NotImplementedError


class Nginx(Balancer):
    """deploy/nginx/chat.conf, with these nodes and another port."""

    def __init__(self, nodes: Sequence[NodeProcess]) -> None:
        super().__init__("nginx", nodes)

    def _configured(self) -> list[str]:
        user = "user root;" if os.geteuid() == 0 else ""
        server = "server {}:{} max_fails=1 fail_timeout=2s;"
        files = {
            "nginx.conf": AROUND.format(user=user, directory=self.directory),
            "chat.conf": replaced(
                (DEPLOY / "nginx" / "chat.conf").read_text(),
                ("listen 8000;", f"listen {HOST}:{self.port};"),
            ),
            "chat-nodes.conf": "\n".join(server.format(HOST, node.port) for node in self._nodes),
        }
        for name, text in files.items():
            (self.directory / name).write_text(text)
        return [str(find("nginx")), "-p", str(self.directory), "-c", "nginx.conf"]


class HAProxy(Balancer):
    """deploy/haproxy/haproxy.cfg, with these two nodes and another port."""

    def __init__(self, nodes: Sequence[NodeProcess]) -> None:
        super().__init__("haproxy", nodes)

    def _configured(self) -> list[str]:
        first, second = self._nodes
        text = replaced(
            (DEPLOY / "haproxy" / "haproxy.cfg").read_text(),
            ("bind :8000", f"bind {HOST}:{self.port}"),
            ("127.0.0.1:8001", f"{HOST}:{first.port}"),
            ("127.0.0.1:8002", f"{HOST}:{second.port}"),
            ("maxconn 50000", "maxconn 500"),
        )
        (self.directory / "haproxy.cfg").write_text(text)
        return [str(find("haproxy")), "-db", "-f", str(self.directory / "haproxy.cfg")]


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """The text with each of these in another's place; each must be there."""
    for old, new in changes:
        assert old in text, f"there is no {old!r}"
        text = text.replace(old, new)
    return text


def find(name: str) -> Path | None:
    """Where that program is, also where only root has it in its path."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None
