"""What the tests of the links call with: answers that can be awaited, pushes and gaps that are kept."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

import redis

from chat.store.address import Address
from chat.store.calls import Ask, Part
from chat.store.keys import probe_of
from chat.store.link import RedisLink
from chat.store.links import Link
from chat.store.witness import Witnesses

PATIENCE = 5.0
PROBE = b"chat:{0}:probe:test"


def probe(pool: int) -> bytes:
    return probe_of(pool, "test")


class NoBeginning:
    """Pools of a server without the library: nothing is known of their generations."""

    def begin(self, pool: int, run: bytes, before: bytes = b"") -> Sequence[Part]:
        return ("PING",)

    def begun(self, pool: int, reply: Sequence[int]) -> None: ...


class Heard:
    """What a link has told its user, in order."""

    def __init__(self) -> None:
        self.pushes: list[tuple[bytes, bytes]] = []
        self.gaps = 0
        self.presses: list[bool] = []
        self._news = asyncio.Event()

    def push(self, channel: bytes, payload: bytes) -> None:
        self.pushes.append((channel, payload))
        self._news.set()

    def gap(self, pools: Collection[int]) -> None:
        assert list(pools) == [0], "the one that is used"
        self.gaps += 1
        self._news.set()

    def press(self, pressed: bool) -> None:
        self.presses.append(pressed)
        self._news.set()

    async def until(self, condition: Callable[[], bool], what: str = "") -> None:
        """Waits until what was heard fulfils the condition."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"not heard: {what}; {self.pushes}, {self.gaps} gaps") from None


def ask(link: Link, *parts: Part) -> "asyncio.Future[Any]":
    """Calls now; the future has the reply, or the error as a value."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    link.call(parts, answer.set_result)
    return answer


def recorded(link: Link, *parts: Part) -> "asyncio.Future[Any]":
    """The same with ``record``."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    link.record(parts, answer.set_result)
    return answer


async def told(link: Link, *parts: Part) -> Any:
    async with asyncio.timeout(PATIENCE):
        return await ask(link, *parts)


def redis_link(
    url: str,
    heard: Heard,
    *,
    timeout: float = 2,
    prologue: Sequence[Sequence[Part]] = (),
    jitter: Callable[[], float] = lambda: 0.1,
    replicas: int = 0,
) -> RedisLink:
    """Not started."""

    async def greet(ask: Ask) -> bytes:
        for parts in prologue:
            await ask(parts)
        return b""

    link = RedisLink(
        Address.parse(url), greet, NoBeginning(), heard.push, heard.gap, heard.press,
        probe=probe, timeout=timeout, jitter=jitter,
        witnesses=Witnesses(replicas, timeout, time.monotonic) if replicas else None,
    )  # fmt: skip
    link.serve(0)
    return link


@asynccontextmanager
async def linked(
    url: str,
    *,
    timeout: float = 2,
    jitter: Callable[[], float] = lambda: 0.1,
    replicas: int = 0,
) -> AsyncIterator[tuple[RedisLink, Heard]]:
    """A link that is connected, and closed at the end."""
    heard = Heard()
    link = redis_link(url, heard, timeout=timeout, jitter=jitter, replicas=replicas)
    await link.start()
    try:
        yield link, heard
    finally:
        await link.close()


async def until(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Waits for what nobody tells, such as the state of a server."""
    try:
        async with asyncio.timeout(patience):
            while not condition():  # noqa: ASYNC110 - there is nothing to wait on
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"not in time: {what}") from None


def allow(client: redis.Redis, user: str, password: str, *rules: str) -> None:
    """Makes a user of the server who may do what the rules say."""
    client.execute_command("ACL", "SETUSER", user, "on", password, *rules)  # type: ignore[no-untyped-call]
