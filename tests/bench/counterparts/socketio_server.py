"""The counterpart on python-socketio: an event for each thing a person does, emits to the partner's sid.

Several of these share AsyncRedisManager. A message is acknowledged to its sender as soon as it was
emitted; whether the partner is there, and is the partner, is not looked at.
"""

from typing import Any

import orjson
import redis.asyncio
import socketio

CONNECTIONS = 8
"""To Redis, for matching: as many as are needed at once would be made otherwise, and refused above 100."""
MEET = """
local waiting = redis.call('LPOP', KEYS[1])
if not waiting then redis.call('RPUSH', KEYS[1], ARGV[1]) end
return waiting
"""
"""Who has waited longest; or nobody, and who asks waits: in one step, or two might wait for each other."""


class Json:
    """orjson in the place of json, as far as python-socketio uses it."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


def make_app(redis_url: str) -> socketio.ASGIApp:
    """The ASGI application of one node."""
    sio = socketio.AsyncServer(
        async_mode="asgi",
        # redis-py refuses more than 100 at once by default, and then the manager loses messages.
        client_manager=socketio.AsyncRedisManager(
            redis_url, redis_options={"max_connections": 10_000}
        ),
        transports=["websocket"],
        # Handlers run in the order of the messages, without a task for each: it is faster so.
        async_handlers=False,
        json=Json,
        logger=False,
        engineio_logger=False,
    )
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        redis_url, max_connections=CONNECTIONS, timeout=60, decode_responses=True
    )
    Talk(sio, redis.asyncio.Redis(connection_pool=pool))
    return socketio.ASGIApp(sio)


class Talk:
    """What people may do: come with a name, ask for a partner, say something to that one."""

    def __init__(self, sio: socketio.AsyncServer, shared: "redis.asyncio.Redis[str]") -> None:
        self._emit = sio.emit
        self._meet = shared.register_script(MEET)
        self._nicks: dict[str, str] = {}
        sio.on("connect", self.connect)
        sio.on("disconnect", self.disconnect)
        sio.on("match", self.match)
        sio.on("say", self.say)

    async def connect(self, sid: str, _: Any, auth: dict[str, str]) -> None:
        self._nicks[sid] = auth["nickName"]

    async def disconnect(self, sid: str, _: str) -> None:
        self._nicks.pop(sid, None)

    async def match(self, sid: str) -> dict[str, str]:
        """Answers with the partner; or with nothing, and the partner comes later, as "session"."""
        nick = self._nicks[sid]
        waiting = await self._meet(["queue"], [f"{sid} {nick}"])
        if waiting is None:
            return {}
        partner, _, name = waiting.partition(" ")
        await self._emit("session", {"partnerId": sid, "partnerName": nick}, to=partner)
        return {"partnerId": partner, "partnerName": name}

    async def say(self, sid: str, said: dict[str, str]) -> int:
        await self._emit("message", {"senderId": sid, "content": said["content"]}, to=said["to"])
        return 0
