"""A small Redis Cluster: primaries on the loopback interface, and slots that are moved."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import redis

from chat.store.keys import slot_of
from tests.support.process import HOST, free_port, wait_until
from tests.support.servers import Kind, Server

SLOTS = 16384


class Primary(Server):
    """One of them."""

    def __init__(self, kind: Kind) -> None:
        port = str(free_port())
        super().__init__(
            kind, "--cluster-enabled", "yes", "--cluster-port", port, "--cluster-node-timeout", "2000",
            "--cluster-require-full-coverage", "no", "--cluster-allow-replica-migration", "no",
        )  # fmt: skip
        self.bus = port

    def do(self, *command: object) -> object:
        with self.client() as client:
            return client.execute_command(*command)

    @property
    def id(self) -> str:
        name = self.do("CLUSTER", "MYID")
        assert isinstance(name, bytes)
        return name.decode()


class Cluster:
    """``pools`` are on the first primary; all other slots are the last one's."""

    def __init__(self, primaries: Sequence[Primary]) -> None:
        self.primaries = primaries

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"{HOST}:{one.port}" for one in self.primaries)

    def gather(self, first: Sequence[int]) -> None:
        """Lets them know each other, and gives each slot its place."""
        here = {slot_of(pool) for pool in first}
        self.primaries[0].do("CLUSTER", "ADDSLOTS", *here)
        rest = [slot for slot in range(SLOTS) if slot not in here]
        self.primaries[-1].do("CLUSTER", "ADDSLOTS", *rest)
        for one in self.primaries[1:]:
            self.primaries[0].do("CLUSTER", "MEET", HOST, one.port, one.bus)
        for one in self.primaries:
            wait_until(lambda one=one: self._all_known(one), "they know each other")  # type: ignore[misc]

    def _all_known(self, one: Primary) -> bool:
        with one.client(decode_responses=True) as client:
            info = client.execute_command("CLUSTER", "INFO")
            text = info if isinstance(info, str) else "\n".join(f"{k}:{v}" for k, v in info.items())
        return f"cluster_slots_assigned:{SLOTS}" in text and "cluster_state:ok" in text

    def where(self, pool: int) -> Primary:
        """The primary that has the pool, as it says itself."""
        for one in self.primaries:
            if one.running:
                try:
                    one.do("GET", f"chat:{{{pool}}}")
                except redis.RedisError:
                    continue
                return one
        raise AssertionError(f"the pool {pool} is nowhere")

    def move(
        self, pool: int, to: Primary, between: Callable[[], None] = lambda: None, batch: int = 10
    ) -> None:
        """As ``redis-cli --cluster reshard`` does it; ``between`` is called when some of its keys have moved."""
        slot, source = slot_of(pool), self.where(pool)
        to.do("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.do("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id)
        while keys := source.do("CLUSTER", "GETKEYSINSLOT", slot, batch):
            assert isinstance(keys, list)
            source.do("MIGRATE", HOST, to.port, "", 0, 5000, "KEYS", *keys)
            between()
        for one in to, source, *self.primaries:
            if one.running:
                one.do("CLUSTER", "SETSLOT", slot, "NODE", to.id)


@contextmanager
def cluster(kind: Kind, number: int, first: Sequence[int]) -> Iterator[Cluster]:
    """So many primaries; the pools ``first`` are on the first, all else on the last."""
    with ExitStack() as stack:
        made = Cluster([stack.enter_context(Primary(kind)) for _ in range(number)])
        made.gather(first)
        yield made
