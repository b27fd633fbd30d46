"""Three primaries that share the slots, as little as ``chat top`` needs of a cluster."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

from redis.crc import REDIS_CLUSTER_HASH_SLOTS as SLOTS
from redis.crc import key_slot

from tests.support.process import HOST, wait_until
from tests.support.servers import Kind, Server

PRIMARIES = 3
SETTINGS = (
    *("--cluster-enabled", "yes", "--cluster-node-timeout", "3000"),
    *("--cluster-require-full-coverage", "no"),
)


def slot_of(pool: int) -> int:
    return int(key_slot(b"chat:{%d}" % pool))


class Trio:
    """``servers`` in the order of the pools that they have at first: of 0, of 1, of 2."""

    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers
        self.url = "redis+cluster://" + ",".join(map(address, servers))

    def form(self) -> None:
        pools = sorted(range(PRIMARIES), key=slot_of)
        firsts = [0, *(slot_of(pool) for pool in pools[1:]), SLOTS]
        for pool, (first, end) in zip(pools, pairwise(firsts), strict=True):
            ask(self.servers[pool], "CLUSTER ADDSLOTSRANGE", first, end - 1)
        for epoch, server in enumerate(self.servers, 1):
            ask(server, "CLUSTER SET-CONFIG-EPOCH", epoch)
            ask(server, "CLUSTER MEET", HOST, self.servers[0].port)
        wait_until(self.whole, "the cluster is whole", timeout=30)

    def whole(self) -> bool:
        """As each of them sees it."""
        links = [ask(server, "CLUSTER INFO") for server in self.servers]
        slots = [len(ask(server, "CLUSTER SLOTS")) for server in self.servers]
        return slots == [PRIMARIES] * PRIMARIES and all("state:ok" in str(said) for said in links)

    def move(self, pool: int, to: Server, old: Server) -> None:
        """From the old one, with its keys."""
        slot = slot_of(pool)
        ids = {server: text(ask(server, "CLUSTER MYID")) for server in self.servers}
        ask(to, "CLUSTER SETSLOT", slot, "IMPORTING", ids[old])
        ask(old, "CLUSTER SETSLOT", slot, "MIGRATING", ids[to])
        while keys := ask(old, "CLUSTER GETKEYSINSLOT", slot, 1000):
            ask(old, "MIGRATE", HOST, to.port, "", 0, 5000, "KEYS", *keys)
        for server in (to, *(one for one in self.servers if one != to)):
            ask(server, "CLUSTER SETSLOT", slot, "NODE", ids[to])


@contextmanager
def trio(kind: Kind) -> Iterator[Trio]:
    with ExitStack() as stack:
        made = Trio([stack.enter_context(Server(kind, *SETTINGS)) for _ in range(PRIMARIES)])
        made.form()
        yield made


def address(server: Server) -> str:
    return f"{HOST}:{server.port}"


def ask(server: Server, command: str, *args: Any) -> Any:
    with server.client() as client:
        client.response_callbacks.clear()
        return client.execute_command(*command.split(), *args)


def text(reply: Any) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)
