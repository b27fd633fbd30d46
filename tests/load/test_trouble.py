"""Nodes that die, stand still or are not there, and limits that are hit: what is done, and what is said."""

import asyncio
import re
from collections.abc import Mapping
from ssl import SSLCertVerificationError

import pytest

from chat.load.crowd import Crowd, all_here
from chat.load.hints import UNDONE_HINT, LoadFailed, explained, hints
from chat.load.load import run
from chat.load.options import Options
from chat.load.profiles import Storm, talk
from chat.load.result import Result
from tests.load.liar import lying
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import HOST, free_port
from tests.support.scripted_node import ScriptedNode
from tests.support.servers import Server, available_servers


def failed(url: str, pairs: int = 5) -> str:
    """Why the load cannot be made."""
    with pytest.raises(LoadFailed) as failure:
        asyncio.run(run(Options((url,), pairs=pairs, duration=0.2)))
    return str(failure.value)


def limited(**limits: str) -> NodeProcess:
    return NodeProcess(env={**NO_LIMITS, **limits})


def test_a_node_that_dies_costs_nothing_but_its_sockets(redis_server: Server) -> None:
    """Its people go on at the other URL with their token and seq; both is counted."""

    async def scenario(node: NodeProcess, other: NodeProcess) -> Crowd:
        async with Crowd([node.url, other.url]) as crowd:
            await crowd.come(20)
            await crowd.pair_off()
            talking = asyncio.create_task(talk(crowd, 200, 2.0))
            assert await crowd.until(lambda: crowd.tally.arrived > 50, 5)
            node.kill()
            await talking
            await crowd.settle(10)
        return crowd

    with (
        NodeProcess(redis_server.url, NO_LIMITS) as node,
        NodeProcess(redis_server.url, NO_LIMITS) as other,
    ):
        crowd = asyncio.run(scenario(node, other))
    tally, book = crowd.tally, crowd.book
    assert (book.wrong, tally.accounts_lost, tally.unrecovered, tally.unanswered) == (0, 0, 0, 0)
    assert tally.confirmed == tally.arrived == tally.said == 400
    assert tally.sockets_lost >= 10
    assert tally.came_back == tally.back.count >= 10


def test_a_node_that_stands_still_is_left(redis_server: Server) -> None:
    """When it has not answered for long enough: its people are served elsewhere, and nothing is lost."""

    async def scenario(node: NodeProcess, other: NodeProcess) -> Crowd:
        async with Crowd([node.url, other.url], answer_seconds=1.0) as crowd:
            await crowd.come(10)
            await crowd.pair_off()
            node.freeze()
            await talk(crowd, 50, 1.0)
            await crowd.settle(15)
            node.thaw()
        return crowd

    with (
        NodeProcess(redis_server.url, NO_LIMITS) as node,
        NodeProcess(redis_server.url, NO_LIMITS) as other,
    ):
        crowd = asyncio.run(scenario(node, other))
    assert (crowd.book.wrong, crowd.tally.unanswered) == (0, 0)
    assert crowd.tally.arrived == 50
    assert crowd.tally.troubles["no answer to DIALOGUE_REQ for 1 s"] >= 5


def test_a_redis_that_stands_still_costs_time_and_nothing_else(redis_server: Server) -> None:
    """Code 2 meanwhile: everybody asks again until it is done, once."""

    async def scenario(server: Server, node: NodeProcess) -> Crowd:
        async with Crowd([node.url]) as crowd:
            await crowd.come(10)
            await crowd.pair_off()
            server.pause()
            talking = asyncio.create_task(talk(crowd, 100, 1.0))
            assert await crowd.until(lambda: crowd.tally.errors["DIALOGUE_REQ", 2], 5)
            server.resume()
            await talking
            await crowd.settle(10)
        return crowd

    patience = {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "0.5"}
    with Server(redis_server.kind) as server, NodeProcess(server.url, patience) as node:
        crowd = asyncio.run(scenario(server, node))
    assert (crowd.book.wrong, crowd.tally.unanswered, crowd.tally.refused) == (0, 0, 0)
    assert crowd.tally.confirmed == crowd.tally.arrived == 100
    assert crowd.tally.repeated > 0


def test_a_redis_that_stands_still_for_long_is_told() -> None:
    """Nodes answer all the time, that it was not done: so it is said, what it means, and not that they were silent."""

    async def scenario(server: Server, node: NodeProcess) -> Crowd:
        async with Crowd([node.url], answer_seconds=3.0) as crowd:
            await crowd.come(4)
            await crowd.pair_off()
            server.pause()
            await talk(crowd, 20, 0.5)
            assert await crowd.until(lambda: crowd.tally.troubles, 20)
            server.resume()
            await crowd.settle(10)
        return crowd

    patience = {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "0.5", "CHAT_GRACE_SECONDS": "60"}
    with Server(available_servers()[0]) as server, NodeProcess(server.url, patience) as node:
        tally = asyncio.run(scenario(server, node)).tally
    assert tally.troubles["DIALOGUE_REQ answered with code 2 for 3 s"] >= 1
    assert not [trouble for trouble in tally.troubles if "no answer" in trouble]
    assert ["Redis is not reachable for the nodes" in hint for hint in hints(tally)] == [True]


def test_nobody_can_come_while_there_is_no_redis() -> None:
    """It says what the node answers, and what that means."""

    async def scenario(server: Server, node: NodeProcess) -> None:
        async with Crowd([node.url], come_seconds=2.0) as crowd:
            server.kill()
            with pytest.raises(LoadFailed) as failure:
                await crowd.come(2)
            assert "; CRT_ACCOUNT_REQ answered with code 2 for " in str(failure.value)
            assert UNDONE_HINT in str(failure.value)

    with (
        Server(available_servers()[0]) as server,
        NodeProcess(server.url, {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "0.5"}) as node,
    ):
        asyncio.run(scenario(server, node))


def test_nobody_can_meet_while_there_is_no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same."""
    monkeypatch.setattr("chat.load.crowd.MEET_SECONDS", 2.0)

    async def scenario(server: Server, node: NodeProcess) -> None:
        async with Crowd([node.url]) as crowd:
            await crowd.come(2)
            server.kill()
            with pytest.raises(LoadFailed) as failure:
                await crowd.pair_off()
            assert str(failure.value).startswith("MATCH_REQ answered with code 2 for ")
            assert UNDONE_HINT in str(failure.value)

    with (
        Server(available_servers()[0]) as server,
        NodeProcess(server.url, {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "0.5"}) as node,
    ):
        asyncio.run(scenario(server, node))


def test_what_was_answered_with_code_2_to_the_end_is_explained() -> None:
    """Also where the end came before anybody left the node."""

    async def scenario() -> Result:
        async with lying(lambda to, n, content: None, code=2) as url:
            return await run(Options((url,), pairs=1, rate=10, duration=0.5), end_seconds=0.1)

    result = asyncio.run(scenario())
    assert result.tally.unanswered == 5
    assert f"hint: {UNDONE_HINT}" in result.as_lines()


def test_a_storm_finds_some_away_already(embedded_node: NodeProcess) -> None:
    """They come back with the others, and nobody waits for a socket of theirs to be cut."""

    async def scenario() -> Crowd:
        async with Crowd([embedded_node.url], ramp=20) as crowd, asyncio.timeout(20):
            people = await crowd.come(10)
            await crowd.pair_off()
            crowd.cut(people[:5])
            assert await crowd.until(lambda: not crowd.being_cut, 5)
            await Storm(crowd, Options(crowd.urls, rate=100, duration=0.02, ramp=20)).run()
            assert all_here(people)
            await crowd.settle(5)
        return crowd

    crowd = asyncio.run(scenario())
    assert crowd.book.wrong == 0
    assert crowd.tally.all_back is not None
    assert crowd.tally.cut >= 10


def test_nobody_listens() -> None:
    """It says so at once."""
    url = f"ws://{HOST}:{free_port()}/ws"
    assert f"0 of 10 people could come: {url} cannot be reached" in failed(url)


def test_what_closes_at_once() -> None:
    """As another program does, or a node that dies during a handshake: it is told, and nobody is forgotten."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def scenario() -> None:
        async with (
            await asyncio.start_server(hang_up, HOST, 0) as server,
            Crowd([f"ws://{HOST}:{server.sockets[0].getsockname()[1]}/ws"]) as crowd,
        ):
            await crowd.come(10)

    with pytest.raises(LoadFailed, match="the connection was closed without an answer"):
        asyncio.run(scenario())


def test_a_certificate_that_nobody_vouches_for() -> None:
    """It is told in words, and what to do about it."""
    forged = SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]")
    forged.verify_message = "self-signed certificate"
    assert explained("wss://host/ws", forged) == (
        "the certificate of wss://host/ws is not trusted: self-signed certificate;"
        " SSL_CERT_FILE can name a file with one that is"
    )


def test_wss_where_there_is_no_tls(embedded_node: NodeProcess) -> None:
    """It says so."""
    assert "does not speak TLS" in failed(embedded_node.url.replace("ws://", "wss://"))


def test_a_wrong_path(embedded_node: NodeProcess) -> None:
    """It says what is there, and where a node is."""
    why = failed(embedded_node.http.replace("http", "ws") + "/chat")
    assert why.endswith("answers with HTTP 404, not a WebSocket; a node is at the path /ws")


def test_one_wrong_url_among_good_ones(embedded_node: NodeProcess) -> None:
    """A load that only one of two nodes carries is not the one that was asked for."""
    wrong = f"ws://{HOST}:{free_port()}/ws"
    with pytest.raises(LoadFailed, match=f"of 10 people could come: {wrong} cannot be reached"):
        asyncio.run(run(Options((embedded_node.url, wrong), pairs=5, duration=0.2)))


def test_what_is_no_chat_node() -> None:
    """A WebSocket that answers nothing: it says what there was no answer to, within a bound."""

    async def scenario() -> None:
        async with (
            ScriptedNode() as node,
            Crowd([node.url], answer_seconds=0.5, come_seconds=2.0) as crowd,
        ):
            await crowd.come(2)

    with pytest.raises(
        LoadFailed, match=r"0 of 2 people could come: .*no answer to CRT_ACCOUNT_REQ"
    ):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"CHAT_SOCKETS_PER_ADDRESS": "3"}, "HTTP 429"),
        ({"CHAT_ACCOUNTS_PER_MINUTE": "3"}, "code 6 RateLimited"),
    ],
)
def test_limits_that_keep_people_out_are_named(limits: Mapping[str, str], said: str) -> None:
    """With what to do about it, before any load is made."""
    with limited(**limits) as node:
        why = failed(node.url)
    assert re.match("[0-3] of 10 people could come: ", why)
    assert said in why
    (setting,) = limits
    assert f"set {setting}=0 on the nodes under test" in why


def test_the_limit_of_commands_is_named() -> None:
    """What it refused is counted by its code, and what to do about it is said."""
    limits = {"CHAT_COMMANDS_PER_SECOND": "2", "CHAT_COMMANDS_BURST": "5"}
    with limited(**limits) as node:
        result = asyncio.run(run(Options((node.url,), pairs=2, rate=100, duration=1.0)))
    refused = result.tally.errors["DIALOGUE_REQ", 6]
    assert refused == result.tally.refused > 0
    assert result.book.wrong == 0
    assert not result.ok
    assert ["CHAT_COMMANDS_PER_SECOND" in hint for hint in hints(result.tally)] == [True]


def test_messages_that_could_not_be_said_are_told_of() -> None:
    """Nobody may have more than 64 without an answer, so times would be too good: that is said."""

    async def scenario() -> Result:
        async with lying(lambda to, n, content: None, code=None) as url:
            return await run(Options((url,), pairs=1, rate=2000, duration=0.2), end_seconds=0.1)

    result = asyncio.run(scenario())
    tally = result.tally
    assert (tally.said, tally.unanswered, tally.held_back) == (128, 128, 400 - 128)
    assert (result.ok, result.book.wrong) == (False, 0)
    assert any(line.startswith("held back: ") for line in result.as_lines())
