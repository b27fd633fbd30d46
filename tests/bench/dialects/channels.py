"""The JSON that our counterpart on Channels speaks."""

from picows import WSFrame, WSTransport

from tests.bench.dialects.person import Person

SAID = b'{"cmd":"said",'
MESSAGE = b'{"cmd":"message",'
CONTENT = b'"content":"'
SESSION = b'{"cmd":"session",'
OTHERS = (b'{"cmd":"hello",', b'{"cmd":"waiting"')


class ChannelsPerson(Person):
    """Has a confirmation of each message, as our own senders do."""

    def introduce(self) -> None:
        self.send(b'{"cmd":"hello","nickName":"Somebody"}')

    def match(self) -> None:
        self.send(b'{"cmd":"match"}')

    def message(self, content: bytes) -> bytes:
        return b'{"cmd":"say","id":%d,"content":"%b"}' % (self.turn, content)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if payload.startswith(MESSAGE):
            self.arrived(payload[payload.index(CONTENT) + len(CONTENT) :])
        elif payload.startswith(SAID):
            self.tally.confirmed += 1
        elif payload.startswith(SESSION):
            self.met()
            self.answered()
        elif payload.startswith(OTHERS):
            self.answered()
        else:
            raise AssertionError(payload)
