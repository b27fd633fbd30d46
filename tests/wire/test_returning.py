"""Coming back to much: to a full inbox over a slow line, as an old client, under the usual limits."""

import asyncio

import pytest

from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.servers import Server
from tests.support.wire import Wire, pair
from tests.wire.abuse import quiet_node

USUAL = {**NO_LIMITS, "CHAT_COMMANDS_PER_SECOND": "10"}
"""The default share of commands."""

LONG = "😀" * 2000
"""8 kB as a frame: the most that a message can be."""
MANY = 900
"""Within the default bound of an inbox: 7 MB of such messages, far more than may wait for a socket."""


async def left_behind(node: NodeProcess, content: str, number: int) -> tuple[Wire, Wire, int]:
    """Alice has said a lot to Bob, who lost his socket."""
    alice, bob, session = await pair(node.url, node.url)
    bob.abort()
    await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
    for _ in range(number):
        assert (await alice.say(session, content))["code"] == 0
    return alice, bob, session


@pytest.mark.parametrize("numbers", [True, False])
def test_a_full_inbox_over_a_slow_line(numbers: bool) -> None:
    """Everything comes, in order, on one socket: a client that reads is not cut off, however little it
    takes at a time, and whether or not it says what has arrived."""

    async def scenario(node: NodeProcess) -> None:
        alice, bob, session = await left_behind(node, LONG, MANY)
        async with await Wire.open(node.url, receive_buffer=8192) as again:
            answer = await again.take_over(bob, seq=0 if numbers else None)
            assert answer["recovered"] is True
            for number in range(1, MANY + 1):
                push = await again.expect("PUSH_DIALOGUE_REQ", msgId=number, seq=number)
                if numbers:
                    again.acknowledge(push)
            await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack")
            assert (await alice.say(session, "live again"))["code"] == 0
            await again.expect("PUSH_DIALOGUE_REQ", content="live again")

    with quiet_node() as node:
        asyncio.run(scenario(node))


def test_an_old_client_that_views_everything_at_once(redis_server: Server) -> None:
    """More than its share: it is told code 6 and stays, and nothing is pushed to it twice."""

    async def scenario(free: NodeProcess, node: NodeProcess) -> None:
        _, bob, session = await left_behind(free, "hello", 200)
        async with await Wire.open(node.url) as again:
            await again.take_over(bob)
            again.answer_pings = False
            for number in range(1, 201):
                await again.expect("PUSH_DIALOGUE_REQ", msgId=number)
            for number in range(1, 201):
                again.send({
                    "cmd": "VIEWED_ACK_REQ", "sessionId": session,
                    "accountId": again.account_id, "msgId": number,
                })  # fmt: skip
            answers = [await again.expect("VIEWED_ACK_RESP", timeout=30) for _ in range(200)]
            assert {answer["code"] for answer in answers} == {0, 6}
            again.answer_pings = True
            again.send({"cmd": "PING_RESP", "accountId": again.account_id})
            await again.nothing()
            again.abort()
        async with await Wire.open(free.url) as third:
            await third.take_over(bob)
            await third.nothing()

    url = redis_server.url
    with NodeProcess(url, NO_LIMITS) as free, quiet_node(USUAL, url) as node:
        asyncio.run(scenario(free, node))


def test_answers_without_numbers_cost_nothing(redis_server: Server) -> None:
    """A client of the base protocol answers every push without seq: its own commands have their share."""

    async def scenario(free: NodeProcess, node: NodeProcess) -> None:
        alice, bob, session = await pair(free.url, node.url)
        for number in range(1, 201):
            assert (await alice.say(session, "hello"))["code"] == 0
            await bob.expect("PUSH_DIALOGUE_REQ", msgId=number)
            bob.send({"cmd": "PUSH_DIALOGUE_RESP", "code": 0})
        assert (await bob.say(session, "still here"))["code"] == 0

    url = redis_server.url
    with NodeProcess(url, NO_LIMITS) as free, quiet_node(USUAL, url) as node:
        asyncio.run(scenario(free, node))


def test_a_goodbye_before_the_answer_to_coming_back() -> None:
    """A close with 1000 right behind RECONNECT_REQ ends the account: the partner hears PartnerExit."""

    async def scenario(node: NodeProcess) -> None:
        alice, bob, session = await pair(node.url, node.url)
        bob.abort()
        await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        again = await Wire.open(node.url)
        again.send({"cmd": "RECONNECT_REQ", "accountId": bob.account_id, "token": bob.token})
        await again.close(1000)
        await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack")
        await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit", sessionId=session)

    with quiet_node() as node:
        asyncio.run(scenario(node))


def test_everything_sent_before_the_account_is_answered() -> None:
    """However much comes in one packet behind CRT_ACCOUNT_REQ."""

    async def scenario(node: NodeProcess) -> None:
        async with await Wire.open(node.url) as wire:
            wire.send({"cmd": "CRT_ACCOUNT_REQ", "nickName": "Hasty"})
            for _ in range(500):
                wire.send({"cmd": "NOTHING"})
            await wire.expect("CRT_ACCOUNT_RESP", code=0)
            for _ in range(500):
                await wire.expect("ERROR_RESP", ref="NOTHING", code=1)

    with quiet_node() as node:
        asyncio.run(scenario(node))
