"""What a connection had not sent when it was given up."""

import asyncio
import contextlib
import socket
import struct

NO_LINGER = struct.pack("ii", 1, 0)


def forget_unsent(transport: asyncio.BaseTransport) -> None:
    """What is still in the kernel must not arrive when the network is back, perhaps in a minute: by
    then its caller was told that nobody knows, and may have repeated it on the next connection."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
