"""The sockets that a node listens on, made so that what is wrong with them is told in one line."""

import socket

from chat.errors import ChatError

SEND_BUFFER = 128 * 1024
"""Of each socket, in the kernel: part of its bounded way out. Left alone it grows to megabytes, in which
everything for a client that does not read disappears without anybody noticing."""
RECEIVE_BUFFER = 16 * 1024
"""Likewise, the other way: of what one floods us with no more waits here than is read at once. Clients send
messages of at most 10 KiB."""
BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; raises ChatError where it cannot."""
    listener = bind(host, port)
    try:
        begin(listener)
    except ChatError:
        listener.close()
        raise
    return listener


def begin(listener: socket.socket) -> None:
    """Listens on one that has its address; raises ChatError where another process was faster."""
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        host, port = listener.getsockname()[:2]
        raise ChatError(f"cannot listen on {host}:{port}: {error.strerror}") from None


def bind(host: str, port: int) -> socket.socket:
    """A socket that has its address, and does not listen yet; raises ChatError where it cannot have it."""
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
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ChatError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


def port_of(listener: socket.socket) -> int:
    """The port, also where any free one was asked for."""
    return int(listener.getsockname()[1])


def page_of(listener: socket.socket) -> str:
    """The address for a browser on this machine."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}/"
