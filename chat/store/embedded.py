"""The embedded server: fakeredis in this process, for ``chat serve`` without a Redis.

Behind the same ``Link``: a call runs at once, its reply and the pushes it caused are handed on in
the next turn of the event loop, in the order a real server would have written them. It cannot
lose a push, so there is never a gap.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import fakeredis
import redis

from chat.store.calls import Command, Done, LinkDown, Part, parts_of

log = logging.getLogger(__name__)


class EmbeddedServer:
    """One data set in memory; several links share it, as several nodes share a Redis."""

    def __init__(self) -> None:
        self._fake = fakeredis.FakeServer(server_type="redis", version=(7,))
        self.links: list[EmbeddedLink] = []

    def client(self) -> "redis.Redis":
        """A connection of redis-py, to look inside."""
        return fakeredis.FakeRedis(server=self._fake)

    def collect(self) -> None:
        """Lets every link take what has been published."""
        for link in self.links:
            link.collect()


class EmbeddedLink:
    """``Link`` to an embedded server, for all pools."""

    def __init__(
        self,
        server: EmbeddedServer,
        prologue: Sequence[Sequence[Part]],
        on_push: Callable[[bytes, bytes], None],
    ) -> None:
        self._server = server
        self._prologue = prologue
        self._on_push = on_push
        self._client = server.client()
        self._channels = server.client().pubsub()  # type: ignore[no-untyped-call]
        self._subscribed = 0
        self._ready: list[Callable[[], None]] = []
        self._closed = False

    def of(self, pool: int) -> "EmbeddedLink":
        return self

    def serve(self, pool: int) -> None:
        """It is there."""

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        reply: Any = LinkDown("closed") if self._closed else self._execute(parts_of(command))
        self._later(lambda: done(reply))
        self._server.collect()

    record = call

    def flush(self) -> None:
        """Everything has left already."""

    def after_open_calls(self, done: Callable[[], None]) -> None:
        if self._ready:
            self._later(done)
        else:
            done()

    def open_calls(self) -> int | None:
        return None if self._closed else len(self._ready)

    @property
    def pressed(self) -> bool:
        return False

    def subscribe(self, channel: bytes) -> None:
        self._channels.ssubscribe(channel)
        self._subscribed += 1

    def unsubscribe(self, channel: bytes) -> None:
        self._channels.sunsubscribe(channel)
        self._subscribed -= 1

    async def start(self) -> None:
        self._server.links.append(self)
        for parts in self._prologue:
            if isinstance(reply := self._execute(parts), Exception):
                raise reply

    async def close(self) -> None:
        self._closed = True
        self._server.links.remove(self)
        self._channels.close()
        self._client.close()

    def collect(self) -> None:
        while self._subscribed and (message := self._channels.get_message()) is not None:
            if message["type"] == "smessage":
                channel, payload = message["channel"], message["data"]
                self._later(lambda c=channel, p=payload: self._on_push(c, p))  # type: ignore[misc]

    def _execute(self, parts: Sequence[Part]) -> Any:
        try:
            return self._client.execute_command(*parts)  # type: ignore[no-untyped-call]
        except redis.RedisError as error:
            return error

    def _later(self, step: Callable[[], None]) -> None:
        if not self._ready:
            asyncio.get_running_loop().call_soon(self._run)
        self._ready.append(step)

    def _run(self) -> None:
        steps, self._ready = self._ready, []
        for step in steps:
            try:
                step()
            except Exception:
                log.exception("a reply or push could not be dealt with")
