"""The servers that other tests stand on: what is started, answers, stops and restarts."""

import os

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support import process
from tests.support.process import Ports, ProcessFailed, free_port
from tests.support.servers import KINDS, Kind, Server, available_servers


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    if chosen not in available_servers():
        pytest.skip(f"there is no {chosen} on this machine")
    return chosen


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


def test_no_port_is_given_out_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor by another process, which these two stand for: until it is listened on it is nobody else's."""
    monkeypatch.setattr(process, "HIGHEST_PORT", process.LOWEST_PORT + 200)
    one, other = Ports(), Ports()
    given = [ports.free() for _ in range(32) for ports in (one, other)]
    assert len(set(given)) == len(given)
    for kept in (*one._kept, *other._kept):
        kept.close()
