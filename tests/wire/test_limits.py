"""What one client may cost: refused with a time to wait, cut off when it goes on."""

import asyncio
import contextlib
import time
from collections.abc import Mapping

import pytest

from tests.support.bare_wire import WireClosed
from tests.support.frames import PING, PONG, Frame, encode_frame
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.servers import Server
from tests.support.wire import Wire, pair
from tests.wire.abuse import connect, end_of, quiet_node, upgrade

SLOW_COMMANDS: Mapping[str, str] = {
    **NO_LIMITS, "CHAT_COMMANDS_PER_SECOND": "4", "CHAT_COMMANDS_BURST": "3",
}  # fmt: skip


async def until_refused(wire: Wire, frame: Frame, most: int = 50) -> Frame:
    """Sends the frame until the answer is code 6."""
    for _ in range(most):
        wire.send(frame)
        answer = await wire.receive()
        if answer["code"] == 6:
            return answer
    raise AssertionError(f"not refused after {most} commands")


def test_too_many_commands_and_then_again() -> None:
    """Code 6 with the time to wait; whoever waits for that long is served."""

    async def scenario(node: NodeProcess) -> None:
        async with await Wire.open(node.url) as wire:
            await wire.create()
            cancel = {"cmd": "MATCH_CANCEL_REQ", "accountId": wire.account_id}
            for _ in range(3):
                refused = await until_refused(wire, cancel)
                assert set(refused) == {"cmd", "code", "retryAfterMs"}
                assert refused["cmd"] == "MATCH_CANCEL_RESP"
                assert 1 <= refused["retryAfterMs"] <= 250
                await asyncio.sleep((refused["retryAfterMs"] + 1) / 1000)  # as the node says
                assert (await wire.match_cancel())["code"] == 0

    with quiet_node(SLOW_COMMANDS) as node:
        asyncio.run(scenario(node))


def test_what_is_refused_for_the_rate_is_not_done() -> None:
    """Each kind has its own answer with code 6, with its requestId; the partner gets nothing of it."""

    async def scenario(node: NodeProcess) -> None:
        alice, bob, session = await pair(node.url, node.url)
        message: Frame = {
            "cmd": "DIALOGUE_REQ", "requestId": "r", "senderId": bob.account_id,
            "sessionId": session, "content": "hello",
        }  # fmt: skip
        for _ in range(10):
            bob.send(message)
        answers = [await bob.expect("DIALOGUE_RESP", requestId="r") for _ in range(10)]
        accepted = [answer for answer in answers if answer["code"] == 0]
        assert 1 <= len(accepted) < 10
        assert all(answer["retryAfterMs"] > 0 for answer in answers if answer not in accepted)
        for number in range(1, len(accepted) + 1):
            await alice.expect("PUSH_DIALOGUE_REQ", msgId=number)
        again = {name: value for name, value in message.items() if name != "cmd"}
        while True:
            last = await bob.request("DIALOGUE", **again)
            if last["code"] == 0:
                break
            await asyncio.sleep((last["retryAfterMs"] + 1) / 1000)  # as the node says
        assert last["msgId"] == len(accepted) + 1
        await alice.expect("PUSH_DIALOGUE_REQ", msgId=last["msgId"])

    with quiet_node(SLOW_COMMANDS) as node:
        asyncio.run(scenario(node))


def test_the_refusal_of_what_has_no_answer() -> None:
    """ERROR_RESP with code 6 and the time, for a frame that is no command."""

    async def scenario(node: NodeProcess) -> None:
        async with await Wire.open(node.url) as wire:
            refused = await until_refused(wire, {"cmd": "NOTHING"})
            assert set(refused) == {"cmd", "code", "msg", "ref", "retryAfterMs"}

    with quiet_node(SLOW_COMMANDS) as node:
        asyncio.run(scenario(node))


FLOODS = {
    "commands": encode_frame(1, b'{"cmd":"MATCH_CANCEL_REQ","accountId":1}'),
    "bad frames": encode_frame(1, b"x"),
    "answers to nothing": encode_frame(1, b'{"cmd":"PUSH_SIGNAL_RESP","seq":1}'),
    "pings": encode_frame(PING, b"x"),
    "pongs": encode_frame(PONG, b"x"),
}


@pytest.mark.parametrize("kind", ["commands", "bad frames"])
@pytest.mark.parametrize("bound", [False, True])
def test_going_on_is_cut_off(kind: str, bound: bool) -> None:
    """1008 for a client that goes on long after it was told; however much it sends at once, not before."""

    async def scenario(node: NodeProcess) -> None:
        async with await Wire.open(node.url) as wire:
            if bound:
                await wire.create()
            began = time.monotonic()
            async with asyncio.timeout(30):
                with contextlib.suppress(WireClosed):
                    while True:
                        wire.raw(FLOODS[kind] * 50)
                        codes = [(await wire.receive())["code"] for _ in range(50)]
                        assert codes[-1] == 6
            assert await wire.closed() == 1008
            assert time.monotonic() - began > 5

    with quiet_node({**SLOW_COMMANDS, "CHAT_COMMANDS_PER_SECOND": "0.1"}) as node:
        asyncio.run(scenario(node))


@pytest.mark.parametrize("kind", ["answers to nothing", "pings", "pongs"])
def test_who_was_never_told_is_not_cut_off(kind: str) -> None:
    """What has no refusal is only read more slowly; every ping has its pong, and the next request
    its answer."""

    async def scenario(node: NodeProcess) -> None:
        async with await Wire.open(node.url) as wire:
            await wire.create()
            wire.raw(FLOODS[kind] * 500)
            wire.send({"cmd": "NOTHING"})
            if kind == "pings":
                assert [await wire.pong() for _ in range(500)] == [b"x"] * 500
            assert (await wire.receive(30))["code"] == 6

    with quiet_node({**SLOW_COMMANDS, "CHAT_COMMANDS_PER_SECOND": "0.1"}) as node:
        asyncio.run(scenario(node))


def test_a_flood_costs_little_more_than_what_is_allowed() -> None:
    """Of frames sent as fast as can be, few are even looked at before the end: the rest waits at the
    client's side."""

    async def scenario(node: NodeProcess) -> None:
        async with await Wire.open(node.url) as wire:
            await wire.create()
            wire.raw(FLOODS["commands"] * 20_000)
            answered = 0
            with contextlib.suppress(WireClosed):
                while True:
                    await wire.receive(15)
                    answered += 1
            assert await wire.closed() == 1008
            assert 100 < answered < 20_000 / 2

    with quiet_node({**NO_LIMITS, "CHAT_COMMANDS_PER_SECOND": "10"}) as node:
        asyncio.run(scenario(node))


@pytest.mark.parametrize("busy", [False, True])
def test_no_account_in_time(busy: bool) -> None:
    """4004, whatever the client says meanwhile; one that has an account stays."""

    async def scenario(node: NodeProcess) -> None:
        async with await Wire.open(node.url) as wire, await Wire.open(node.url) as other:
            await other.create()
            with contextlib.suppress(WireClosed):
                while busy:
                    await wire.nothing()
            assert await end_of(wire) == 4004
            await other.nothing()

    with quiet_node({**NO_LIMITS, "CHAT_HANDSHAKE_SECONDS": "0.5"}) as node:
        asyncio.run(scenario(node))


def test_a_client_that_does_not_read() -> None:
    """It is cut off with 4002, its partner is told, and coming back it gets everything in order."""

    async def scenario(node: NodeProcess) -> None:
        alice, bob, session = await pair(node.url, node.url)
        slow = await Wire.open(node.url, receive_buffer=4096)
        await slow.take_over(bob)
        assert await bob.closed() == 4001
        await alice.nothing()
        slow.stop_reading()
        said = 0
        while (await alice.say(session, "😀" * 2000))["code"] == 0:
            said += 1
            if any(frame.get("signalType") == "PartnerAway" for frame in alice._set_aside):
                break
        slow.start_reading()
        assert await end_of(slow) == 4002
        async with await Wire.open(node.url) as again:
            assert (await again.take_over(slow))["recovered"] is True
            numbers: list[int] = []
            while len(numbers) < said:
                push = await again.receive()
                numbers += [push["msgId"]] if push["cmd"] == "PUSH_DIALOGUE_REQ" else []
            assert numbers == list(range(1, said + 1))

    with quiet_node({**NO_LIMITS, "CHAT_INBOX_LENGTH": "5000"}) as node:
        asyncio.run(scenario(node))


def test_pings_of_a_client_that_does_not_read() -> None:
    """Pongs wait for it like everything else: it is cut off with 4002."""

    async def scenario(node: NodeProcess) -> None:
        alice, bob, _ = await pair(node.url, node.url)
        slow = await Wire.open(node.url, receive_buffer=4096)
        await slow.take_over(bob)
        slow.stop_reading()
        slow.raw(encode_frame(PING, b"x" * 125) * 150_000)
        await alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway", timeout=10)
        slow.start_reading()
        assert await end_of(slow) == 4002

    with quiet_node() as node:
        asyncio.run(scenario(node))


def test_sockets_of_an_address() -> None:
    """429 at the limit; room again when one leaves; through a proxy each client has its own share."""

    async def status(node: NodeProcess, address: str | None = None) -> int:
        async with connect(node) as raw:
            raw.send(upgrade(headers={"X-Forwarded-For": address}))
            return await raw.status()

    async def scenario(node: NodeProcess) -> None:
        wires = [await Wire.open(node.url) for _ in range(3)]
        for wire in wires:
            await wire.nothing()
        assert await status(node) == 429
        assert await status(node, "nonsense") == 429
        assert await status(node, "198.51.100.1") == 101
        await wires.pop().close()
        async with asyncio.timeout(5):
            while await status(node) != 101:
                pass

    with quiet_node(
        {**NO_LIMITS, "CHAT_SOCKETS_PER_ADDRESS": "3", "CHAT_TRUSTED_PROXIES": "127.0.0.1"}
    ) as node:
        asyncio.run(scenario(node))


def test_accounts_of_an_address_over_all_nodes(redis_server: Server) -> None:
    """Code 6 with the time to wait, wherever the accounts were made; another address is not concerned."""
    env = {
        **NO_LIMITS, "CHAT_ACCOUNTS_PER_MINUTE": "3", "CHAT_TRUSTED_PROXIES": "127.0.0.1",
    }  # fmt: skip
    here, there = {"X-Forwarded-For": "203.0.113.5"}, {"X-Forwarded-For": "203.0.113.6"}

    async def scenario(nodes: tuple[NodeProcess, NodeProcess]) -> None:
        first = await Wire.open(nodes[0].url, here)
        await first.create()
        for node in nodes:
            await (await Wire.open(node.url, here)).create()
        for node in nodes:
            wire = await Wire.open(node.url, here)
            refused = await wire.request("CRT_ACCOUNT", nickName="one too many")
            assert set(refused) == {"cmd", "code", "retryAfterMs"}
            assert refused["code"] == 6
            assert 0 < refused["retryAfterMs"] <= 60_000
            await (await Wire.open(node.url, there)).create()
            assert (await wire.take_over(first))["code"] == 0

    with (
        Server(redis_server.kind) as server,
        NodeProcess(server.url, env) as one,
        NodeProcess(server.url, env) as two,
    ):
        asyncio.run(scenario((one, two)))
