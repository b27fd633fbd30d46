"""What the servers of a Redis Cluster say of themselves and of each other."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT = 3.0


@dataclass(frozen=True)
class Member:
    """A server as one of them knows it: a line of CLUSTER NODES."""

    id: str
    host: str
    """Its name; its address as long as the name is not known."""
    flags: frozenset[str]
    named: bool = True
    follows: str = ""
    """The id of its primary."""
    connected: bool = True
    slots: frozenset[int] = frozenset()
    epoch: int = 0
    """Of two who say that they have a slot, the one with the higher one has it."""

    @property
    def primary(self) -> bool:
        return "master" in self.flags


@dataclass(frozen=True)
class View:
    """What a server that answers says: who it is, and whom it knows, itself too."""

    place: str
    address: str
    myself: Member
    known: dict[str, Member]


def parse(line: str) -> Member:
    id_, where, flags, follows, _, _, epoch, link, *slots = line.split()
    address, _, name = where.partition(",")
    held: set[int] = set()
    for one in slots:
        if not one.startswith("["):  # those that are on their way, and are named above too
            first, _, last = one.partition("-")
            held.update(range(int(first), int(last or first) + 1))
    return Member(
        id=id_,
        host=name or address.rpartition(":")[0],
        flags=frozenset(flags.split(",")),
        named=bool(name),
        follows=follows.strip("-"),
        epoch=int(epoch),
        connected=link == "connected",
        slots=frozenset(held),
    )


@contextmanager
def connected(place: str, timeout: float = TIMEOUT) -> Iterator[Any]:
    """A connection to that "host:port", as the user "keeper"; answers are bytes."""
    host, _, port = place.rpartition(":")
    client = redis.Redis(
        host=host,
        port=int(port),
        username="keeper",
        password=os.environ["KEEPER_PASSWORD"],
        socket_timeout=timeout,
        socket_connect_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        # Words that this user may not say.
        protocol=2,
        lib_name=None,
        lib_version=None,
    )
    with client:
        yield client


def look(place: str) -> View | None:
    """What the server of that name says; None where nobody of that name answers."""
    host, _, port = place.rpartition(":")
    try:
        # One address for everything: what was asked there is true of it.
        address = str(socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0][4][0])
        with connected(f"{address}:{port}") as client:
            text: bytes = client.execute_command("CLUSTER", "NODES")
    except (OSError, redis.RedisError):
        return None
    members = [parse(line) for line in text.decode().splitlines()]
    (myself,) = (one for one in members if "myself" in one.flags)
    # A name may lead for a while to whoever has the address now.
    return (
        View(place, address, myself, {one.id: one for one in members})
        if myself.host == host
        else None
    )


def look_at_all(places: list[str]) -> dict[str, View]:
    views = (look(place) for place in places)
    return {view.place: view for view in views if view is not None}
