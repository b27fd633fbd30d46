"""``chat serve`` with settings that cannot work: one clear line, an exit code, no traceback."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing

import pytest

from chat.listener import listen
from tests.support.nodes import ROOT, NodeProcess
from tests.support.process import HOST, free_port
from tests.support.sentinels import Sentinel
from tests.support.servers import Server, available_servers


def refused(*arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What ``chat serve`` says before it gives up; the last line is the one that tells why."""
    inherited = {name: value for name, value in os.environ.items() if name[:5] != "CHAT_"}
    ended = subprocess.run(
        [sys.executable, "-m", "chat.cli", "serve", *arguments],
        env={**inherited, "CHAT_PORT": "0", **(env or {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode in (1, 2)
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("chat: ")
    return lines[0]


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "http://localhost",
        "localhost:6379",
        "redis://localhost:port",
        "redis://localhost:99999",
        "redis://localhost/many",
        "redis+sentinel://localhost",
        "redis+sentinel://localhost:port/chat",
    ],
)
def test_a_url_that_is_none(url: str) -> None:
    """Whether from the command line or from the environment."""
    assert "URL" in refused("--redis-url", url)
    assert "URL" in refused(env={"CHAT_REDIS_URL": url})


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70])
def test_a_host_that_is_none(host: str) -> None:
    """Of Redis, and to listen on."""
    assert host in refused("--redis-url", f"redis://{host}:6379")
    assert host in refused("--host", host)


@pytest.mark.parametrize(
    "option",
    [
        "ssl_ca_certs=/no/such/file",
        "ssl_cert_reqs=perhaps",
        "db=many",
        "socket_timeout=1",
        "foo=bar",
    ],
)
def test_a_url_with_a_wrong_option(option: str) -> None:
    """Told, not ignored."""
    refused("--redis-url", f"rediss://localhost:6379?{option}")


def test_a_certificate_that_is_not_there() -> None:
    """The file is in the line, and which parameter of the URL names it."""
    line = refused("--redis-url", "rediss://user:secret@localhost?ssl_ca_certs=/no/such/file")
    assert "ssl_ca_certs=/no/such/file cannot be read: No such file or directory" in line
    assert "secret" not in line


def test_a_port_in_use() -> None:
    """Address and port are in the line."""
    with closing(socket.create_server((HOST, 0))) as taken:
        port = taken.getsockname()[1]
        assert f"{HOST}:{port}" in refused("--port", str(port))


def test_a_redis_that_is_not_there() -> None:
    """The address is in the line, the password is not."""
    port = free_port()
    line = refused("--redis-url", f"redis://user:secret@{HOST}:{port}/0")
    assert f"{HOST}:{port}" in line
    assert "secret" not in line


def test_replicas_without_a_redis() -> None:
    """The embedded server has none: both settings are in the line."""
    line = refused(env={"CHAT_REPLICAS_TO_WAIT": "1"})
    assert "CHAT_REPLICAS_TO_WAIT needs a Redis with replicas" in line
    assert "CHAT_REDIS_URL" in line


def test_sentinels_that_are_not_there() -> None:
    """All their addresses are in the line, the passwords are not."""
    one, other = free_port(), free_port()
    places = f"{HOST}:{one},{HOST}:{other}"
    url = f"redis+sentinel://user:secret@{places}/chat?sentinel_password=secret"
    line = refused("--redis-url", url)
    assert f"redis+sentinel://{places}/chat" in line
    assert "secret" not in line


def test_a_service_that_no_sentinel_knows() -> None:
    """Named in the line."""
    conf = f"bind {HOST}\nsentinel monitor chat {HOST} {free_port()} 1\n"
    with Sentinel(available_servers()[0], conf) as sentinel:
        line = refused("--redis-url", f"redis+sentinel://{sentinel.place}/chatt")
    assert "it knows no service chatt" in line


def test_a_wrong_password() -> None:
    """In the server's words, without the password."""
    with Server("redis", "--requirepass", "right", password="right") as redis:
        line = refused("--redis-url", redis.url.replace("right", "wrong-one"))
    assert "WRONGPASS" in line
    assert "wrong-one" not in line


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CHAT_PORT", "http"),
        ("CHAT_PORT", "65536"),
        ("CHAT_PORT", "-1"),
        ("CHAT_PORT", "80.5"),
        ("CHAT_GRACE_SECONDS", "soon"),
        ("CHAT_GRACE_SECONDS", "-1"),
        ("CHAT_GRACE_SECONDS", "nan"),
        ("CHAT_GRACE_SECONDS", "inf"),
        ("CHAT_NODE_LEASE_SECONDS", "0"),
        ("CHAT_INBOX_LENGTH", "0"),
        ("CHAT_COMMANDS_BURST", "1e3"),
        ("CHAT_COMMANDS_BURST", "9" * 400),
        ("CHAT_SESSIONS_PER_ACCOUNT", "0"),
        ("CHAT_TRUSTED_PROXIES", "10.0.0.0/99"),
    ],
)
def test_a_value_that_cannot_be(name: str, text: str) -> None:
    """The line names the setting, as it was given: in the environment, on the command line."""
    assert name in refused(env={name: text})
    option = "--" + name.removeprefix("CHAT_").lower().replace("_", "-")
    line = refused(f"{option}={text}")
    assert option in line or name in line


def test_times_that_contradict_each_other() -> None:
    """A ping that comes after the socket was given up."""
    assert "CHAT_PING_TIMEOUT_SECONDS" in refused(env={"CHAT_PING_TIMEOUT_SECONDS": "10"})


def test_a_misspelt_setting_is_warned_of() -> None:
    """The node runs, and names it."""
    with NodeProcess(env={"CHAT_GRACE_SECOND": "5"}) as node:
        (line,) = [line for line in node.log().splitlines() if "CHAT_GRACE_SECOND" in line]
        assert "WARNING" in line


def test_an_empty_setting_is_none() -> None:
    """As unit files and compose files leave it."""
    empty = {"CHAT_HOST": "", "CHAT_PORT": "", "CHAT_REDIS_URL": ""}
    with NodeProcess(env=empty) as node:
        assert node.ready()


def test_a_host_in_brackets() -> None:
    """An IPv6 address as it is written in a URL."""
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("there is no IPv6 on this machine")
    listener = listen("[::1]", 0)
    with closing(listener):
        assert listener.getsockname()[0] == "::1"


def test_the_command_line_wins() -> None:
    """Over the environment."""
    with NodeProcess(None, {"CHAT_PORT": "http"}) as node:
        assert node.ready()
