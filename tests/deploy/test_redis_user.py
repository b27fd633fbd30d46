"""k8s/base/redis.conf and users.acl, run for real: the nodes work with that user, and it can do nothing else."""

import asyncio
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.support.balancer import replaced
from tests.support.nodes import NO_LIMITS, ROOT, NodeProcess
from tests.support.servers import Server, find_binary
from tests.support.wire import Wire, pair
from tests.top.people import looked

BASE = ROOT / "k8s" / "base"
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """A Redis with these two files, as the StatefulSet starts it."""
    if find_binary("redis") is None:
        pytest.skip("there is no redis on this machine")
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    with tempfile.TemporaryDirectory() as directory:
        users, conf = Path(directory) / "users.acl", Path(directory) / "redis.conf"
        users.write_text(replaced((BASE / "users.acl").read_text(), ("PASSWORD_SHA256", digest)))
        conf.write_text(
            replaced((BASE / "redis.conf").read_text(), ("/etc/redis/users.acl", str(users)))
        )
        # A configuration file comes first on the command line: what tests add is for this machine.
        with Configured(conf) as server:
            yield server


class Configured(Server):
    """A server with a configuration file, which alone says what is kept."""

    def __init__(self, conf: Path) -> None:
        super().__init__("redis", username="chat", password=PASSWORD.replace(" ", "%20"))
        self._conf = conf

    def _listen(self) -> list[str]:
        return [str(self._conf), *super()._listen()]

    def _keep(self) -> list[str]:
        return ["--dir", str(self.directory)]


def test_people_talk_come_back_and_leave(guarded: Server) -> None:
    """All that nodes do works with that user, on two nodes."""
    with (
        NodeProcess(guarded.url, NO_LIMITS) as first,
        NodeProcess(guarded.url, NO_LIMITS) as second,
    ):

        async def scenario() -> None:
            ada, bob, session = await pair(first.url, second.url)
            await ada.say(session, "hello")
            push = await bob.expect("PUSH_DIALOGUE_REQ", content="hello")
            bob.acknowledge(push)
            assert (await bob.viewed(session, 1))["code"] == 0
            await ada.expect("PUSH_VIEWED_ACK_REQ", msgId=1)
            bob.abort()
            await ada.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
            again = await Wire.open(first.url)
            answer = await again.reconnect(bob.account_id, bob.token, seq=push["seq"])
            assert answer["recovered"] is True
            await ada.expect("PUSH_SIGNAL_REQ", signalType="PartnerBack")
            assert (await ada.leave(session))["code"] == 0
            await again.expect("PUSH_SIGNAL_REQ", signalType="PartnerExit")

        asyncio.run(scenario())
        for node in (first, second):
            assert "WARNING" not in node.log()
            assert "ERROR" not in node.log()


def test_an_operator_can_look_inside(guarded: Server) -> None:
    """What README shows of redis-cli works with that user."""
    with guarded.client() as client:
        client.zrange("chat:{0}:away", 0, -1)
        client.hmget("chat:{0}:account:1000", "nick")
        client.xrange("chat:{0}:inbox:1000")
        client.lrange("chat:{0}:queue", 0, -1)


def test_an_operator_can_see_the_cluster(guarded: Server) -> None:
    """chat top has all it needs with that user, what Redis says of itself too."""
    with NodeProcess(guarded.url, NO_LIMITS):
        pool = looked(guarded.url)
    assert any(node["version"] for node in pool["nodes"])
    assert pool["redis"]["aof"] == "ok"


@pytest.mark.parametrize(
    "command",
    [
        "GET other",
        "HGETALL other",
        "SET chat:x 1",
        "KEYS *",
        "SCAN 0",
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET *",
        "CONFIG SET maxmemory 0",
        "ACL LIST",
        "SHUTDOWN",
        "REPLICAOF NO ONE",
        "MONITOR",
        "SAVE",
        "CLIENT LIST",
        "CLIENT KILL TYPE normal",
        "EVAL return(1) 0",
        "FUNCTION FLUSH",
        "FUNCTION DELETE chat_1",
        "SUBSCRIBE other",
        "PSUBSCRIBE *",
        "SSUBSCRIBE other",
        "SPUBLISH other x",
        "MODULE LIST",
        "SWAPDB 0 1",
    ],
)
def test_that_user_can_do_nothing_else(guarded: Server, command: str) -> None:
    """Other keys, other channels, and the server itself are not for it."""
    with guarded.client() as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command.split())


def test_nobody_gets_in_without_the_password(guarded: Server) -> None:
    """The default user is off, and another password is none."""
    address = f"redis://{{}}127.0.0.1:{guarded.port}/0"
    for login in ("", "chat:wrong@", "default:@"):
        client = redis.Redis.from_url(address.format(login))
        with pytest.raises((redis.AuthenticationError, redis.ConnectionError)):
            client.ping()


def test_what_was_confirmed_is_on_disk(guarded: Server) -> None:
    """Killed in the very moment after an answer, and started again: it is there, and so are the functions."""
    with NodeProcess(guarded.url, NO_LIMITS) as node:

        async def scenario() -> tuple[int, int]:
            ada, bob, session = await pair(node.url, node.url)
            assert (await ada.say(session, "the last word"))["code"] == 0
            guarded.kill()
            return session, bob.account_id

        session, account = asyncio.run(scenario())
    guarded.start()
    with guarded.client(decode_responses=True) as client:
        assert client.hget(f"chat:{{0}}:session:{session}", "last") == "1"
        assert "the last word" in str(client.xrange(f"chat:{{0}}:inbox:{account}"))
        client.fcall_ro("chat_1_held", 1, "chat:{0}", "nobody", 0)


def test_at_its_bound_it_refuses_and_forgets_nothing() -> None:
    """A living key is never thrown away to make room."""
    conf = (BASE / "redis.conf").read_text()
    assert "\nmaxmemory-policy noeviction\n" in conf
