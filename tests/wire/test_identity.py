"""Nobody acts for somebody else: refused with the right code, and nothing happens, there or in Redis.

One node on a server of its own, so that every key in it comes from these tests.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from tests.support.frames import Frame
from tests.support.nodes import NO_LIMITS
from tests.support.servers import Server
from tests.support.wire import Wire, pair
from tests.wire.abuse import quiet_node
from tests.wire.scene import Place, Scene, unharmed


@pytest.fixture(scope="module")
def place(redis_server: Server) -> Iterator[Place]:
    with Server(redis_server.kind) as server, quiet_node(NO_LIMITS, server.url) as node:
        yield Place(server, node)


def requests(account: int, session: int) -> dict[str, Frame]:
    """Every request about an account, by its name."""
    mine = {"accountId": account}
    here = {**mine, "sessionId": session}
    message = {"requestId": "r", "senderId": account, "sessionId": session, "content": "not mine"}
    return {
        "MATCH": mine,
        "MATCH_CANCEL": mine,
        "DIALOGUE": message,
        "VIEWED_ACK": {**here, "msgId": 1},
        "TYPING": {**here, "typing": True},
        "LEAVE": here,
        "PING": mine,
    }


async def refused(wire: Wire, name: str, fields: Frame, code: int) -> None:
    """The request is refused with this code and nothing but what a refusal has."""
    wire.send({"cmd": f"{name}_REQ", **fields})
    if name == "PING":
        answer = await wire.expect("ERROR_RESP", code=code, ref="PING_REQ")
        assert set(answer) == {"cmd", "code", "msg", "ref"}
        return
    expected = {"cmd": f"{name}_RESP", "code": code}
    if name == "DIALOGUE":
        expected["requestId"] = fields["requestId"]
    assert await wire.expect(f"{name}_RESP") == expected


def run(place: Place, attempt: Callable[[Scene], Awaitable[None]]) -> None:
    async def scenario() -> None:
        async with unharmed(place) as scene:
            await attempt(scene)

    asyncio.run(scenario())


def test_somebody_elses_id(place: Place) -> None:
    """Code 5 for every command that names another account, in its session or in one's own."""

    async def attempt(scene: Scene) -> None:
        for session in (scene.session, scene.others):
            for name, fields in requests(scene.alice.account_id, session).items():
                await refused(scene.carol, name, fields, 5)

    run(place, attempt)


def test_the_partners_id(place: Place) -> None:
    """Nor may one speak, read, type or leave for one's own partner."""

    async def attempt(scene: Scene) -> None:
        for name, fields in requests(scene.alice.account_id, scene.session).items():
            await refused(scene.bob, name, fields, 5)

    run(place, attempt)


@pytest.mark.parametrize("account", [1, 999, 1001, 999_999_000, 2**53 - 1])
def test_an_id_that_nobody_has(place: Place, account: int) -> None:
    """Code 5 as well: what exists is not told."""

    async def attempt(scene: Scene) -> None:
        for name, fields in requests(account, scene.session).items():
            await refused(scene.carol, name, fields, 5)

    run(place, attempt)


def test_before_there_is_an_account(place: Place) -> None:
    """Code 5 for every request but the two that bring an account, well-formed or not."""

    async def attempt(scene: Scene) -> None:
        for name, fields in requests(scene.alice.account_id, scene.session).items():
            await refused(scene.stranger, name, fields, 5)
            if name != "PING":
                scene.stranger.send({"cmd": f"{name}_REQ"})
                answer = {"cmd": f"{name}_RESP", "code": 5}
                assert await scene.stranger.receive() == answer

    run(place, attempt)


def test_a_session_that_is_not_ones_own(place: Place) -> None:
    """Code 4, whether it exists, never did, or would be another pool's."""

    async def attempt(scene: Scene) -> None:
        unknown = (scene.session + 500_000, scene.session + 1, 1, 999, 2**53 - 1)
        for session in (scene.session, *unknown):
            for name, fields in requests(scene.carol.account_id, session).items():
                if "sessionId" in fields:
                    await refused(scene.carol, name, fields, 4)

    run(place, attempt)


def test_a_message_that_was_not_sent(place: Place) -> None:
    """Nobody can have read beyond the last message: code 4."""

    async def attempt(scene: Scene) -> None:
        fields = requests(scene.bob.account_id, scene.session)["VIEWED_ACK"]
        for message in (2, 3, 2**53 - 1):
            await refused(scene.bob, "VIEWED_ACK", {**fields, "msgId": message}, 4)

    run(place, attempt)


def test_a_wrong_token(place: Place) -> None:
    """Code 4 for a token that is wrong or another's, and for an account that is not there."""

    async def attempt(scene: Scene) -> None:
        alice, carol = scene.alice, scene.carol
        attempts = [
            (alice.account_id, "x"),
            (alice.account_id, alice.token + "x"),
            (alice.account_id, alice.token[:-1]),
            (alice.account_id, alice.token.swapcase()),
            (alice.account_id, carol.token),
            (alice.account_id + 1, alice.token),
            (alice.account_id + 900_000, alice.token),
            (2**53 - 1, alice.token),
        ]
        for account, token in attempts:
            for seq in ({}, {"seq": 0}, {"seq": 1}, {"seq": 2**53 - 1}):
                fields = {"accountId": account, "token": token, **seq}
                await refused(scene.stranger, "RECONNECT", fields, 4)

    run(place, attempt)


def test_a_wrong_token_and_then_a_right_one(place: Place) -> None:
    """The socket may try again, and is nobody's until then."""

    async def scenario() -> None:
        async with await Wire.open(place.node.url) as old, await Wire.open(place.node.url) as new:
            await old.create("Alice")
            assert (await new.reconnect(old.account_id, "wrong"))["code"] == 4
            await refused(new, "MATCH", {"accountId": old.account_id}, 5)
            assert (await new.take_over(old))["code"] == 0
            assert await old.closed() == 4001
            await new.close()

    asyncio.run(scenario())


def test_a_socket_that_has_an_account_gets_no_other(place: Place) -> None:
    """CRT_ACCOUNT_REQ and RECONNECT_REQ get code 5, malformed or with the right token of another."""

    async def attempt(scene: Scene) -> None:
        alice, carol = scene.alice, scene.carol
        await refused(carol, "CRT_ACCOUNT", {"nickName": "Mallory"}, 5)
        await refused(carol, "CRT_ACCOUNT", {"nickName": 7}, 5)
        for fields in (
            {"accountId": alice.account_id, "token": alice.token, "seq": 1},
            {"accountId": carol.account_id, "token": carol.token},
            {"accountId": alice.account_id, "token": "wrong"},
            {},
        ):
            await refused(carol, "RECONNECT", fields, 5)

    run(place, attempt)


def test_answers_in_anothers_name(place: Place) -> None:
    """They acknowledge nothing, neither one's own pushes nor the other's, and get no answer."""

    async def attempt(scene: Scene) -> None:
        for wire in (scene.carol, scene.stranger):
            for seq in (1, 2, 2**53 - 1):
                wire.send({"cmd": "PUSH_DIALOGUE_RESP", "seq": seq})
            wire.send({"cmd": "PING_RESP", "accountId": scene.alice.account_id})
            await wire.nothing()

    run(place, attempt)


def test_the_second_socket_of_an_account(place: Place) -> None:
    """Once it has taken over, the first is closed with 4001 and does nothing any more."""

    async def attempt(scene: Scene) -> None:
        old, new = scene.alice, scene.stranger
        fields = requests(old.account_id, scene.session)
        await refused(new, "DIALOGUE", fields["DIALOGUE"], 5)

    run(place, attempt)

    async def scenario() -> None:
        alice, bob, session = await pair(place.node.url, place.node.url)
        again = await Wire.open(place.node.url)
        taken_over = again.request(
            "RECONNECT", accountId=alice.account_id, token=alice.token, seq=1
        )
        assert (await taken_over)["code"] == 0
        before = place.dump()
        for name, fields in requests(alice.account_id, session).items():
            alice.send({"cmd": f"{name}_REQ", **fields})
        assert await alice.closed() == 4001
        again.account_id = alice.account_id
        await bob.nothing_from(again, session)
        await again.nothing_from(bob, session)
        assert place.dump() == before
        for wire in (again, bob):
            await wire.close()

    asyncio.run(scenario())
