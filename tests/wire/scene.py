"""A scene in which nothing must happen, for those who try to act for somebody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.nodes import NodeProcess
from tests.support.process import wait_until
from tests.support.servers import Server
from tests.support.wire import Wire, pair


@dataclass
class Place:
    server: Server
    node: NodeProcess

    def dump(self) -> dict[bytes, Any]:
        """Every key with what it holds, but for the nodes' leases, and what they say with them, which are renewed all
        the time."""
        with self.server.client() as client:
            keys = client.keys("*")
            lasting = [key for key in keys if not key.endswith(b":nodes") and b":load:" not in key]
            return {key: client.dump(key) for key in lasting}

    def all_acknowledged(self) -> bool:
        """Whether every push has been acknowledged, so that none of that changes a key later on."""
        with self.server.client() as client:
            accounts = [client.hgetall(key) for key in client.keys("chat:*:account:*")]
            return all(account[b"seq"] == account[b"acked"] for account in accounts)


@dataclass
class Scene:
    """Alice and Bob in a session, Carol and Dave in another, Eve waiting, and a stranger's socket."""

    alice: Wire
    bob: Wire
    carol: Wire
    session: int
    others: int
    stranger: Wire


@asynccontextmanager
async def unharmed(place: Place) -> AsyncIterator[Scene]:
    """A scene in which nothing must happen: nobody hears of anything, and no key changes."""
    alice, bob, session = await pair(place.node.url, place.node.url)
    carol, dave, others = await pair(place.node.url, place.node.url)
    eve, stranger = await Wire.open(place.node.url), await Wire.open(place.node.url)
    people = (alice, bob, carol, dave, eve)
    await eve.create("Eve")
    for waited in (alice, carol):
        waited.send({"cmd": "PUSH_SIGNAL_RESP", "seq": 1})
    assert (await alice.say(session, "hello"))["code"] == 0
    bob.acknowledge(await bob.expect("PUSH_DIALOGUE_REQ", content="hello"))
    assert (await eve.match())["code"] == 4
    await asyncio.to_thread(wait_until, place.all_acknowledged, "every push is acknowledged")
    before = place.dump()
    yield Scene(alice, bob, carol, session, others, stranger)
    await alice.nothing_from(bob, session)
    await bob.nothing_from(alice, session)
    await carol.nothing_from(dave, others)
    await dave.nothing_from(carol, others)
    for wire in people:
        await wire.nothing()
    assert place.dump() == before
    for wire in people:
        await wire.close()
