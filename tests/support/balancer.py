"""nginx in front of nodes, as people meet them: one address, whichever node answers."""

import http.client
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.support.nodes import NodeProcess
from tests.support.process import HOST, Process, ProcessFailed, free_port

CONFIGURATION = """\
daemon off;
{user}
pid {directory}/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
    upstream nodes {{
        least_conn;
        {servers}
    }}
    server {{
        listen {host}:{port};
        location / {{
            proxy_pass http://nodes;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_connect_timeout 1s;
            proxy_read_timeout 90s;
        }}
    }}
}}
"""


class Balancer(Process):
    """nginx before these nodes: a new connection goes to the one that has the fewest."""

    def __init__(self, nodes: Sequence[NodeProcess]) -> None:
        super().__init__("nginx")
        self.port = 0
        self._nodes = nodes

    @property
    def http(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}/ws"

    def start(self) -> Self:
        binary = nginx()
        assert binary is not None, "there is no nginx on this machine"
        for _ in range(self.PORTS_TO_TRY):
            self.port = free_port()
            (self.directory / "nginx.conf").write_text(self._configuration())
            self._launch([binary, "-p", str(self.directory), "-c", "nginx.conf"])
            try:
                self._wait_until_ready(self.answers, timeout=10)
            except ProcessFailed:
                if "Address already in use" not in self.log_since_start():
                    raise
            else:
                return self
        raise ProcessFailed("no port was free for nginx")

    def _configuration(self) -> str:
        each = "server {}:{} max_fails=1 fail_timeout=1s;"
        return CONFIGURATION.format(
            user="user root;" if os.geteuid() == 0 else "",
            directory=self.directory,
            host=HOST,
            port=self.port,
            servers="\n        ".join(each.format(HOST, node.port) for node in self._nodes),
        )

    def answers(self) -> bool:
        """Whether a node answers through it."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def nginx() -> str | None:
    """Where nginx is, also where only root has it in its path."""
    return shutil.which("nginx") or next(
        (str(path) for path in [Path("/usr/sbin/nginx")] if path.exists()), None
    )
