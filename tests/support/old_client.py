"""The browser client of the system before this one, as docs/protocol.md describes it."""

from typing import Any

from tests.support.frames import Frame
from tests.support.wire import Wire


class OldClient:
    """Says only what the old client says, and looks only at what it looks at."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.account_id: Any = None
        self.token: Any = None
        self.wire: Wire

    async def begin(self, name: str) -> None:
        await self._open()
        self.wire.send({"cmd": "CRT_ACCOUNT_REQ", "nickName": name})
        answer = await self.hear("CRT_ACCOUNT_RESP")
        self.account_id, self.token = answer["accountId"], answer["token"]

    async def again(self, url: str) -> None:
        """A lost socket: another one, with the token, and no word of what has arrived."""
        self.url = url
        await self._open()
        self.wire.send({"cmd": "RECONNECT_REQ", "accountId": self.account_id, "token": self.token})
        assert (await self.hear("RECONNECT_RESP"))["code"] == 0

    def ask(self) -> None:
        """Said every 3 s until there is a partner."""
        self.wire.send({"cmd": "MATCH_REQ", "accountId": self.account_id})

    def say(self, session: int, text: str) -> None:
        self.wire.send(
            {
                "cmd": "DIALOGUE_REQ",
                "requestId": text,
                "senderId": self.account_id,
                "sessionId": session,
                "content": text,
            }
        )

    def read(self, push: Frame) -> None:
        self.wire.send(
            {
                "cmd": "VIEWED_ACK_REQ",
                "sessionId": push["sessionId"],
                "accountId": self.account_id,
                "MsgId": push["msgId"],
            }
        )

    async def pinged(self) -> None:
        """Within 3 s of a push."""
        ping = await self.hear("PING_REQ", timeout=3)
        assert ping["accountId"] == self.account_id
        self.wire.send({"cmd": "PING_RESP", "accountId": ping["accountId"]})

    async def hear(self, cmd: str, *, timeout: float = 5, **fields: Any) -> Frame:
        return await self.wire.expect(cmd, timeout=timeout, **fields)

    async def notices(self, cmd: str, **fields: Any) -> Frame:
        """The next frame that it knows, which must be this one. What it does not know, it does not look at."""
        while True:
            frame = await self.wire.receive()
            if frame["cmd"] == "PING_REQ" and cmd != "PING_REQ":
                self.wire.send({"cmd": "PING_RESP", "accountId": frame["accountId"]})
            elif frame.get("signalType") not in {"Typing", "PartnerAway", "PartnerBack"}:
                assert {"cmd": cmd, **fields}.items() <= frame.items(), frame
                return frame

    async def nothing(self, partner: Wire, session: int) -> None:
        """Nothing but a signal that it does not know."""
        await self.wire.nothing_from(partner, session)

    async def _open(self) -> None:
        self.wire = await Wire.open(self.url)
        self.wire.answer_pings = False
