"""One node process: uvicorn for HTTP, the node beside it, from the first line to exit 0."""

import asyncio
import contextlib
import gc
import logging
import random
import secrets
import signal
import socket
import time
from types import FrameType

import uvicorn

from chat.app import make_app
from chat.config import Settings
from chat.doorstep import Doorstep
from chat.listener import begin, bind, page_of, port_of
from chat.node import Node
from chat.websocket import websocket_class
from chat.workers.acceptor import Acceptor
from chat.workers.rope import Order
from chat.workers.worker import Worker

log = logging.getLogger(__name__)

COLLECT = (10_000, 5, 200)
"""When the garbage collector looks: a message leaves nothing for it behind, so what it finds is little, and as it was
it took 7% of the time. Everything that was there at the start is not looked at again. Somebody who comes leaves some 40
objects that stay: ten thousand who come back are 400 000, and looking at so many at once (20 000 of the youngest, 20
times, as it was here before) took 100 ms in which nobody was served. So the young are few and often looked at, 2 ms, and
those in between after 5 times, 20 ms. All, which takes longest, are looked at the least: after ten million more."""
STOPPING = signal.SIGTERM, signal.SIGINT


class NodeServer(uvicorn.Server):
    """uvicorn that drains the node before it lets go of anything itself. A ``worker`` also takes its part of what
    comes to the port that it shares, and obeys its parent."""

    def __init__(
        self, config: uvicorn.Config, node: Node, doorstep: Doorstep, worker: Worker | None
    ) -> None:
        super().__init__(config)
        self._node = node
        self._doorstep = doorstep
        self._worker = worker
        self._acceptor: Acceptor | None = None
        self._told = False
        self._all_leave = False
        self._orphan = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal stops the node in order, a second one hurries it."""
        if self._told:
            self._node.hurry()
        self._told = self.should_exit = True

    def obey(self, order: Order) -> None:
        """No order counts as a signal: systemd may send one to every process while the parent gives its orders."""
        if order is Order.OPEN:
            if self._acceptor is not None and not self.should_exit:
                self._acceptor.open()
            return
        if order is Order.GONE:
            self._orphan = True
        else:
            self._all_leave = True
        if order is Order.HURRY:
            self._node.hurry()
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._worker is not None:
            shared, ledger = self._worker.shared, self._worker.ledger
            self._acceptor = Acceptor(shared, ledger, self._protocol, self._load)
            self._worker.ready()

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if counter % 10 == 0:
            self._doorstep.look(list(self.server_state.connections))  # type: ignore[arg-type]  # of h11
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Where all leave, people and balancers are told so. A worker that leaves alone has others who take them;
        and one without a parent must not hold the ports that the next parent wants."""
        with contextlib.ExitStack() as accepting:
            if self._worker is not None and self._acceptor is not None:
                accepting.callback(self._worker.shared.close)
                accepting.callback(self._acceptor.close)
                self._acceptor.leave_to_others()
            if not self._all_leave:
                accepting.close()
                for server in self.servers if self._orphan else ():
                    server.close()
            await self._node.drain()
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        """What serves a connection, as uvicorn makes it for those that it accepts itself."""
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def _load(self) -> int:
        return len(self.server_state.connections) + self._node.standing().sockets


async def serve(settings: Settings, worker: Worker | None = None) -> None:
    """Runs one node until a signal stops it; raises ChatError where it cannot begin."""
    listener = worker.own if worker else bind(settings.host, settings.port)
    with contextlib.closing(listener):
        begin(listener)
        name = f"{socket.gethostname()[:24]}-{secrets.token_hex(4)}"
        node = Node(settings, name=name, clock=time.monotonic, rng=random.SystemRandom())
        if not await _started(node, worker):
            return
        config = uvicorn.Config(
            make_app(node, port_of(worker.shared) if worker else None),
            http="h11",  # whatever else is installed: the upgrade and the limits are tested with this
            ws=websocket_class(node),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        doorstep = Doorstep(settings.handshake_seconds, time.monotonic)
        _tune_collector()
        server = NodeServer(config, node, doorstep, worker)
        if worker is None:
            _announce(settings, listener)
        else:
            log.info("node %s, alone at %s", name, page_of(listener))
            worker.obey(server.obey)
        await _run(server, node, listener)
        _ignore_signals()


async def _started(node: Node, worker: Worker | None) -> bool:
    """Whether it has begun; a signal may be faster. From here on none ends the process in the middle:
    before uvicorn listens to them and after it, when the node gives its lease back, they come here."""
    start = asyncio.ensure_future(node.start())

    def stop(_: Order) -> None:
        start.cancel()

    if worker is not None:
        worker.obey(stop)
    for number in STOPPING:
        with contextlib.suppress(NotImplementedError):  # where there are no such signals
            asyncio.get_running_loop().add_signal_handler(number, start.cancel)
    try:
        await start
    except asyncio.CancelledError:
        if not start.cancelled():
            raise
        log.info("told to stop before it had begun")
        await node.close()
        return False
    return True


def _ignore_signals() -> None:
    """It has ended in order: one that comes now has nothing to stop, and must not make a failure of it."""
    for number in STOPPING:
        asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


async def _run(server: NodeServer, node: Node, listener: socket.socket) -> None:
    """The server and the node's own work: when either ends, so does the other."""
    work = asyncio.create_task(node.run(), name="node")
    work.add_done_callback(lambda _: server.handle_exit(signal.SIGTERM, None))
    try:
        await server.serve(sockets=[listener])
    finally:
        work.cancel()
        await asyncio.wait([work])
        await node.close()
    if not work.cancelled() and (error := work.exception()) is not None:
        raise error


def _tune_collector() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


def _announce(settings: Settings, listener: socket.socket) -> None:
    kept = (
        "with the shared Redis"
        if settings.redis_url
        else "with the embedded server: one node, nothing is kept (--redis-url shares and keeps)"
    )
    log.info("open %s - a chat node %s", page_of(listener), kept)
