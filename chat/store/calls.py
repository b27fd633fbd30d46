"""What is asked of a server, and how it ends."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import hiredis

Part = bytes | str | int
Command = Sequence[Part] | bytes
"""Its parts, or all of it as RESP."""
Done = Callable[[Any], None]
"""Takes a call's reply, or the error (an Exception, not raised) in its place."""
Ask = Callable[[Sequence[Part]], Awaitable[Any]]
"""Sends one command and returns its reply; raises the error."""

DEMOTED = "READONLY", "NOREPLICAS"
"""What a server begins its refusal with that is no primary any more, or that is cut off from its replicas, of
which one may have taken over: who stayed with it would be refused for ever."""


class LinkDown(Exception):
    """There is no connection, it was lost, or silent for too long: done or not, nobody knows."""


def pack(command: Command) -> bytes:
    """As RESP."""
    if isinstance(command, bytes):
        return command
    packed: bytes = hiredis.pack_command(tuple(command))  # type: ignore[arg-type]  # any length
    return packed


def parts_of(command: Command) -> Sequence[Part]:
    """Of one that was packed too."""
    if not isinstance(command, bytes):
        return command
    reader = hiredis.Reader()
    reader.feed(command)
    parts: list[bytes] = reader.gets()
    return parts
