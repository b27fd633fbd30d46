"""A raw client of a node: it sends what a test tells it to, right or wrong, and hides nothing.

``Wire`` knows frames (bare_wire.py) and JSON. Its short forms (``create``, ``match``, ``say`` …) send a
well-formed request and wait for its answer; pushes that arrive in between are set aside, in order,
for the next ``receive``. Where the order of answers and pushes matters: ``send``, then ``expect``.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Mapping
from typing import Any

from picows import WSTransport

from tests.support.bare_wire import BareWire, Listener
from tests.support.frames import Frame, decode

_request_ids = itertools.count(1)


class Wire(BareWire):
    """One socket. ``account_id``, ``token`` and ``name`` are those of the last ``create``."""

    def __init__(self, transport: WSTransport, listener: Listener) -> None:
        super().__init__(transport, listener)
        self.answer_pings = True
        self.account_id = 0
        self.token = ""
        self.name = ""
        self._set_aside: deque[Frame] = deque()

    async def receive(self, timeout: float = 5) -> Frame:
        """Return the next text frame, whatever it is, and answer nothing."""
        if self._set_aside:
            return self._set_aside.popleft()
        return decode(await self.receive_text(timeout))

    async def expect(self, cmd: str, *, timeout: float = 5, **fields: Any) -> Frame:
        """Return the next frame, which must be of this command and have these fields.

        A ``PING_REQ`` on the way is not counted. It is answered unless ``answer_pings`` is false,
        or it is what the test expects.
        """
        try:
            frame = await self._next(timeout, keep=cmd)
        except AssertionError as error:
            raise AssertionError(f"{error}, expected {cmd} {fields}") from None
        assert frame.get("cmd") == cmd, f"expected {cmd} {fields}, got {frame}"
        for name, value in fields.items():
            assert name in frame, f"{cmd} has no {name}: {frame}"
            assert frame[name] == value, f"{cmd} should have {name}={value!r}: {frame}"
        return frame

    async def nothing(self) -> None:
        """Show that this node has sent nothing else: the answer to a ping is the very next frame.

        What was published for this account may still be on its way from Redis; ``nothing_from``
        looks at that as well.
        """
        if self.account_id:
            self.send({"cmd": "PING_REQ", "accountId": self.account_id})
            await self.expect("PING_RESP", accountId=self.account_id)
        else:
            self.send({"cmd": "NOTHING"})
            await self.expect("ERROR_RESP", ref="NOTHING")

    async def nothing_from(self, partner: "Wire", session: int) -> None:
        """Show that nothing else was pushed to this account: the next frame is a Typing sent now.

        It takes the way of every push, through Redis, and leaves nothing behind.
        """
        await partner.typing(session, True)
        await self.expect("PUSH_SIGNAL_REQ", signalType="Typing", senderId=partner.account_id)

    # Short forms for well-formed requests

    async def request(self, cmd: str, *, timeout: float = 5, **fields: Any) -> Frame:
        """Send ``<cmd>_REQ`` and return ``<cmd>_RESP``; a field of None is left out."""
        self.send({"cmd": f"{cmd}_REQ", **_given(fields)})
        passed: list[Frame] = []
        try:
            while (frame := await self._next(timeout))["cmd"] != f"{cmd}_RESP":
                assert frame["cmd"] != "ERROR_RESP", f"{cmd}_REQ was answered by {frame}"
                passed.append(frame)
        except AssertionError as error:
            raise AssertionError(f"{error}, expected {cmd}_RESP after {passed}") from None
        self._set_aside.extendleft(reversed(passed))
        return frame

    async def create(self, name: str = "somebody") -> Frame:
        """Become a new account."""
        answer = await self.request("CRT_ACCOUNT", nickName=name)
        assert answer["code"] == 0, answer
        self.account_id = answer["accountId"]
        self.token = answer["token"]
        self.name = answer["nickName"]
        return answer

    async def reconnect(self, account_id: int, token: str, seq: int | None = None) -> Frame:
        """Take an account over."""
        answer = await self.request("RECONNECT", accountId=account_id, token=token, seq=seq)
        if answer["code"] == 0:
            self.account_id, self.token, self.name = account_id, token, answer["nickName"]
        return answer

    async def take_over(self, old: "Wire", seq: int | None = None) -> Frame:
        """Take over the account of another wire."""
        return await self.reconnect(old.account_id, old.token, seq)

    async def match(self) -> Frame:
        return await self.request("MATCH", accountId=self.account_id)

    async def match_cancel(self) -> Frame:
        return await self.request("MATCH_CANCEL", accountId=self.account_id)

    async def say(
        self,
        session: int,
        text: str,
        request_id: str | None = None,
        retry: bool | None = None,
    ) -> Frame:
        """Say something; without a request id, one is made up."""
        return await self.request(
            "DIALOGUE",
            requestId=request_id or f"request-{next(_request_ids)}",
            senderId=self.account_id,
            sessionId=session,
            content=text,
            retry=retry,
        )

    async def viewed(self, session: int, message: int) -> Frame:
        return await self.request(
            "VIEWED_ACK", sessionId=session, accountId=self.account_id, msgId=message
        )

    async def typing(self, session: int, typing: bool) -> None:
        """Only a refusal is answered, so nothing is awaited."""
        fields = {"accountId": self.account_id, "sessionId": session, "typing": typing}
        self.send({"cmd": "TYPING_REQ", **fields})

    async def leave(self, session: int) -> Frame:
        return await self.request("LEAVE", accountId=self.account_id, sessionId=session)

    def acknowledge(self, push: Frame) -> None:
        """Answer a push with its number: it and all before it have arrived."""
        self.send({"cmd": push["cmd"].replace("_REQ", "_RESP"), "seq": push["seq"]})

    async def _next(self, timeout: float, keep: str = "") -> Frame:
        """Return the next frame that is no ``PING_REQ``, unless that is the command to keep."""
        while True:
            frame = await self.receive(timeout)
            if frame.get("cmd") != "PING_REQ" or keep == "PING_REQ":
                return frame
            if self.answer_pings:
                self.send({"cmd": "PING_RESP", "accountId": frame["accountId"]})


async def pair(url_a: str, url_b: str) -> tuple[Wire, Wire, int]:
    """Return two accounts that have just met, and their session. The first one had waited."""
    a, b = await asyncio.gather(Wire.open(url_a), Wire.open(url_b))
    await a.create("Alice")
    await b.create("Bob")
    waiting = await a.match()
    assert waiting["code"] == 4, f"somebody else was waiting: {waiting}"
    met = await b.match()
    assert (met["code"], met.get("partnerId")) == (0, a.account_id), f"met somebody else: {met}"
    session: int = met["sessionId"]
    await a.expect(
        "PUSH_SIGNAL_REQ", signalType="NewSession", senderId=b.account_id, sessionId=session
    )
    return a, b, session


def _given(fields: Mapping[str, Any]) -> Frame:
    return {name: value for name, value in fields.items() if value is not None}
