"""Our own wire (docs/protocol.md)."""

import json
from typing import Any

from picows import WSFrame, WSTransport

from chat.load import frames
from tests.bench.dialects.person import Person, Tally

SEQ = b'","seq":'
CONTENT = b'"content":"'


class ChatPerson(Person):
    """Acknowledges pushes as a client may: the last of several (Tally.ack_after), or when time is up."""

    PATH = "/ws"

    def __init__(self, tally: Tally) -> None:
        super().__init__(tally)
        self._account = 0
        self._token = b""
        self._head = b""
        self._seq = 0
        self._owed = 0

    def introduce(self) -> None:
        if self._account:
            self.send(frames.reconnect(self._account, self._token, self._seq))
        else:
            self.send(frames.CREATE)

    def match(self) -> None:
        self.send(frames.match(self._account))

    def message(self, content: bytes) -> bytes:
        return b'%b%d","content":"%b"}' % (self._head, self.turn, content)

    def settle(self) -> None:
        if self._owed:
            self._owed = 0
            self.send(frames.acknowledge(self._seq))

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if payload.startswith(frames.CONFIRMED):
            self.tally.confirmed += 1
        elif payload.startswith(frames.PUSHED):
            said, _, seq = payload.rpartition(SEQ)
            self._pushed(int(seq[:-1]))
            self.arrived(said[said.index(CONTENT) + len(CONTENT) :])
        else:
            self._other(json.loads(payload))

    def _pushed(self, seq: int) -> None:
        self._seq = seq
        self._owed += 1
        if self._owed >= self.tally.ack_after:
            self.settle()
        elif self._owed == 1:
            self.tally.owing.append(self)

    def _other(self, told: dict[str, Any]) -> None:
        cmd = told["cmd"]
        if cmd == "PING_REQ":
            self.send(frames.pong(self._account))
        elif cmd == "PUSH_SIGNAL_REQ":
            self._pushed(told["seq"])
            if told["signalType"] == "NewSession":
                self._met(told)
        elif cmd == "MATCH_RESP":
            self.answered()
            if told["code"] == 0:
                self._met(told)
        elif cmd in {"CRT_ACCOUNT_RESP", "RECONNECT_RESP"} and told["code"] == 0:
            if cmd == "CRT_ACCOUNT_RESP":
                self._account, self._token = told["accountId"], json.dumps(told["token"]).encode()
            self.answered()
        else:
            raise AssertionError(told)

    def _met(self, told: dict[str, Any]) -> None:
        self._head = b'{"cmd":"DIALOGUE_REQ","senderId":%d,"sessionId":%d,"requestId":"' % (
            self._account, told["sessionId"],
        )  # fmt: skip
        self.met()
