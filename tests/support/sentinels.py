"""A primary with its replicas, and the sentinels that watch them: real processes, as operators run them."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Self, TypeVar

import redis

from tests.support.family import AT_ONCE
from tests.support.process import (
    HERE,
    Process,
    ProcessFailed,
    Site,
    free_port,
    wait_until,
)
from tests.support.servers import (
    ADDRESS_IN_USE,
    READY_LINE,
    Kind,
    Server,
    available_servers,
    find_binary,
)

Started = TypeVar("Started", bound=Process)

SERVICE = "chat"
SELDOM = 0.05
"""Looked at by asking everybody, while people may talk in the same process."""
DOWN_AFTER_MS = 2000
"""A busy machine lets a server stand still for a second."""
FAILOVER_SECONDS = 6
"""For twice as long after one fail-over began they begin no other."""

CONFIGURATION = """\
sentinel monitor {service} {host} {primary} {quorum}
sentinel down-after-milliseconds {service} {down_after}
sentinel failover-timeout {service} {failover}
"""

# A busy machine makes a sentinel mistrust its own clock for half a minute; and ten seconds between two looks
# at a server make a test long.
IMPATIENT = ("tilt-trigger", 60_000, "info-period", 1000, "publish-period", 500)


class Sentinel(Process):
    """One sentinel. Its configuration, which it rewrites itself, is kept over restarts, and so is its port.

    ``tls`` is the certificate of the authority, as for ``Server``; ``login`` is what tests ask with.
    """

    def __init__(
        self, kind: Kind, configuration: str, login: str = "", tls: Path | None = None
    ) -> None:
        super().__init__("sentinel")
        self.port = 0
        self._kind = kind
        self._text = configuration
        self._login = login
        self._tls = tls

    @property
    def place(self) -> str:
        return f"{self.site.host}:{self.port}"

    @property
    def configuration(self) -> Path:
        return self.directory / "sentinel.conf"

    def start(self) -> Self:
        """Start it, and return once it answers."""
        if self.port:
            self._start_here()
            return self
        for _ in range(self.PORTS_TO_TRY):
            self.port = free_port()
            port = f"port 0\ntls-port {self.port}" if self._tls else f"port {self.port}"
            self.configuration.write_text(f"bind {self.site.host}\n{port}\n{self._text}")
            try:
                self._start_here()
            except ProcessFailed:
                if ADDRESS_IN_USE not in self.log_since_start():
                    raise
            else:
                return self
        raise ProcessFailed("no port was free for a sentinel")

    def ask(self, *command: Any) -> Any:
        """What it answers to ``SENTINEL …``."""
        with self.client() as client:
            return client.execute_command("SENTINEL", *command)

    def client(self) -> redis.Redis:
        """A connection to it."""
        url = f"redis://{self._login}{self.place}"
        if self._tls:
            url = f"rediss://{self._login}{self.place}?ssl_ca_certs={self._tls}"
        return redis.Redis.from_url(url, decode_responses=True, socket_timeout=5)

    def primary(self) -> int:
        """The port of the primary that it names; 0 where it names none."""
        found = self.ask("GET-MASTER-ADDR-BY-NAME", SERVICE)
        return int(found[1]) if found else 0

    def sees(self) -> dict[str, str]:
        """All that it says of the primary."""
        found = self.ask("MASTER", SERVICE)
        return found if isinstance(found, dict) else dict(zip(found[::2], found[1::2], strict=True))

    def _start_here(self) -> None:
        binary = find_binary(self._kind)
        assert binary is not None, f"there is no {self._kind} on this machine"
        self._launch([str(binary), str(self.configuration), "--sentinel"])
        self._wait_until_ready(lambda: "+monitor" in self.log_since_start(), timeout=10)
        self.ask("DEBUG", *IMPATIENT)


class Watched(Server):
    """A server whose configuration is a file, in which a sentinel writes what it has made of it: so it comes back
    as that, and not as what it was at first."""

    @property
    def configuration(self) -> Path:
        return self.directory / "redis.conf"

    def _command(self) -> list[str]:
        if not self._was_ready():
            self.configuration.write_text(_lines(super()._command()))
        return [str(self.configuration)]

    def _was_ready(self) -> bool:
        return READY_LINE in self.log()


def _lines(arguments: list[str]) -> str:
    """As a file says what a command line says."""
    words = (word[2:] if word.startswith("--") else word or '""' for word in arguments)
    starts = (word.startswith("--") for word in arguments)
    return "".join(
        f"\n{word}" if start else f" {word}" for start, word in zip(starts, words, strict=True)
    )


class Flock:
    """What a service consists of: ``servers``, of which one is the primary, and ``sentinels``."""

    def __init__(self, servers: Sequence[Server], sentinels: Sequence[Sentinel]) -> None:
        self.servers = servers
        self.sentinels = sentinels

    @property
    def url(self) -> str:
        places = ",".join(sentinel.place for sentinel in self.sentinels)
        return f"redis+sentinel://{places}/{SERVICE}"

    @property
    def primary(self) -> Server:
        """As the sentinels say it that run."""
        (port,) = {sentinel.primary() for sentinel in self.sentinels if sentinel.running}
        return next(server for server in self.servers if server.port == port)

    def until_another_is_primary(self, old: Server) -> Server:
        """Return the new one, once all sentinels name it."""

        def moved() -> bool:
            ports = {sentinel.primary() for sentinel in self.sentinels if sentinel.running}
            return len(ports) == 1 and old.port not in ports

        wait_until(moved, "the sentinels name another primary", timeout=30, every=SELDOM)
        return self.primary

    def until_whole(self) -> Server:
        """Return the primary that all sentinels name, once all others follow it."""
        replicas = len(self.servers) - 1

        def whole() -> bool:
            ports = {sentinel.primary() for sentinel in self.sentinels}
            named = [server for server in self.servers if {server.port} == ports]
            return bool(named) and followed(named[0]) == replicas

        wait_until(whole, "all follow one primary", timeout=30, every=SELDOM)
        return self.primary

    def until_known(self) -> None:
        """Return when every sentinel knows every replica and every other sentinel."""
        replicas, others = len(self.servers) - 1, len(self.sentinels) - 1

        def known() -> bool:
            seen = [sentinel.sees() for sentinel in self.sentinels]
            return all(
                (int(one["num-slaves"]), int(one["num-other-sentinels"])) == (replicas, others)
                for one in seen
            )

        wait_until(
            known, "the sentinels know each other and the replicas", timeout=30, every=SELDOM
        )

    def until_replicated(self) -> None:
        """Return when every replica that runs has all that its primary has by now."""
        mark = secrets.token_hex(4)
        with self.primary.client() as client:
            client.set("mark", mark)
        for server in self.servers:
            if server.running:
                with server.client(decode_responses=True) as client:
                    wait_until(
                        lambda client=client: client.get("mark") == mark,  # type: ignore[misc]
                        "the replicas have it all",
                    )


@contextmanager
def flock(
    *settings: str,
    replicas: int = 2,
    sentinels: int = 3,
    sites: Callable[[int], Site] = lambda number: HERE,
) -> Iterator[Flock]:
    """A primary, its replicas and its sentinels, all of which know each other. ``settings`` are arguments
    of each server; ``sites`` says where the primary (0) and each replica is, and so each sentinel."""
    kind = available_servers()[0]
    with ExitStack() as stack:

        def started(process: Started, number: int) -> Started:
            process.site = sites(number)
            stack.enter_context(process)
            return process

        primary = started(
            Watched(kind, *settings, *AT_ONCE), 0
        )  # it will have to follow others too
        follow = ("--replicaof", primary.site.host, str(primary.port))
        copies = [Watched(kind, *settings, *AT_ONCE, *follow) for _ in range(replicas)]
        servers = [primary, *map(started, copies, count(1))]
        configuration = CONFIGURATION.format(
            host=primary.site.host,
            service=SERVICE,
            primary=primary.port,
            quorum=sentinels // 2 + 1,
            down_after=DOWN_AFTER_MS,
            failover=FAILOVER_SECONDS * 1000,
        )
        wait_until(
            lambda: followed(primary) == replicas, "the replicas follow", timeout=30, every=SELDOM
        )
        watchers = [started(Sentinel(kind, configuration), n) for n in range(sentinels)]
        made = Flock(servers, watchers)
        made.until_known()
        yield made


def followed(server: Server) -> int:
    """How many replicas are in step with that server."""
    with server.client() as client:
        said = client.info("replication")
    states = [said.get(f"slave{number}") for number in range(said["connected_slaves"])]
    return sum(bool(one) and one["state"] == "online" for one in states)
