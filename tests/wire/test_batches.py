"""Much in one TCP segment: what is answered how, and in which order, is as if it came one after the other."""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.conftest import Nodes
from tests.support.frames import CLOSE, CONTINUATION, PING, TEXT, Frame, encode_frame
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.servers import Server, available_servers
from tests.support.wire import Wire, pair
from tests.wire.abuse import quiet_node


def text(fields: Frame | str | bytes) -> bytes:
    if isinstance(fields, dict):
        fields = json.dumps(fields, ensure_ascii=False)
    return encode_frame(TEXT, fields.encode() if isinstance(fields, str) else fields)


def message(wire: Wire, session: int, request: str, **more: Any) -> Frame:
    fields = {"requestId": request, "senderId": wire.account_id, "sessionId": session}
    return {"cmd": "DIALOGUE_REQ", **fields, "content": request, **more}


def about(wire: Wire, cmd: str, session: int, **more: Any) -> Frame:
    return {"cmd": cmd, "accountId": wire.account_id, "sessionId": session, **more}


async def answers(wire: Wire, number: int) -> list[tuple[str, int | None, str | None]]:
    """The next frames, pings left out: what they answer, their codes, and requestIds or refs."""
    found: list[tuple[str, int | None, str | None]] = []
    while len(found) < number:
        frame = await wire.receive()
        if frame["cmd"] != "PING_REQ":
            name = frame.get("requestId", frame.get("ref"))
            found.append((frame["cmd"].removesuffix("_RESP"), frame.get("code"), name))
    return found


async def contents(wire: Wire, number: int) -> Sequence[str]:
    return [(await wire.expect("PUSH_DIALOGUE_REQ"))["content"] for _ in range(number)]


def test_messages_between_all_that_there_is(two_nodes: Nodes) -> None:
    """Everything is answered in its turn: what Redis is asked, and what it is not."""

    async def scenario() -> None:
        alice, bob, session = await pair(two_nodes[0].url, two_nodes[1].url)
        frames: list[Frame | str] = [
            message(bob, session, "1"),
            "no json",
            message(bob, session, "2"),
            {"cmd": "PING_REQ", "accountId": bob.account_id},
            message(bob, session, "3", content=""),
            message(bob, session, "4", senderId=alice.account_id),
            message(bob, session, "5"),
            {"cmd": "CRT_ACCOUNT_REQ", "nickName": "again"},
            message(bob, session, "1", retry=True),
            about(bob, "VIEWED_ACK_REQ", session, msgId=3),
            message(bob, 5007, "6"),
            about(bob, "VIEWED_ACK_REQ", 5007, msgId=1),
            about(bob, "TYPING_REQ", 5007, typing=True),
            about(bob, "LEAVE_REQ", 5007),
            message(bob, session, "7"),
            {"cmd": "PUSH_DIALOGUE_RESP", "seq": "x"},
            {"cmd": "RECONNECT_REQ", "accountId": 1, "token": "x"},
            message(bob, session, "8"),
            about(bob, "LEAVE_REQ", session),
            message(bob, session, "9"),
            message(bob, session, "8", retry=True),
            {"cmd": "DANCE_REQ"},
        ]
        bob.raw(b"".join(text(frame) for frame in frames))
        assert await answers(bob, 20) == [
            ("DIALOGUE", 0, "1"),
            ("ERROR", 1, None),
            ("DIALOGUE", 0, "2"),
            ("PING", None, None),
            ("DIALOGUE", 1, "3"),
            ("DIALOGUE", 5, "4"),
            ("DIALOGUE", 0, "5"),
            ("CRT_ACCOUNT", 5, None),
            ("DIALOGUE", 0, "1"),
            ("VIEWED_ACK", 0, None),
            ("DIALOGUE", 4, "6"),
            ("VIEWED_ACK", 4, None),
            ("TYPING", 4, None),
            ("LEAVE", 4, None),
            ("DIALOGUE", 0, "7"),
            ("RECONNECT", 5, None),
            ("DIALOGUE", 0, "8"),
            ("LEAVE", 0, None),
            ("DIALOGUE", 7, "9"),
            ("DIALOGUE", 7, "8"),
        ]
        assert (await bob.receive())["ref"] == "DANCE_REQ"
        await bob.nothing()
        assert await contents(alice, 3) == ["1", "2", "5"]
        await alice.expect("PUSH_VIEWED_ACK_REQ", msgId=3)
        assert await contents(alice, 2) == ["7", "8"]
        await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit")
        await alice.nothing()

    asyncio.run(scenario())


@pytest.mark.parametrize("code", [1000, 1001])
def test_messages_and_a_close(two_nodes: Nodes, code: int) -> None:
    """They are said before the socket is gone, all of them, whatever its end is."""

    async def scenario() -> None:
        alice, bob, session = await pair(two_nodes[0].url, two_nodes[1].url)
        said = [f"{number}" for number in range(150)]
        messages = b"".join(text(message(bob, session, name)) for name in said)
        bob.raw(messages + encode_frame(CLOSE, code.to_bytes(2, "big")))
        assert await bob.closed() == code
        assert await contents(alice, 150) == said
        kind = "PartnerExit" if code == 1000 else "PartnerAway"
        await alice.expect("PUSH_SIGNAL_REQ", signalType=kind)

    asyncio.run(scenario())


def test_coming_back_and_messages(two_nodes: Nodes) -> None:
    """What was sent together with it waits for the account; what was pushed meanwhile comes before."""

    async def scenario() -> None:
        alice, bob, session = await pair(two_nodes[0].url, two_nodes[1].url)
        bob.abort()
        await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        await alice.say(session, "meanwhile")
        again = await Wire.open(two_nodes[0].url)
        again.account_id = bob.account_id
        again.raw(
            text(message(bob, session, "too early"))
            + text(
                {"cmd": "RECONNECT_REQ", "accountId": bob.account_id, "token": bob.token, "seq": 0}
            )
            + b"".join(text(message(bob, session, f"{number}")) for number in range(120))
            + text(about(bob, "LEAVE_REQ", session))
        )
        await again.expect("DIALOGUE_RESP", code=5, requestId="too early")
        await again.expect("RECONNECT_RESP", code=0, recovered=True)
        await again.expect("PUSH_DIALOGUE_REQ", content="meanwhile")
        for number in range(120):
            await again.expect("DIALOGUE_RESP", code=0, requestId=f"{number}")
        await again.expect("LEAVE_RESP", code=0)
        await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack")
        assert await contents(alice, 120) == [f"{number}" for number in range(120)]
        await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit")

    asyncio.run(scenario())


def test_a_socket_that_takes_over_in_the_middle(two_nodes: Nodes) -> None:
    """What the older socket says is said before, or refused by its close: never both, nothing twice."""

    async def scenario() -> None:
        url = two_nodes[0].url
        for _ in range(20):
            alice, bob, session = await pair(url, two_nodes[1].url)
            newer = await Wire.open(two_nodes[1].url)
            messages = [text(message(bob, session, f"{number}")) for number in range(60)]
            bob.raw(b"".join(messages))
            newer.send({"cmd": "RECONNECT_REQ", "accountId": bob.account_id, "token": bob.token})
            bob.raw(b"".join(messages))
            await newer.expect("RECONNECT_RESP", code=0, recovered=True)
            assert await bob.closed() == 4001
            newer.account_id = bob.account_id
            await newer.nothing_from(alice, session)
            await newer.typing(session, True)
            said = []
            while (frame := await alice.receive())["cmd"] == "PUSH_DIALOGUE_REQ":
                said.append(frame["content"])
            expected = [f"{number % 60}" for number in range(120)]
            assert said == expected[: len(said)]
            await newer.leave(session)

    asyncio.run(scenario())


def test_fragments_and_pings_between_messages(two_nodes: Nodes) -> None:
    """A message in pieces, with control frames in between: answered in order, each ping by its pong."""

    async def scenario() -> None:
        alice, bob, session = await pair(two_nodes[0].url, two_nodes[1].url)
        whole = json.dumps(message(bob, session, "in pieces")).encode()
        bob.raw(
            text(message(bob, session, "before"))
            + encode_frame(PING, b"1")
            + encode_frame(TEXT, whole[:20], fin=False)
            + encode_frame(PING, b"2")
            + encode_frame(CONTINUATION, whole[20:])
            + text(message(bob, session, "after"))
            + encode_frame(PING, b"3")
        )
        assert await contents(alice, 3) == ["before", "in pieces", "after"]
        assert [name for _, _, name in await answers(bob, 3)] == ["before", "in pieces", "after"]
        assert [await bob.pong() for _ in range(3)] == [b"1", b"2", b"3"]

    asyncio.run(scenario())


def test_a_session_that_is_damaged_in_redis() -> None:
    """Who talks in it gets code 2; all others, of the same node and the same moment, are heard."""

    async def scenario(server: Server, node: NodeProcess) -> None:
        pairs = [await pair(node.url, node.url) for _ in range(10)]
        with server.client() as client:
            damaged = f"chat:{{0}}:session:{pairs[4][2]}"
            client.rename(damaged, "kept")
            client.set(damaged, "damaged")
            for number in range(20):
                for _, bob, session in pairs:
                    bob.send(message(bob, session, f"{number}"))
            for place, (alice, bob, _) in enumerate(pairs):
                code = 2 if place == 4 else 0
                for number in range(20):
                    await bob.expect("DIALOGUE_RESP", code=code, requestId=f"{number}")
                if place != 4:
                    assert await contents(alice, 20) == [f"{number}" for number in range(20)]
            client.rename("kept", damaged)
        alice, bob, session = pairs[4]
        for number in range(20):
            answer = await bob.say(session, "again", f"{number}", retry=True)
            assert (answer["code"], answer["msgId"]) == (0, number + 1)
        assert await contents(alice, 20) == ["again"] * 20

    with Server(available_servers()[0]) as server, quiet_node(redis_url=server.url) as node:
        asyncio.run(scenario(server, node))


def test_coming_back_to_very_many_sessions() -> None:
    """The answer is larger than 64 KiB, and arrives."""

    number = 600

    async def scenario(server: Server, node: NodeProcess) -> None:
        bob = await Wire.open(node.url)
        await bob.create("Bob")
        with server.client() as client:
            for session in range(10**12, 10**12 + number):
                client.sadd(f"chat:{{0}}:sessions:{bob.account_id}", session)
                client.hset(
                    f"chat:{{0}}:session:{session}",
                    mapping={
                        "state": "open", "a": bob.account_id, "b": 1, "last": 0,
                        "nick_a": '"Bob"', "nick_b": json.dumps("😀" * 30, ensure_ascii=False),
                    },
                )  # fmt: skip
        again = await Wire.open(node.url)
        answer = await again.take_over(bob)
        assert len(answer["sessions"]) == number
        await again.nothing()
        await again.close()

    with Server(available_servers()[0]) as server, quiet_node(redis_url=server.url) as node:
        asyncio.run(scenario(server, node))


class Breaking:
    """People who talk, fifty messages at a time, while something breaks again and again."""

    DOUBTS = 5
    """So many segments that were not confirmed are enough."""
    PAUSE_SECONDS = 1.0
    """More than a node waits for an answer of Redis."""

    def __init__(self) -> None:
        self._answered, self._doubted = asyncio.Event(), asyncio.Event()
        self._doubts = 0

    async def talk(self, alice: Wire, bob: Wire, session: int) -> None:
        turns = 0
        while self._doubts < self.DOUBTS:
            turns += 1
            await self._turn(alice, bob, session, [f"{turns}-{number}" for number in range(50)])

    async def _turn(self, alice: Wire, bob: Wire, session: int, names: list[str]) -> None:
        bob.raw(b"".join(text(message(bob, session, name)) for name in names))
        answers = [await bob.expect("DIALOGUE_RESP", timeout=20) for _ in names]
        assert [answer["requestId"] for answer in answers] == names
        assert {answer["code"] for answer in answers} <= {0, 2}
        said = [answer["requestId"] for answer in answers if answer["code"] == 0]
        unsure = [name for name in names if name not in said]
        self._answered.set()
        if unsure:
            self._doubts += 1
            self._doubted.set()
        for name in unsure:
            while (await bob.say(session, name, name, retry=True))["code"] == 2:
                pass
        pushes = [await alice.expect("PUSH_DIALOGUE_REQ", timeout=20) for _ in names]
        alice.acknowledge(pushes[-1])
        arrived = [push["content"] for push in pushes]
        assert sorted(arrived) == sorted(names)
        assert [name for name in arrived if name in said] == said
        first = pushes[0]["msgId"]
        assert [push["msgId"] for push in pushes] == list(range(first, first + len(names)))

    async def harm(self, server: Server, kind: str) -> None:
        with server.client() as client:
            while self._doubts < self.DOUBTS:
                self._answered.clear()
                await self._answered.wait()
                if self._doubts >= self.DOUBTS:
                    break
                if kind == "links":
                    client.client_kill_filter(_type="normal", skipme=True)
                    client.client_kill_filter(_type="pubsub")
                elif kind == "functions":
                    client.function_flush()
                else:
                    self._doubted.clear()
                    server.pause()
                    # All of them may be waiting for pushes, which do not come either: nobody doubts then.
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._doubted.wait(), self.PAUSE_SECONDS)
                    server.resume()


@pytest.mark.parametrize("kind", ["links", "functions", "pause"])
def test_many_messages_while_something_breaks(kind: str) -> None:
    """Every message is answered in its turn. Repeated until confirmed, each arrives once; those of a segment
    that were confirmed at once arrive in their order."""

    async def scenario(server: Server, nodes: Sequence[NodeProcess]) -> None:
        breaking = Breaking()
        pairs = [await pair(nodes[0].url, nodes[1].url) for _ in range(4)]
        async with asyncio.timeout(60):
            talks = [breaking.talk(*people) for people in pairs]
            await asyncio.gather(breaking.harm(server, kind), *talks)
            for alice, bob, session in pairs:
                await alice.viewed(session, 1)
                await bob.expect("PUSH_VIEWED_ACK_REQ", msgId=1)
                await bob.nothing()

    settings = {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "0.3"}
    with (
        Server(available_servers()[0]) as server,
        NodeProcess(server.url, settings) as one,
        NodeProcess(server.url, settings) as two,
    ):
        asyncio.run(scenario(server, (one, two)))
