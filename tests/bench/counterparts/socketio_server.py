"""The counterpart on python-socketio: an event for each thing a person does, emits to the partner's sid.

Several of these share AsyncRedisManager. A message is acknowledged to its sender as soon as it was
emitted; whether the partner is there, and is the partner, is not looked at.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import redis.asyncio
import socketio

from tests.bench.counterparts.serve import serve
from tests.bench.counterparts.shared import meeting, pool_at


class Json:
    """orjson in the place of json, as far as python-socketio uses it."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


class Manager(socketio.AsyncRedisManager):  # type: ignore[misc]  # it has no types
    """Publishes over a bounded pool: with its own it loses messages, or is slower (see pool_at)."""

    def _redis_connect(self) -> None:
        super()._redis_connect()
        self.redis = redis.asyncio.Redis(connection_pool=pool_at(self.redis_url))


def make_app(redis_url: str) -> Any:
    """The ASGI application of one node."""
    sio = socketio.AsyncServer(
        async_mode="asgi",
        client_manager=Manager(redis_url),
        transports=["websocket"],
        # Handlers run in the order of the messages, without a task for each: it is faster so.
        async_handlers=False,
        json=Json,
        logger=False,
        engineio_logger=False,
    )
    talk = Talk(sio.emit, meeting(redis_url))
    for event in ("connect", "disconnect", "match", "say"):
        sio.on(event, getattr(talk, event))
    return socketio.ASGIApp(sio)


class Talk:
    """What people may do: come with a name, ask for a partner, say something to that one."""

    def __init__(
        self,
        emit: Callable[..., Awaitable[None]],
        meet: Callable[[str], Awaitable[str | None]],
    ) -> None:
        self._emit = emit
        self._meet = meet
        self._nicks: dict[str, str] = {}

    async def connect(self, sid: str, _: Any, auth: dict[str, str]) -> None:
        self._nicks[sid] = auth["nickName"]

    async def disconnect(self, sid: str, _: str) -> None:
        self._nicks.pop(sid, None)

    async def match(self, sid: str) -> dict[str, str]:
        """Answers with the partner; or with nothing, and the partner comes later, as "session"."""
        nick = self._nicks[sid]
        waiting = await self._meet(f"{sid} {nick}")
        if waiting is None:
            return {}
        partner, _, name = waiting.partition(" ")
        await self._emit("session", {"partnerId": sid, "partnerName": nick}, to=partner)
        return {"partnerId": partner, "partnerName": name}

    async def say(self, sid: str, said: dict[str, str]) -> int:
        await self._emit("message", {"senderId": sid, "content": said["content"]}, to=said["to"])
        return 0


if __name__ == "__main__":
    serve(make_app)
