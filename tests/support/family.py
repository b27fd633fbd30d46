"""A primary and its replicas, without sentinels."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tests.support.process import HOST, wait_until
from tests.support.servers import Kind, Server

AT_ONCE = ("--repl-diskless-sync-delay", "0")
"""Otherwise a primary waits for five seconds whether more replicas come."""


class Family:
    """All in step when it is made."""

    def __init__(self, primary: Server, replicas: Sequence[Server]) -> None:
        self.primary = primary
        self.replicas = replicas

    def until_whole(self) -> None:
        """Also one that has just come may take a second until it says how far it is."""
        with self.primary.client() as client:

            def whole() -> bool:
                client.set("mark", "1")
                return int(client.wait(len(self.replicas), 100)) == len(self.replicas)

            wait_until(whole, "all are in step", timeout=30)


@contextmanager
def family(kind: Kind, replicas: int = 1) -> Iterator[Family]:
    with ExitStack() as stack:
        primary = stack.enter_context(Server(kind, *AT_ONCE))
        follow = (*AT_ONCE, "--replicaof", HOST, str(primary.port))
        made = [stack.enter_context(Server(kind, *follow)) for _ in range(replicas)]
        whole = Family(primary, made)
        whole.until_whole()
        yield whole
