"""People for a measurement: cheap ones, many in one process, who talk at a given rate."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

TEXT = "What have you been up to, all these years? I have missed our long walks by the sea."


@dataclass
class Spoken:
    """What was confirmed and what arrived; ``delays`` are seconds from saying to arriving."""

    confirmed: int = 0
    delivered: int = 0
    delays: list[float] = field(default_factory=list)

    async def until(self, condition: Callable[["Spoken"], bool], seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while not condition(self):  # noqa: ASYNC110 - the callbacks should cost nothing more
                await asyncio.sleep(0.02)


class Person(WSListener):
    """One account. Everything is a callback: a message costs the generator little."""

    def __init__(self, spoken: Spoken) -> None:
        self.account = 0
        self.session = 0
        self.spoken = spoken
        self._transport: WSTransport
        self._said = 0
        self._answer: asyncio.Future[dict[str, Any]] | None = None

    @classmethod
    async def come(cls, url: str, spoken: Spoken) -> "Person":
        _, person = await ws_connect(lambda: cls(spoken), url, use_aiofastnet=False)
        assert isinstance(person, cls)
        answer = await person.ask({"cmd": "CRT_ACCOUNT_REQ", "nickName": "Somebody"})
        person.account = answer["accountId"]
        return person

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self._answer = asyncio.get_running_loop().create_future()
        self._send(request)
        return await self._answer

    async def match(self) -> bool:
        """Whether somebody was there."""
        answer = await self.ask({"cmd": "MATCH_REQ", "accountId": self.account})
        self.session = answer.get("sessionId", 0)
        return answer["code"] == 0  # type: ignore[no-any-return]

    def say(self) -> None:
        """One message that says when it was said."""
        self._said += 1
        self._send({
            "cmd": "DIALOGUE_REQ", "requestId": str(self._said), "senderId": self.account,
            "sessionId": self.session, "content": f"{time.monotonic()} {TEXT}",
        })  # fmt: skip

    def cut(self) -> None:
        """The socket is gone, without a word."""
        self._transport.underlying_transport.abort()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is not WSMsgType.TEXT:
            return
        told = json.loads(frame.get_payload_as_bytes())
        cmd = told["cmd"]
        if cmd == "DIALOGUE_RESP":
            assert told["code"] == 0, told
            self.spoken.confirmed += 1
        elif cmd == "PUSH_DIALOGUE_REQ":
            self.spoken.delivered += 1
            said = float(told["content"].partition(" ")[0])
            self.spoken.delays.append(time.monotonic() - said)
            self._send({"cmd": "PUSH_DIALOGUE_RESP", "seq": told["seq"]})
        elif cmd == "PUSH_SIGNAL_REQ":
            self.session = told["sessionId"]
            self._send({"cmd": "PUSH_SIGNAL_RESP", "seq": told["seq"]})
        elif cmd == "PING_REQ":
            self._send({"cmd": "PING_RESP", "accountId": self.account})
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(told)

    def _send(self, request: dict[str, Any]) -> None:
        self._transport.send(WSMsgType.TEXT, json.dumps(request).encode())


async def crowd(urls: Sequence[str], number: int, spoken: Spoken) -> list[Person]:
    """So many people, on all nodes alike, a hundred at a time."""
    people: list[Person] = []
    for first in range(0, number, 100):
        wanted = range(first, min(first + 100, number))
        people += await asyncio.gather(
            *(Person.come(urls[place % len(urls)], spoken) for place in wanted)
        )
    return people


async def pair_off(people: Sequence[Person]) -> None:
    """Two by two: neighbours, who sit on different nodes."""
    for one, other in zip(people[::2], people[1::2], strict=True):
        assert not await one.match()
        assert await other.match()


async def talk(people: Sequence[Person], per_second: float, seconds: float) -> None:
    """One after the other says something, evenly; returns when all has had a moment to arrive."""
    began, said, spoken = time.monotonic(), 0, people[0].spoken
    before = spoken.confirmed
    while (passed := time.monotonic() - began) < seconds:
        due = int(passed * per_second)
        for turn in range(said, due):
            people[turn % len(people)].say()
        said = due
        await asyncio.sleep(0.005)
    wanted = before + said
    await spoken.until(lambda spoken: spoken.delivered >= spoken.confirmed >= wanted)
