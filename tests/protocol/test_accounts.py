"""Who one is: CRT_ACCOUNT_REQ, and what a socket may say before and after it."""

import asyncio

import pytest

from tests.protocol.conftest import Places
from tests.protocol.shapes import alone, exactly
from tests.support.frames import Frame
from tests.support.wire import Wire, pair


def test_an_account_is_created(places: Places) -> None:
    """The answer carries the name, an id below 2^53 and a token of 128 random bits or more."""

    async def scenario() -> None:
        wire = await Wire.open(places[0])
        answer = await wire.create("Alice")
        account, token = answer["accountId"], answer["token"]
        exactly(
            answer, "CRT_ACCOUNT_RESP", code=0, nickName="Alice", accountId=account, token=token
        )
        assert type(account) is int
        assert 0 < account < 2**53
        assert type(token) is str
        assert 22 <= len(token) <= 200

    asyncio.run(scenario())


def test_accounts_are_different(places: Places) -> None:
    """Ids and tokens, also of the same name, at both places."""

    async def scenario() -> None:
        wires = [await alone(place, "Alice") for place in places * 5]
        assert len({wire.account_id for wire in wires}) == len(wires)
        assert len({wire.token for wire in wires}) == len(wires)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Ann \t\n", "Ann"),
        ("x" * 31, "x" * 30),
        ("😀" * 31, "😀" * 30),
        ('q"\\/ü\u2028', 'q"\\/ü'),
        ("<b>&amp;", "<b>&amp;"),
    ],
)
def test_a_name_is_trimmed_and_cut(places: Places, given: str, kept: str) -> None:
    """To 30 code points; the partner is told the same name."""

    async def scenario() -> None:
        a, b = await alone(places[0], given), await alone(places[1], "Bob")
        assert a.name == kept
        await a.match()
        assert (await b.match())["partnerName"] == kept
        push = await a.expect("PUSH_SIGNAL_REQ", signalType="NewSession")
        assert push["data"] == {"accountId": b.account_id, "nickName": "Bob"}

    asyncio.run(scenario())


@pytest.mark.parametrize("fields", [{}, {"nickName": ""}, {"nickName": " \t\n"}])
def test_without_a_name_the_node_chooses(places: Places, fields: Frame) -> None:
    """A friendly one, that is: there is one, and it fits."""

    async def scenario() -> None:
        wire = await Wire.open(places[0])
        answer = await wire.request("CRT_ACCOUNT", **fields)
        assert answer["code"] == 0
        assert 0 < len(answer["nickName"].strip()) <= 30

    asyncio.run(scenario())


@pytest.mark.parametrize("name", [5, None, True, ["Alice"], {}])
def test_a_name_that_is_no_string(places: Places, name: object) -> None:
    """Code 1 and nothing else; a right request is then accepted."""

    async def scenario() -> None:
        wire = await Wire.open(places[0])
        wire.send({"cmd": "CRT_ACCOUNT_REQ", "nickName": name})
        exactly(await wire.receive(), "CRT_ACCOUNT_RESP", code=1)
        await wire.create("Alice")

    asyncio.run(scenario())


def test_a_socket_has_one_account(places: Places) -> None:
    """A second CRT_ACCOUNT_REQ or RECONNECT_REQ, right or wrong, gets code 5 and changes nothing."""

    async def scenario() -> None:
        a, b = await alone(places[0]), await alone(places[1])
        a.send({"cmd": "CRT_ACCOUNT_REQ", "nickName": "Another"})
        exactly(await a.receive(), "CRT_ACCOUNT_RESP", code=5)
        a.send({"cmd": "CRT_ACCOUNT_REQ", "nickName": 5})
        exactly(await a.receive(), "CRT_ACCOUNT_RESP", code=5)
        a.send({"cmd": "RECONNECT_REQ", "accountId": b.account_id, "token": b.token})
        exactly(await a.receive(), "RECONNECT_RESP", code=5)
        a.send({"cmd": "RECONNECT_REQ"})
        exactly(await a.receive(), "RECONNECT_RESP", code=5)
        await a.nothing()
        await b.nothing()

    asyncio.run(scenario())


def test_two_requests_for_an_account_at_once(places: Places) -> None:
    """The second one finds the socket taken."""

    async def scenario() -> None:
        wire = await Wire.open(places[0])
        wire.send({"cmd": "CRT_ACCOUNT_REQ", "nickName": "One"})
        wire.send({"cmd": "CRT_ACCOUNT_REQ", "nickName": "Two"})
        await wire.expect("CRT_ACCOUNT_RESP", code=0, nickName="One")
        exactly(await wire.receive(), "CRT_ACCOUNT_RESP", code=5)

    asyncio.run(scenario())


REQUESTS: dict[str, Frame] = {
    "MATCH": {},
    "MATCH_CANCEL": {},
    "DIALOGUE": {"requestId": "r", "sessionId": 1000, "content": "x"},
    "VIEWED_ACK": {"sessionId": 1000, "msgId": 1},
    "TYPING": {"sessionId": 1000, "typing": True},
    "LEAVE": {"sessionId": 1000},
    "PING": {},
}


def request_of(name: str, account: int, session: int = 1000) -> Frame:
    whose = "senderId" if name == "DIALOGUE" else "accountId"
    fields = {**REQUESTS[name], whose: account}
    if "sessionId" in fields:
        fields["sessionId"] = session
    return {"cmd": f"{name}_REQ", **fields}


def refused(frame: Frame, name: str, code: int) -> None:
    """The frame refuses this request, with what belongs to a refusal and nothing else."""
    if name == "PING":
        message = frame["msg"]
        assert type(message) is str
        exactly(frame, "ERROR_RESP", code=code, msg=message, ref="PING_REQ")
    elif name == "DIALOGUE":
        exactly(frame, "DIALOGUE_RESP", code=code, requestId="r")
    else:
        exactly(frame, f"{name}_RESP", code=code)


@pytest.mark.parametrize("name", REQUESTS)
def test_before_there_is_an_account(places: Places, name: str) -> None:
    """Every other request gets code 5, also a malformed one; the socket stays open."""

    async def scenario() -> None:
        wire = await Wire.open(places[0])
        wire.send(request_of(name, 1000))
        refused(await wire.receive(), name, 5)
        wire.send({"cmd": f"{name}_REQ"})
        assert (await wire.receive())["code"] == 5
        await wire.create("Alice")

    asyncio.run(scenario())


@pytest.mark.parametrize("name", REQUESTS)
def test_nobody_speaks_for_another(places: Places, name: str) -> None:
    """A request with an id that is not the socket's gets code 5, and nothing comes of it."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        await a.say(session, "first")
        await b.expect("PUSH_DIALOGUE_REQ", content="first")
        b.send(request_of(name, a.account_id, session))
        refused(await b.receive(), name, 5)
        await a.nothing_from(b, session)
        await b.nothing_from(a, session)

    asyncio.run(scenario())
