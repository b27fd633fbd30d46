"""The ground the other tests stand on: servers, nodes and the raw client."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import redis
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.conftest import Nodes
from tests.support.nodes import NodeProcess
from tests.support.process import HOST, ProcessFailed, free_port
from tests.support.servers import KINDS, Kind, Server, available_servers
from tests.support.wire import BINARY, CLOSE, CONTINUATION, PING, TEXT, Wire, WireClosed, pair


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    if chosen not in available_servers():
        pytest.skip(f"there is no {chosen} on this machine")
    return chosen


# Servers


def test_a_server_is_the_process_that_was_started(kind: Kind) -> None:
    """What answers at the address is our child, and it knows functions."""
    with Server(kind) as server, server.client() as client:
        assert client.info("server")["process_id"] == server.pid
        assert client.function_list() == []


def test_a_closed_server_leaves_nothing_behind(kind: Kind) -> None:
    """Neither a process nor its directory."""
    with Server(kind) as server:
        pid, directory = server.pid, server.directory
    assert server.exit_code == 0
    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_paused_server_does_not_answer_until_resumed(kind: Kind) -> None:
    """Its sockets stay open meanwhile, as with a machine that hangs."""
    with Server(kind) as server, server.client(socket_timeout=0.1) as client:
        assert client.ping()
        server.pause()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        server.resume()
        with server.client() as patient:
            assert patient.ping()


def test_a_paused_server_can_be_stopped(kind: Kind) -> None:
    """SIGTERM alone would wait in vain."""
    with Server(kind) as server:
        server.pause()
        assert server.stop() == 0


def test_a_restart_keeps_the_address_and_forgets_the_data(kind: Kind) -> None:
    """As with a Redis that saves nothing."""
    with Server(kind) as server, server.client() as client:
        client.set("key", "value")
        url = server.url
        server.restart()
        assert server.url == url
        with server.client() as another:
            assert another.get("key") is None


def test_an_appendonly_server_remembers_after_a_kill(kind: Kind) -> None:
    """Each write is on disk before it is answered."""
    with Server(kind, appendonly=True) as server, server.client() as client:
        client.set("key", "value")
        server.kill()
        server.start()
        with server.client() as another:
            assert another.get("key") == b"value"


def test_a_server_on_a_unix_socket(kind: Kind) -> None:
    """No port is opened."""
    with Server(kind, unix=True) as server, server.client() as client:
        assert server.url.startswith("unix://")
        assert client.config_get("port") == {"port": "0"}


def test_a_server_with_a_password(kind: Kind) -> None:
    """The URL carries it."""
    with Server(kind, "--requirepass", "secret", password="secret") as server:
        with server.client() as client:
            assert client.ping()
        stranger = redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0))
        with stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


def test_a_server_that_cannot_start_says_why(kind: Kind) -> None:
    """Its output is in the exception, and nothing is left behind."""
    server = Server(kind, "--no-such-setting", "yes")
    with pytest.raises(ProcessFailed, match="no-such-setting"), server:
        pytest.fail("it started")
    assert not server.directory.exists()


def test_a_port_that_was_taken_meanwhile_is_given_up(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start is tried again with another one."""
    with Server(kind) as first:
        ports = [free_port(), first.port]
        monkeypatch.setattr("tests.support.servers.free_port", ports.pop)
        with Server(kind) as second, second.client() as client:
            assert client.info("server")["process_id"] == second.pid
    assert ports == []


def test_flush_removes_keys_and_functions(empty_server: Server) -> None:
    """Also the libraries, which FLUSHALL keeps."""
    with empty_server.client() as client:
        client.set("key", "value")
        client.function_load("#!lua name=lib\nredis.register_function('f', function() end)")
        empty_server.flush()
        assert client.dbsize() == 0
        assert client.function_list() == []


# The raw client, against a few lines of server


class Echo(WSListener):
    """Says everything back, fragments put together; the first byte ``!`` asks for an end."""

    def __init__(self) -> None:
        self.parts = b""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif frame.msg_type == WSMsgType.BINARY:
            transport.disconnect(graceful=False)
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.CONTINUATION):
            self.parts += frame.get_payload_as_bytes()
            if frame.fin:
                self.say(transport)

    def say(self, transport: WSTransport) -> None:
        message, self.parts = self.parts, b""
        if message == b"!":
            transport.send(WSMsgType.CLOSE, (4001).to_bytes(2, "big") + b"replaced")
            transport.disconnect()
        else:
            transport.send(WSMsgType.TEXT, message)


def with_echo(scenario: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        server = await ws_create_server(lambda _: Echo(), HOST, 0)
        port = server.sockets[0].getsockname()[1]
        try:
            await scenario(f"ws://{HOST}:{port}/ws")
        finally:
            server.close()

    asyncio.run(run())


def test_a_wire_sends_and_expects() -> None:
    """Objects, text and bytes, of each of the three sizes that a frame's length can have."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.send({"cmd": "A", "text": "ü"})
        wire.send('{"cmd":"B"}')
        wire.send(b'{"cmd":"C","text":"%s"}' % (b"c" * 300))
        wire.send({"cmd": "D", "text": "d" * 70_000})
        await wire.expect("A", text="ü")
        assert await wire.receive() == {"cmd": "B"}
        await wire.expect("C", text="c" * 300)
        await wire.expect("D", text="d" * 70_000)

    with_echo(scenario)


@pytest.mark.parametrize(
    ("fields", "message"), [({"n": 2}, "n=2"), ({"m": 1}, "no m"), ({"cmd": "B"}, "expected B")]
)
def test_a_wire_refuses_what_was_not_expected(fields: dict[str, Any], message: str) -> None:
    """The failure shows the frame."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.send({"cmd": "A", "n": 1})
        with pytest.raises(AssertionError, match=message):
            await wire.expect(**{"cmd": "A", **fields})

    with_echo(scenario)


def test_a_wire_does_not_wait_for_ever() -> None:
    """Nothing is an answer too, and names what was missing."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        with pytest.raises(AssertionError, match=r"nothing arrived within 0.01 s, expected A"):
            await wire.expect("A", timeout=0.01)

    with_echo(scenario)


def test_a_wire_sends_fragments_and_pings() -> None:
    """Frames of any kind, in any order."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.frame(TEXT, b'{"cmd":', fin=False)
        wire.frame(PING, b"there?")
        wire.frame(CONTINUATION, b'"A"}')
        assert await wire.pong() == b"there?"
        await wire.expect("A")

    with_echo(scenario)


def test_a_wire_answers_pings_unless_told_not_to() -> None:
    """A PING_REQ is never in the way of what a test expects."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.send({"cmd": "PING_REQ", "accountId": 1})
        await wire.expect("PING_RESP", accountId=1)  # its own answer, echoed
        wire.answer_pings = False
        wire.send({"cmd": "PING_REQ", "accountId": 1})
        wire.send({"cmd": "A"})
        await wire.expect("A")
        wire.send({"cmd": "PING_REQ", "accountId": 1})
        await wire.expect("PING_REQ", accountId=1)

    with_echo(scenario)


def test_what_comes_before_an_answer_is_kept_in_order() -> None:
    """A request finds its answer behind pushes, which stay for later."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        for cmd in ("PUSH_1", "PUSH_2", "LEAVE_RESP"):
            wire.send({"cmd": cmd})
        assert await wire.request("LEAVE") == {"cmd": "LEAVE_RESP"}
        await wire.expect("PUSH_1")
        await wire.expect("PUSH_2")
        await wire.expect("LEAVE_REQ")

    with_echo(scenario)


def test_a_wire_tells_how_it_was_closed() -> None:
    """By the other side with a code; for whoever still waits for a frame, too."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.send("!")
        with pytest.raises(WireClosed, match="4001"):
            await wire.receive()
        assert await wire.closed() == 4001
        assert wire.close_reason == "replaced"

    with_echo(scenario)


def test_a_wire_notices_an_end_without_a_word() -> None:
    """1006, as browsers say."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.frame(BINARY)
        assert await wire.closed() == 1006

    with_echo(scenario)


@pytest.mark.parametrize("code", [1000, 1001, None])
def test_a_wire_closes(code: int | None) -> None:
    """And returns what the other side answered."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        assert await wire.close(code) == 1000

    with_echo(scenario)


def test_an_open_socket_is_not_taken_for_closed() -> None:
    """The failure says how far it got."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        with pytest.raises(AssertionError, match="no close frame came"):
            await wire.closed(timeout=0.01)

    with_echo(scenario)


def test_a_client_that_does_not_read() -> None:
    """With a small buffer, what is sent piles up at the other side; later it is all there."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url, receive_buffer=4096)
        wire.stop_reading()
        wire.send({"cmd": "A", "text": "a" * 3_000_000})
        with pytest.raises(AssertionError, match="nothing arrived"):
            await wire.receive(timeout=0.05)
        wire.start_reading()
        await wire.expect("A", text="a" * 3_000_000)

    with_echo(scenario)


def test_a_close_frame_can_be_sent_by_hand() -> None:
    """A wrong one, for instance; what comes back is looked at as ever."""

    async def scenario(url: str) -> None:
        wire = await Wire.open(url)
        wire.frame(CLOSE, b"\x03")
        assert await wire.closed() == 1002

    with_echo(scenario)


# Nodes


def test_a_node_starts_and_stops() -> None:
    """Ready to begin with; after SIGTERM it ends well."""
    with NodeProcess() as node:
        assert node.get("/healthz")[0] == 200
        assert node.rss() > 1_000_000
        assert node.stop() == 0


def test_a_node_that_cannot_start_says_why() -> None:
    """Its output is in the exception."""
    node = NodeProcess(None, None, 0, "--no-such-option")
    with pytest.raises(ProcessFailed, match="no-such-option"), node:
        pytest.fail("it started")


def test_a_frozen_node_thaws(embedded_node: NodeProcess) -> None:
    """Not ready while it stands still."""
    embedded_node.freeze()
    assert not embedded_node.ready()
    embedded_node.thaw()
    assert embedded_node.get("/readyz", timeout=10)[0] == 200


def test_two_strangers_on_two_nodes(two_nodes: Nodes) -> None:
    """The pair that most other tests begin with."""

    async def scenario() -> None:
        a, b, session = await pair(two_nodes[0].url, two_nodes[1].url)
        await a.nothing()
        await b.nothing_from(a, session)
        assert (await a.say(session, "hello"))["code"] == 0
        await b.expect("PUSH_DIALOGUE_REQ", senderId=a.account_id, content="hello")

    asyncio.run(scenario())


def test_the_environment_of_the_developer_does_not_reach_nodes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Redis URL set in a shell must not change what is tested."""
    monkeypatch.setenv("CHAT_REDIS_URL", "redis://nowhere.invalid")
    with NodeProcess() as node:
        environment = Path(f"/proc/{node.pid}/environ").read_bytes()
        assert b"CHAT_REDIS_URL" not in environment
