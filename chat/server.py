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
from chat.errors import ChatError
from chat.node import Node
from chat.websocket import websocket_class

log = logging.getLogger(__name__)

SEND_BUFFER = 128 * 1024
"""Of each socket, in the kernel: part of its bounded way out. Left alone it grows to megabytes, in which
everything for a client that does not read disappears without anybody noticing."""
RECEIVE_BUFFER = 16 * 1024
"""Likewise, the other way: of what one floods us with no more waits here than is read at once. Clients send
messages of at most 10 KiB."""
COLLECT = (20_000, 20, 50)
"""When the garbage collector looks: a message leaves nothing for it behind, so what it finds is little, and as it was
it took 7% of the time. Everything that was there at the start is not looked at again."""
STOPPING = signal.SIGTERM, signal.SIGINT


class NodeServer(uvicorn.Server):
    """uvicorn that drains the node before it lets go of anything itself."""

    def __init__(self, config: uvicorn.Config, node: Node, doorstep: Doorstep) -> None:
        super().__init__(config)
        self._node = node
        self._doorstep = doorstep

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal stops the node in order, a second one hurries it."""
        if self.should_exit:
            self._node.hurry()
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if counter % 10 == 0:
            self._doorstep.look(list(self.server_state.connections))  # type: ignore[arg-type]  # of h11
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._node.drain()
        await super().shutdown(sockets)


async def serve(settings: Settings) -> None:
    """Runs one node until a signal stops it; raises ChatError where it cannot begin."""
    listener = _listen(settings.host, settings.port)
    with contextlib.closing(listener):
        name = f"{socket.gethostname()[:24]}-{secrets.token_hex(4)}"
        node = Node(settings, name=name, clock=time.monotonic, rng=random.SystemRandom())
        if not await _started(node):
            return
        config = uvicorn.Config(
            make_app(node),
            http="h11",  # whatever else is installed: the upgrade and the limits are tested with this
            ws=websocket_class(node),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        doorstep = Doorstep(settings.handshake_seconds, time.monotonic)
        server = NodeServer(config, node, doorstep)
        _tune_collector()
        _announce(settings, listener)
        await _run(server, node, listener)
        _ignore_signals()


async def _started(node: Node) -> bool:
    """Whether it has begun; a signal may be faster. From here on none ends the process in the middle:
    before uvicorn listens to them and after it, when the node gives its lease back, they come here."""
    start = asyncio.ensure_future(node.start())
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


def _listen(host: str, port: int) -> socket.socket:
    """The listening socket, made here so that a port in use is told in one line."""
    if host.startswith("[") and host.endswith("]"):  # as an IPv6 address is written in a URL
        host = host[1:-1]
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, proto)
    except (OSError, UnicodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "this is no host name"
        raise ChatError(f"cannot listen on {host}: {said}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER
        )  # sockets inherit them
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        listener.bind(address)
        listener.listen(2048)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ChatError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


def _tune_collector() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


def _announce(settings: Settings, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    kept = (
        "with the shared Redis"
        if settings.redis_url
        else "with the embedded server: one node, nothing is kept (--redis-url shares and keeps)"
    )
    log.info("open http://%s:%d/ - a chat node %s", shown, port, kept)
