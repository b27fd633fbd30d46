"""What is refused, how, and what closes the socket."""

import asyncio
import contextlib

import pytest

from tests.protocol.conftest import Places
from tests.protocol.shapes import alone, exactly, hears
from tests.support.bare_wire import WireClosed
from tests.support.frames import BINARY, CONTINUATION, TEXT, Frame
from tests.support.wire import Wire, pair


@pytest.mark.parametrize(
    ("frame", "ref"),
    [
        ("", None),
        ("{", None),
        ("[]", None),
        ("5", None),
        ("null", None),
        ('"MATCH_REQ"', None),
        ("{}", None),
        ('{"cmd":5}', None),
        ('{"cmd":null}', None),
        ('{"cmd":""}', ""),
        ('{"cmd":"NO_SUCH_REQ"}', "NO_SUCH_REQ"),
        ('{"cmd":"MATCH_RESP"}', "MATCH_RESP"),
        ('{"cmd":"NaN","n":NaN}', None),
    ],
)
def test_what_is_no_request(places: Places, frame: str, ref: str | None) -> None:
    """ERROR_RESP with code 1 and words for people, before and after there is an account."""

    async def scenario() -> None:
        wire = await Wire.open(places[0])
        for _ in range(2):
            wire.send(frame)
            answer = await wire.receive()
            named = {} if ref is None else {"ref": ref}
            assert type(answer["msg"]) is str
            exactly(answer, "ERROR_RESP", code=1, msg=answer["msg"], **named)
            if not wire.account_id:
                await wire.create("Alice")

    asyncio.run(scenario())


BAD: list[tuple[str, Frame]] = [
    ("MATCH", {"accountId": None}),
    ("MATCH", {"accountId": "1000"}),
    ("MATCH", {"accountId": 1000.0}),
    ("MATCH", {"accountId": True}),
    ("MATCH", {"accountId": 2**53}),
    ("MATCH_CANCEL", {"accountId": []}),
    ("DIALOGUE", {"requestId": 5}),
    ("DIALOGUE", {"requestId": ""}),
    ("DIALOGUE", {"requestId": "r" * 101}),
    ("DIALOGUE", {"sessionId": "x"}),
    ("DIALOGUE", {"content": ""}),
    ("DIALOGUE", {"content": None}),
    ("DIALOGUE", {"content": 5}),
    ("DIALOGUE", {"content": "x" * 2001}),
    ("DIALOGUE", {"content": "😀" * 2001}),
    ("DIALOGUE", {"retry": 1}),
    ("VIEWED_ACK", {"msgId": None}),
    ("VIEWED_ACK", {"msgId": "1"}),
    ("VIEWED_ACK", {"msgId": 0}),
    ("VIEWED_ACK", {"sessionId": None}),
    ("TYPING", {"typing": "yes"}),
    ("TYPING", {"typing": None}),
    ("TYPING", {"sessionId": 1.5}),
    ("LEAVE", {"sessionId": None}),
]
RIGHT: dict[str, Frame] = {
    "DIALOGUE": {"requestId": "r", "content": "x"},
    "VIEWED_ACK": {"msgId": 1},
    "TYPING": {"typing": True},
}


@pytest.mark.parametrize(("name", "wrong"), BAD)
def test_a_field_that_is_wrong(places: Places, name: str, wrong: Frame) -> None:
    """Code 1 in the request's own answer, with its requestId where that is a string."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        whose = "senderId" if name == "DIALOGUE" else "accountId"
        own = {whose: a.account_id, "sessionId": session, **RIGHT.get(name, {})}
        request = {"cmd": f"{name}_REQ", **own, **wrong}
        a.send(request)
        known = request.get("requestId")
        echoed = {"requestId": known} if type(known) is str else {}
        exactly(await a.receive(), f"{name}_RESP", code=1, **echoed)
        await b.nothing_from(a, session)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"accountId": 1000},
        {"accountId": "1000", "token": "t"},
        {"accountId": 1000, "token": 5},
        {"accountId": 1000, "token": ""},
        {"accountId": 1000, "token": "t" * 201},
        {"accountId": 1000, "token": "t", "seq": "1"},
        {"accountId": 1000, "token": "t", "seq": -1},
    ],
)
def test_a_wrong_reconnect(places: Places, fields: Frame) -> None:
    """Code 1, and the socket may still get an account."""

    async def scenario() -> None:
        wire = await Wire.open(places[0])
        wire.send({"cmd": "RECONNECT_REQ", **fields})
        exactly(await wire.receive(), "RECONNECT_RESP", code=1)
        await wire.create("Alice")

    asyncio.run(scenario())


def test_unknown_fields_are_ignored(places: Places) -> None:
    """And of a key that is given twice the last counts."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.request(
            "DIALOGUE", requestId="r", senderId=a.account_id, sessionId=session,
            content="x", color="blue", seq=5, msgId=99,
        )  # fmt: skip
        a.send(
            '{"cmd":"NOTHING","content":"no","cmd":"DIALOGUE_REQ","requestId":"s",'
            f'"senderId":{a.account_id},"sessionId":{session},"content":"y"}}'
        )
        await a.expect("DIALOGUE_RESP", code=0, requestId="s", msgId=2)
        await hears(b, "x", "y")

    asyncio.run(scenario())


BIG = b'{"cmd":"NOTHING","text":"%s"}'


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([(BINARY, b"x", True)], 1003),
        ([(TEXT, b"x" * 10_241, True)], 1009),
        ([(TEXT, b"x" * 9000, False), (CONTINUATION, b"x" * 2000, False)], 1009),
        ([(TEXT, b"\xff", True)], 1007),
        ([(CONTINUATION, b"x", True)], 1002),
        ([(0x3, b"x", True)], 1002),
    ],
)
def test_what_closes_the_socket(
    places: Places, frames: list[tuple[int, bytes, bool]], code: int
) -> None:
    """With its code; the account keeps its grace time."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        for opcode, payload, fin in frames:
            a.frame(opcode, payload, fin=fin)
        assert await a.closed() == code
        await b.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway", sessionId=session)

    asyncio.run(scenario())


def test_the_largest_message(places: Places) -> None:
    """10 240 bytes, in one frame or in fragments, pass."""

    async def scenario() -> None:
        wire = await alone(places[0])
        message = BIG % (b"x" * (10_240 - len(BIG) + 2))
        assert len(message) == 10_240
        wire.frame(TEXT, message)
        await wire.expect("ERROR_RESP", code=1)
        wire.frame(TEXT, message[:5000], fin=False)
        wire.frame(CONTINUATION, message[5000:])
        await wire.expect("ERROR_RESP", code=1)

    asyncio.run(scenario())


def test_too_many_commands(limited_places: Places) -> None:
    """Code 6 with the time to wait, each in its own answer; after that time the next one passes."""

    async def scenario() -> None:
        wire = await alone(limited_places[0])
        own = {"accountId": wire.account_id}
        for _ in range(30):
            wire.send({"cmd": "MATCH_CANCEL_REQ", **own})
        answers = [await wire.receive() for _ in range(30)]
        told = [answer for answer in answers if answer["code"] == 6]
        assert told
        for answer in told:
            wait = answer["retryAfterMs"]
            exactly(answer, "MATCH_CANCEL_RESP", code=6, retryAfterMs=wait)
            assert type(wait) is int
            assert 0 < wait <= 60_000
        await asyncio.sleep(told[-1]["retryAfterMs"] / 1000)  # what the node asked for
        assert (await wire.match_cancel())["code"] == 0

    asyncio.run(scenario())


def test_one_that_does_not_stop(limited_places: Places) -> None:
    """Who goes on long after it was told code 6 is closed with 1008."""

    async def scenario() -> None:
        wire = await alone(limited_places[0])
        async with asyncio.timeout(30):
            with contextlib.suppress(WireClosed):
                while True:
                    for _ in range(50):
                        wire.send({"cmd": "MATCH_CANCEL_REQ", "accountId": wire.account_id})
                    for _ in range(50):
                        await wire.receive()
        assert await wire.closed() == 1008

    asyncio.run(scenario())


def test_too_many_accounts(limited_places: Places) -> None:
    """From one address, over both nodes: code 6 with the time to wait."""

    async def scenario() -> None:
        answers = []
        for turn in range(6):
            wire = await Wire.open(limited_places[turn % 2])
            answers.append(await wire.request("CRT_ACCOUNT", nickName="Alice"))
        answer = answers[-1]
        wait = answer["retryAfterMs"]
        exactly(answer, "CRT_ACCOUNT_RESP", code=6, retryAfterMs=wait)
        assert type(wait) is int
        assert 0 < wait <= 60_000

    asyncio.run(scenario())
