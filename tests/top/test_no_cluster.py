"""What ``chat top`` says where a URL promises a cluster and there is none."""

from tests.support.member import Member
from tests.support.process import HOST
from tests.support.servers import Server
from tests.top.people import ran


def test_nobody_answers() -> None:
    """One line, and the exit code."""
    ended = ran("--redis-url", "redis+cluster://127.0.0.1:1,127.0.0.1:2")
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(
        "chat: cannot look at Redis at redis+cluster://127.0.0.1:1,127.0.0.1:2: "
    )


def test_a_name_that_nobody_has() -> None:
    """It is looked up once."""
    ended = ran("--redis-url", "redis+cluster://no-such-host.invalid")
    assert "no-such-host.invalid" in ended.stderr


def test_a_cluster_that_is_not_formed(redis_server: Server) -> None:
    """Its servers know nobody yet."""
    with Member(redis_server.kind) as member:
        ended = ran("--redis-url", f"redis+cluster://{member.address}")
    assert ended.returncode == 1
    assert "the cluster is not formed yet" in ended.stderr


def test_a_login_that_is_missing(redis_server: Server) -> None:
    """In words, and with the URL that has one."""
    with Member(redis_server.kind, "--requirepass", "secret") as member:
        ended = ran("--redis-url", f"redis+cluster://{member.address}")
    assert "and the URL has none: redis+cluster://:password@host" in ended.stderr


def test_a_redis_that_is_no_cluster(redis_server: Server) -> None:
    """It says so."""
    ended = ran("--redis-url", f"redis+cluster://{HOST}:{redis_server.port}")
    assert ended.returncode == 1
    assert "it is no cluster, and its URL begins with redis://" in ended.stderr
