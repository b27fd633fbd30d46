"""One server of a cluster, and what it says of itself and of the others."""

from dataclasses import dataclass
from typing import Any

from tests.support.process import free_port
from tests.support.servers import Kind, Server

NODE_TIMEOUT_MS = 1500
"""So long a server may say nothing before the others agree that it is gone. A busy machine lets one stand still
for a second."""


@dataclass(frozen=True)
class Seen:
    """One line of CLUSTER NODES: a server as another sees it."""

    name: str
    port: int
    flags: frozenset[str]
    primary: str
    """The name of the one it copies; ``-`` of a primary."""
    epoch: int
    slots: tuple[range, ...]

    @classmethod
    def parse(cls, line: str) -> "Seen":
        name, place, flags, primary, _, _, epoch, _, *ranges = line.split()
        return cls(
            name=name,
            port=int(place.partition("@")[0].rpartition(":")[2]),
            flags=frozenset(flags.split(",")),
            primary=primary,
            epoch=int(epoch),
            slots=tuple(_slots(one) for one in ranges if not one.startswith("[")),
        )

    def has(self, slot: int) -> bool:
        return any(slot in some for some in self.slots)


def _slots(said: str) -> range:
    """Of ``5`` or ``5-9``. A slot on its way is said a second time, as ``[5->-name]``."""
    first, _, last = said.partition("-")
    return range(int(first), int(last or first) + 1)


class Member(Server):
    """A server of a cluster. Its bus has a port of its own, which is kept over restarts as the other is:
    10 000 above, where it would be, are those that outgoing connections get."""

    def __init__(self, kind: Kind, *arguments: str, appendonly: bool = False) -> None:
        super().__init__(kind, *_settings(), *arguments, appendonly=appendonly)
        self.bus = 0
        self._was_ready = False
        self._name = ""
        self._still = False

    @property
    def address(self) -> str:
        return f"{self.site.host}:{self.port}"

    @property
    def answering(self) -> bool:
        """Whether it is worth asking."""
        return self.running and not self._still

    @property
    def id(self) -> str:
        """What the others call it, for as long as it is not reset."""
        if not self._name:
            self._name = str(self.ask("MYID"))
        return self._name

    def ask(self, *command: Any) -> Any:
        """What it answers to ``CLUSTER …``."""
        with self.client(decode_responses=True) as client:
            return client.execute_command("CLUSTER", *command)

    def sees(self) -> dict[str, Seen]:
        """All that it knows, itself among them, by their names."""
        seen = map(Seen.parse, str(self.ask("NODES")).splitlines())
        return {one.name: one for one in seen}

    def itself(self) -> Seen:
        return self.sees()[self.id]

    def says(self) -> dict[str, str]:
        """CLUSTER INFO."""
        pairs = (line.partition(":") for line in str(self.ask("INFO")).splitlines())
        return {name: value for name, _, value in pairs}

    def linked(self) -> bool:
        """Whether, as a replica, it is in step with its primary."""
        with self.client() as client:
            said = client.info("replication")
        return (said["role"], said.get("master_link_status")) == ("slave", "up")

    def reset(self) -> None:
        """Leave the cluster, with another name and without data."""
        self.flush()
        self.ask("RESET", "HARD")
        self._name = ""

    def pause(self) -> None:
        super().pause()
        self._still = True

    def resume(self) -> None:
        super().resume()
        self._still = False

    def _start_here(self) -> None:
        self._still = False
        if not self._was_ready:
            self.bus = free_port()
        super()._start_here()
        self._was_ready = True

    def _listen(self) -> list[str]:
        return [*super()._listen(), "--cluster-port", str(self.bus)]


def _settings() -> list[str]:
    """Pools that are served go on while another has no primary. A primary that has lost its last slot stays one,
    and replicas stay where they are, so that a test knows what it has."""
    settings = {
        "cluster-enabled": "yes",
        "cluster-node-timeout": NODE_TIMEOUT_MS,
        "cluster-require-full-coverage": "no",
        "cluster-allow-replica-migration": "no",
        "repl-diskless-sync-delay": 0,
        "repl-ping-replica-period": 1,
    }
    return [word for name, value in settings.items() for word in (f"--{name}", str(value))]
