"""In which order frames come to one socket."""

import asyncio

from tests.protocol.conftest import Places
from tests.protocol.shapes import alone
from tests.support.frames import Frame
from tests.support.wire import Wire, pair


def dialogue(wire: Wire, session: int, request_id: str, content: str = "x") -> Frame:
    return {
        "cmd": "DIALOGUE_REQ",
        "requestId": request_id,
        "senderId": wire.account_id,
        "sessionId": session,
        "content": content,
    }


def test_a_session_is_announced_before_it_speaks(places: Places) -> None:
    """The waiting side answers NewSession with a message at once, which must not overtake MATCH_RESP."""

    async def scenario() -> None:
        for _ in range(20):
            a, b = await alone(places[0]), await alone(places[1])
            await a.match()
            b.send({"cmd": "MATCH_REQ", "accountId": b.account_id})
            session = (await a.expect("PUSH_SIGNAL_REQ", signalType="NewSession"))["sessionId"]
            a.send(dialogue(a, session, "r"))
            await b.expect("MATCH_RESP", code=0, sessionId=session)
            await b.expect("PUSH_DIALOGUE_REQ", sessionId=session)
            await a.expect("DIALOGUE_RESP")

    asyncio.run(scenario())


def test_the_one_who_asked_speaks_at_once(places: Places) -> None:
    """NewSession comes before that message."""

    async def scenario() -> None:
        for _ in range(20):
            a, b = await alone(places[0]), await alone(places[1])
            await a.match()
            session = (await b.match())["sessionId"]
            b.send(dialogue(b, session, "r"))
            await a.expect("PUSH_SIGNAL_REQ", signalType="NewSession", sessionId=session, seq=1)
            await a.expect("PUSH_DIALOGUE_REQ", sessionId=session, seq=2)

    asyncio.run(scenario())


def test_a_message_is_answered_before_it_is_read(places: Places) -> None:
    """DIALOGUE_RESP before the PUSH_VIEWED_ACK_REQ of that message, however quick the reader."""

    async def scenario() -> None:
        a, b, session = await pair(*places)

        async def read() -> None:
            for _ in range(100):
                push = await b.expect("PUSH_DIALOGUE_REQ")
                number = push["msgId"]
                await b.viewed(session, number)

        reading = asyncio.create_task(read())
        for number in range(1, 101):
            a.send(dialogue(a, session, str(number)))
        answered = viewed = 0
        while viewed < 100:
            frame = await a.receive()
            if frame["cmd"] == "DIALOGUE_RESP":
                answered = frame["msgId"]
            elif frame["cmd"] == "PUSH_VIEWED_ACK_REQ":
                viewed = frame["msgId"]
            assert viewed <= answered
        await reading

    asyncio.run(scenario())


def test_pushes_come_by_number(places: Places) -> None:
    """From several partners at once, messages and read marks mixed: one row without a gap."""

    async def scenario() -> None:
        hub = await alone(places[0])
        partners = []
        for turn in range(5):
            await hub.match()
            partner = await alone(places[turn % 2])
            session = (await partner.match())["sessionId"]
            assert (await hub.say(session, "word"))["code"] == 0
            partners.append((partner, session))

        async def speak(wire: Wire, session: int) -> None:
            await wire.expect("PUSH_DIALOGUE_REQ", content="word")
            await wire.viewed(session, 1)
            for number in range(20):
                assert (await wire.say(session, str(number)))["code"] == 0

        await asyncio.gather(*(speak(*partner) for partner in partners))
        seqs: list[int] = []
        while len(seqs) < 5 * 22:
            frame = await hub.receive()
            if frame["cmd"] != "PING_REQ":
                seqs.append(frame["seq"])
        assert seqs == list(range(1, 5 * 22 + 1))

    asyncio.run(scenario())


def test_answers_come_in_the_order_of_the_requests(places: Places) -> None:
    """Also those that a node refuses by itself, in between those that it has to ask Redis about."""

    async def scenario() -> None:
        a, b, session = await pair(*places)
        own = {"accountId": a.account_id}
        stranger = b.account_id
        sent: list[tuple[Frame | str, Frame]] = []
        for turn in range(60):
            name = str(turn)
            sent += [
                (
                    dialogue(a, session, name),
                    {"cmd": "DIALOGUE_RESP", "requestId": name, "code": 0},
                ),
                ({"cmd": f"NONE{name}"}, {"cmd": "ERROR_RESP", "ref": f"NONE{name}", "code": 1}),
                ({"cmd": "PING_REQ", **own}, {"cmd": "PING_RESP", **own}),
                (
                    dialogue(a, session, f"e{name}", ""),
                    {"cmd": "DIALOGUE_RESP", "requestId": f"e{name}", "code": 1},
                ),
                ({"cmd": "MATCH_CANCEL_REQ", **own}, {"cmd": "MATCH_CANCEL_RESP", "code": 0}),
                ({"cmd": "MATCH_REQ", "accountId": stranger}, {"cmd": "MATCH_RESP", "code": 5}),
                ("no json", {"cmd": "ERROR_RESP", "code": 1}),
                (
                    dialogue(a, 1, f"u{name}"),
                    {"cmd": "DIALOGUE_RESP", "requestId": f"u{name}", "code": 4},
                ),
                (
                    {"cmd": "VIEWED_ACK_REQ", **own, "sessionId": session, "msgId": 10**6},
                    {"cmd": "VIEWED_ACK_RESP", "code": 4},
                ),
                ({"cmd": "CRT_ACCOUNT_REQ"}, {"cmd": "CRT_ACCOUNT_RESP", "code": 5}),
            ]
        for request, _ in sent:
            a.send(request)
        for _, answer in sent:
            frame = await a.receive()
            assert {name: frame.get(name) for name in answer} == answer

    asyncio.run(scenario())


def test_the_limit_answers_in_order_too(limited_places: Places) -> None:
    """Refusals of the limit do not overtake what was accepted before."""

    async def scenario() -> None:
        a, _, session = await pair(*limited_places)
        for number in range(40):
            a.send(dialogue(a, session, str(number)))
        answers = [await a.receive() for _ in range(40)]
        assert [answer["requestId"] for answer in answers] == [str(n) for n in range(40)]
        assert {answer["code"] for answer in answers} == {0, 6}

    asyncio.run(scenario())
