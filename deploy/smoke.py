"""Two strangers meet through a public address, and talk: ``python deploy/smoke.py wss://chat.example/ws``.

Exit code 0 when a message and its read mark went both ways, 1 with a line that says what did not. It needs the
project installed, as it is in the image:

    kubectl -n chat exec -i deploy/node -- python - ws://127.0.0.1:8000/ws < deploy/smoke.py

asks one node; another is out of its reach there (k8s/base/node-networkpolicy.yaml).
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from urllib.error import HTTPError
from urllib.parse import urljoin
from urllib.request import urlopen

from chat.client import Client, ClientError, Event, Message, Session, Viewed

MEETINGS = 20  # on a busy address each may meet somebody else first


class Failed(Exception):
    """What did not work, in words."""


async def meet(one: Client, other: Client) -> tuple[Session, Session]:
    """Until they meet each other: whoever else is met is left at once."""
    for _ in range(MEETINGS):
        mine, theirs = await asyncio.gather(one.match(), other.match())
        if mine.id == theirs.id:
            return mine, theirs
        await asyncio.gather(one.leave(mine), other.leave(theirs))
    raise Failed(f"they did not meet each other in {MEETINGS} tries: others are waiting as well")


async def wait_for(events: AsyncIterator[Event], kind: type[Message] | type[Viewed]) -> Event:
    async for event in events:
        if isinstance(event, kind):
            return event
    raise Failed("the connection has ended")


async def talk(url: str) -> None:
    async with Client(url, name="Smoke A") as one, Client(url, name="Smoke B") as other:
        mine, theirs = await meet(one, other)
        for speaker, hearer, said, heard in (
            (one, other, mine, theirs),
            (other, one, theirs, mine),
        ):
            number = await speaker.say(said, "Does it work?")
            await wait_for(hearer.events(), Message)
            await hearer.viewed(heard, number)
            await wait_for(speaker.events(), Viewed)
        await one.leave(mine)


def look(url: str) -> None:
    """Whether a node behind that address says that it can work."""
    address = urljoin(url.replace("ws", "http", 1), "readyz")
    try:
        urlopen(address, timeout=5).close()  # noqa: S310 (the operator's own address)
    except HTTPError as error:
        raise Failed(
            f"{address} says {error.code}: the node does not reach Redis, or drains"
        ) from None
    except OSError as error:
        raise Failed(f"nobody answers at {address}: {error}") from None


async def check(url: str, seconds: float) -> None:
    look(url)
    try:
        async with asyncio.timeout(seconds):
            await talk(url)
    except TimeoutError:
        look(url)  # it may have been ready a moment too long
        raise Failed(f"they have not met and talked in {seconds:g} s") from None
    except (ClientError, OSError) as error:
        raise Failed(str(error)) from error


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Two strangers meet through a public address, and talk."
    )
    parser.add_argument("url", help="of the socket, as wss://chat.example/ws")
    parser.add_argument("--seconds", type=float, default=20, help="how long it may take (20)")
    options = parser.parse_args()
    try:
        asyncio.run(check(options.url, options.seconds))
    except Failed as failed:
        sys.exit(f"smoke: {failed}")
    print("smoke: two strangers met and talked")


if __name__ == "__main__":
    main()
