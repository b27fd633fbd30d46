"""The counterpart on Django Channels: a consumer for each socket, which sends to the partner's channel.

Several of these share the pub/sub layer of channels_redis, the faster one of its two. A message is
confirmed to its sender as soon as it was sent on; whether the partner is there is not looked at.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from tests.bench.counterparts.serve import serve
from tests.bench.counterparts.shared import meeting


def make_app(redis_url: str) -> Any:
    """The ASGI application of one node."""
    layer = "channels_redis.pubsub.RedisPubSubChannelLayer"
    settings.configure(
        CHANNEL_LAYERS={"default": {"BACKEND": layer, "CONFIG": {"hosts": [redis_url]}}}
    )
    return Talker.as_asgi(meet=meeting(redis_url))


class Talker(AsyncWebsocketConsumer):  # type: ignore[misc]  # it has no types
    """One person: comes with a name, asks for a partner, says something to that one."""

    def __init__(self, meet: Callable[[str], Awaitable[str | None]]) -> None:
        super().__init__()
        self._meet = meet
        self._nick = ""
        self._partner = ""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        told = orjson.loads(text_data or bytes_data or "{}")
        cmd = told["cmd"]
        if cmd == "say":
            await self._say(told)
        elif cmd == "match":
            await self._match()
        elif cmd == "hello":
            self._nick = told["nickName"]
            await self._tell({"cmd": "hello", "id": self.channel_name})

    # what comes through the channel layer

    async def session(self, event: dict[str, Any]) -> None:
        self._partner = event["partner"]
        await self._tell({"cmd": "session", "partnerId": event["partner"], "name": event["name"]})

    async def message(self, event: dict[str, Any]) -> None:
        await self._tell({"cmd": "message", "from": event["from"], "content": event["content"]})

    async def _say(self, told: dict[str, Any]) -> None:
        event = {"type": "message", "from": self.channel_name, "content": told["content"]}
        await self.channel_layer.send(self._partner, event)
        await self._tell({"cmd": "said", "id": told["id"]})

    async def _match(self) -> None:
        waiting = await self._meet(f"{self.channel_name} {self._nick}")
        if waiting is None:
            await self._tell({"cmd": "waiting"})
            return
        self._partner, _, name = waiting.partition(" ")
        event = {"type": "session", "partner": self.channel_name, "name": self._nick}
        await self.channel_layer.send(self._partner, event)
        await self._tell({"cmd": "session", "partnerId": self._partner, "name": name})

    async def _tell(self, answer: dict[str, Any]) -> None:
        await self.send(orjson.dumps(answer).decode())


if __name__ == "__main__":
    serve(make_app)
