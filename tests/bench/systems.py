"""The systems that are compared, and one of them at work: its nodes, and who talks on them."""

import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Self

from tests.bench.dialects.channels import ChannelsPerson
from tests.bench.dialects.chat import ChatPerson
from tests.bench.dialects.person import Person, Tally
from tests.bench.dialects.socketio import SocketIOPerson
from tests.bench.meter import Cores, cpu_ns, on_core, rss_bytes
from tests.support.nodes import ROOT, NodeProcess
from tests.support.process import HOST, Process, free_port
from tests.support.servers import Server

NODES = 2
# Above what the load does, and yet every limit is looked at, as it is in earnest.
HIGH_LIMITS: Mapping[str, str] = {
    "CHAT_COMMANDS_PER_SECOND": "1000000",
    "CHAT_COMMANDS_BURST": "1000000",
    "CHAT_ACCOUNTS_PER_MINUTE": "1000000",
    "CHAT_SOCKETS_PER_ADDRESS": "1000000",
    # On a busy machine it may take long until all are back.
    "CHAT_GRACE_SECONDS": "300",
}


class Counterpart(Process):
    """A node of something else: see counterparts/."""

    def __init__(self, kind: str, redis_url: str) -> None:
        super().__init__(kind)
        self._redis_url = redis_url
        self.port = 0

    def start(self) -> Self:
        self.launch()
        self.wait_ready()
        return self

    def launch(self) -> None:
        """Start it without waiting."""
        self.port = free_port()
        module = f"tests.bench.counterparts.{self.name}_server"
        self._launch([sys.executable, "-m", module, str(self.port), self._redis_url], cwd=ROOT)

    def wait_ready(self) -> None:
        self._wait_until_ready(self._listens, timeout=20)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0


Node = NodeProcess | Counterpart


@dataclass(frozen=True)
class System:
    """One of those that are compared."""

    name: str
    title: str
    node: Callable[[str], Node]
    """makes a node of it, not yet started, for a Redis"""
    person: Callable[[Tally], Person]
    acknowledges: bool = False
    """whether people acknowledge what they got"""


def _chat_node(redis_url: str) -> NodeProcess:
    return NodeProcess(redis_url, HIGH_LIMITS)


def counterpart(kind: str) -> Callable[[str], Counterpart]:
    """What makes its nodes."""
    return partial(Counterpart, kind)


SYSTEMS = {
    system.name: system
    for system in (
        System("chat", "this project", _chat_node, ChatPerson, acknowledges=True),
        System("socketio", "python-socketio", counterpart("socketio"), SocketIOPerson),
        System("channels", "Django Channels", counterpart("channels"), ChannelsPerson),
    )
}
TITLES = {name: system.title for name, system in SYSTEMS.items()}


class Place:
    """A system at work: its nodes on one core, an empty Redis."""

    def __init__(
        self, stack: ExitStack, system: System, server: Server, cores: Cores, nodes: int = NODES
    ) -> None:
        server.flush()
        self.system = system
        self.server = server
        self._launch(stack, [system.node(server.url) for _ in range(nodes)], cores)

    def _launch(self, stack: ExitStack, nodes: Sequence[Node], cores: Cores) -> None:
        self.nodes = nodes
        with on_core(cores.nodes):
            for node in self.nodes:
                stack.callback(node.close)
                node.launch()
            for node in self.nodes:
                node.wait_ready()

    @property
    def urls(self) -> list[str]:
        return [f"ws://{HOST}:{node.port}" for node in self.nodes]

    def rss(self) -> int:
        """Bytes, of all nodes."""
        return sum(rss_bytes(node.pid) for node in self.nodes)

    def cpu(self) -> tuple[int, int]:
        """ns so far: of all nodes together, of Redis."""
        return sum(cpu_ns(node.pid) for node in self.nodes), cpu_ns(self.server.pid)
