"""Socket.IO 5 over Engine.IO 4, as its own client speaks it on a WebSocket."""

import json

from picows import WSFrame, WSTransport

from tests.bench.dialects.person import Person, Tally

PING, PONG = b"2", b"3"
ENGINE_OPEN, CONNECTED, ACKNOWLEDGED, EVENT = b"0{", b"40", b"43", b"42"
MESSAGE = b'42["message",'
CONTENT = b'"content":"'
MATCH_ID = b"420"
"""The acknowledgement of looking for a partner has this number, those of messages greater ones."""
MATCHED = b"430["


class SocketIOPerson(Person):
    """Emits with an acknowledgement, as our own senders get one."""

    PATH = "/socket.io/?EIO=4&transport=websocket"

    def __init__(self, tally: Tally) -> None:
        super().__init__(tally)
        self._to = b""

    def introduce(self) -> None:
        self.send(b'40{"nickName":"Somebody"}')

    def match(self) -> None:
        self.send(MATCH_ID + b'["match"]')

    def message(self, content: bytes) -> bytes:
        return b'42%d["say",{"to":"%b","content":"%b"}]' % (self.turn, self._to, content)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if payload.startswith(MESSAGE):
            self.arrived(payload[payload.index(CONTENT) + len(CONTENT) :])
        elif payload.startswith(ACKNOWLEDGED) and not payload.startswith(MATCHED):
            self.tally.confirmed += 1
        else:
            self._other(payload)

    def _other(self, payload: bytes) -> None:
        if payload == PING:
            self.send(PONG)
        elif payload.startswith(CONNECTED):
            self.answered()
        elif payload.startswith(MATCHED):
            self.answered()
            self._met(json.loads(payload[3:])[0])
        elif payload.startswith(EVENT):
            self._met(json.loads(payload[2:])[1])
        elif not payload.startswith(ENGINE_OPEN):
            raise AssertionError(payload)

    def _met(self, told: dict[str, str]) -> None:
        if told:
            self._to = told["partnerId"].encode()
            self.met()
