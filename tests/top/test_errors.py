"""What ``chat top`` says where there is nothing to see: one line, and the exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.nodes import NO_LIMITS, ROOT, NodeProcess
from tests.support.process import HOST, free_port
from tests.support.servers import Server
from tests.top.people import looked, ran
from tests.top.terminal import environment


def refused(url: str, *arguments: str, code: int = 1) -> str:
    ended = ran("--redis-url", url, *arguments)
    assert (ended.returncode, ended.stdout) == (code, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("chat: ")
    assert "secret" not in line
    return line


def test_nobody_answers() -> None:
    """At an address where nothing listens, under a name that is none, on a socket that is not there."""
    assert "Connect call failed" in refused(f"redis://{HOST}:{free_port()}")
    assert "no-such-host" in refused("redis://no-such-host.invalid")
    assert "No such file" in refused("unix:///no/such/socket")


def test_no_answer_in_time(redis_server: Server) -> None:
    """A Redis that stands still is not waited for."""
    with Server(redis_server.kind) as server:
        server.pause()
        assert "no answer for 2 s" in refused(server.url, "--json")
        server.resume()


def test_a_url_that_is_none() -> None:
    """Understood as by chat serve."""
    assert "URL" in refused("http://localhost")
    assert "frobnicate" in refused("redis://localhost?frobnicate=1")


def test_no_library(empty_server: Server) -> None:
    """No chat node has been there."""
    line = refused(empty_server.url)
    assert line.endswith("no chat node has ever used it: start one, or is it another Redis?")


def test_an_empty_database_beside_that_of_the_nodes(
    redis_server: Server, two_nodes: object
) -> None:
    """Functions are there in every database: it says what it sees, and what that may mean."""
    url = redis_server.url.removesuffix("/0") + "/9"
    assert "is it another database?" in ran("--redis-url", url).stdout


def test_passwords(redis_server: Server) -> None:
    """A wrong one, and none."""
    with Server(redis_server.kind, "--requirepass", "secret", password="secret") as server:
        assert "WRONGPASS" in refused(server.url.replace("secret", "secret2"))
        assert "NOAUTH" in refused(f"redis://{HOST}:{server.port}")
        assert "no chat node" in refused(server.url)


def test_missing_permissions(empty_server: Server) -> None:
    """It says what is missing; without INFO there is still the rest."""
    with NodeProcess(empty_server.url, NO_LIMITS), empty_server.client() as client:
        setuser = "ACL SETUSER looker on >secret %R~chat:* resetchannels -@all +hello +auth"
        client.execute_command(*setuser.split())
        url = empty_server.url.replace("redis://", "redis://looker:secret@")
        line = refused(url)
        assert "NOPERM" in line
        assert "fcall_ro" in line
        client.execute_command("ACL", "SETUSER", "looker", "+fcall_ro")
        line = refused(url)  # of what a function calls, each is asked for
        assert "+fcall_ro +info +time +@read" in line
        client.execute_command("ACL", "SETUSER", "looker", "+@read", "+time")
        assert looked(url)["redis"] is None
        assert "has no right to INFO" in ran("--redis-url", url).stdout
        client.execute_command("ACL", "SETUSER", "looker", "+info")
        assert looked(url)["redis"]["clients"] > 0
        client.execute_command("ACL", "DELUSER", "looker")


def test_what_no_node_has_written(redis_server: Server, empty_server: Server) -> None:
    """Keys of the wrong type or content, and functions that are not ours: a line, and no traceback."""
    with NodeProcess(empty_server.url, NO_LIMITS), empty_server.client() as client:
        client.zadd("chat:{0}:nodes", {"by-hand": 9e15})
        said = {"lease": "x", "accounts": "y", "up": "1e308", "lag": "nan", "version": "\x1b[31m"}
        client.hset("chat:{0}:load:by-hand", mapping=said)
        client.lpush("chat:{0}:queue", "nobody")
        client.hset("chat:{0}:open", "accounts", "many")
        nodes = {node["node"]: node for node in looked(empty_server.url)["nodes"]}
        node = nodes["by-hand"]
        assert node["lease_seconds"] > 0
        assert node["accounts"] == 0
        assert "\x1b" not in ran("--redis-url", empty_server.url).stdout
        client.set("chat:{0}:open", "x")
        assert "WRONGTYPE" in refused(empty_server.url)
    with Server(redis_server.kind) as server, server.client() as client:
        for answer in (
            "'x'",
            "{0, 'accounts'}",
            "{0, 'accounts', 1}",
            "{0, 'nodes', {{}}}",
            "{0, 'nodes', {{5}}}",
            "1",
        ):
            function = (
                "redis.register_function{function_name='chat_1_overview', flags={'no-writes'},"
            )
            code = f"#!lua name=other\n{function} callback=function() return {answer} end}}"
            client.function_load(code, replace=True)
            assert refused(server.url).endswith("it answers what no chat node has written")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--redis-url or CHAT_REDIS_URL"),
        (("--every", "0"), "'0' is not a number from 0.1"),
        (("--every", "often"), "'often' is not a number"),
        (("--every", "nan"), "'nan' is not a number from 0.1 to 3600"),
        (("now",), "unrecognized arguments: now"),
        (("--js",), "unrecognized arguments: --js"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], said: str) -> None:
    """How to use it, and exit code 2."""
    ended = ran(*arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith("usage: chat top ")
    assert said in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_nowhere_to_write(redis_server: Server, two_nodes: object) -> None:
    """A full disk, and an output that a shell has closed."""
    for redirection, why in ((">/dev/full", "No space left on device"), (">&-", "is closed")):
        ended = subprocess.run(
            [
                "/bin/sh",
                "-c",
                f'exec "$0" -m chat.cli top --redis-url "$1" {redirection}',
                sys.executable,
                redis_server.url,
            ],
            env=environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert ended.returncode == 1
        assert ended.stderr.startswith("chat: cannot write here: ")
        assert why in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
