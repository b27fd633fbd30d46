"""Where a RedisLink connects to, how it logs in, and what it says where it cannot."""

import asyncio
from pathlib import Path

import pytest

from chat.errors import StoreUnreachable
from chat.store.library import library
from tests.link.calls import Heard, allow, linked, redis_link, told
from tests.link.listener import listener
from tests.support.process import HOST, free_port
from tests.support.servers import KINDS, Kind, Server, available_servers

CHANNEL = b"chat:{0}:push:1"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    if chosen not in available_servers():
        pytest.skip(f"there is no {chosen} on this machine")
    return chosen


def works(url: str, database: int = 0) -> None:
    """Calls, pushes and the database are as the URL says."""

    async def scenario() -> None:
        async with linked(url) as (link, heard):
            assert f" db={database} " in (await told(link, "CLIENT", "INFO")).decode()
            link.subscribe(CHANNEL)
            await told(link, "SPUBLISH", CHANNEL, "x")
            await heard.until(lambda: heard.pushes == [(CHANNEL, b"x")], "the push")

    asyncio.run(scenario())


def refused(url: str, *, timeout: float = 2) -> str:
    """The one line in which the link says that it cannot use this."""

    async def scenario() -> str:
        link = redis_link(url, Heard(), timeout=timeout, prologue=[library()])
        with pytest.raises(StoreUnreachable) as caught:
            await link.start()
        await link.close()
        return str(caught.value)

    line = asyncio.run(scenario())
    assert "\n" not in line
    assert "Redis" in line
    assert "secret" not in line
    return line


def test_a_database(empty_server: Server) -> None:
    """The number behind the slash, or in the query."""
    base = f"redis://{HOST}:{empty_server.port}"
    works(base)
    works(f"{base}/3", 3)
    works(f"{base}?db=4", 4)


def test_a_database_that_is_not_there(empty_server: Server) -> None:
    """Said in the server's words."""
    assert "out of range" in refused(f"redis://{HOST}:{empty_server.port}/999")


def test_a_password(kind: Kind) -> None:
    """Of the default user; a wrong one and none are refused, and never shown."""
    with Server(kind, "--requirepass", "secret", password="secret") as server:
        works(server.url)
        works(server.url.replace("redis://:", "redis://default:"))
        assert "WRONGPASS" in refused(server.url.replace("secret", "secret2"))
        assert "NOAUTH" in refused(f"redis://{HOST}:{server.port}")


def test_a_user(empty_server: Server) -> None:
    """Name and password, both with characters that a URL has to write with a percent sign."""
    with empty_server.client() as client:
        allow(client, "n/de", ">s:e@c/r#t", "+@all", "~*", "&*")
    works(f"redis://n%2Fde:s%3Ae%40c%2Fr%23t@{HOST}:{empty_server.port}")
    assert "WRONGPASS" in refused(f"redis://n%2Fde:secret@{HOST}:{empty_server.port}")


def test_a_user_who_may_not_load_functions(empty_server: Server) -> None:
    """Refused at the start, not at the first call."""
    with empty_server.client() as client:
        allow(client, "reader", ">secret", "+@all", "-function", "~*", "&*")
    assert "NOPERM" in refused(f"redis://reader:secret@{HOST}:{empty_server.port}")


def test_a_unix_socket(kind: Kind) -> None:
    """unix:// with the path; one that is not there is told."""
    with Server(kind, unix=True) as server:
        works(server.url)
        works(server.url.replace("db=0", "db=2"), 2)
        url = server.url
    assert "No such file" in refused(url)


def test_nobody_listens() -> None:
    """The address is in the line."""
    port = free_port()
    assert f"{HOST}:{port}" in refused(f"redis://:secret@{HOST}:{port}")


def test_another_kind_of_server() -> None:
    """One that speaks HTTP."""
    with listener(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        assert "Protocol error" in refused(url)


def test_a_server_that_hangs_up() -> None:
    """Ends the connection at the first word."""
    with listener(lambda _: None) as url:
        refused(url)


def test_a_server_that_says_nothing() -> None:
    """After the time-out of a call."""
    with listener(lambda _: b"") as url:
        assert "no answer" in refused(url, timeout=0.2)


def test_a_server_that_is_too_old() -> None:
    """Before 6.0 HELLO is unknown; the answer repeats the password, the line does not."""

    def answer(data: bytes) -> bytes:
        return (
            b"-ERR unknown command `HELLO`, with args beginning with: "
            b"`3`, `AUTH`, `default`, `secret`, \r\n"
        )

    with listener(answer) as url:
        assert "HELLO" in refused(url)


def test_a_server_without_functions() -> None:
    """Before 7.0 FUNCTION is unknown."""

    def answer(data: bytes) -> bytes:
        return b"%0\r\n" if b"HELLO" in data else b"-ERR unknown command `FUNCTION`\r\n"

    with listener(answer) as url:
        assert "FUNCTION" in refused(url)


# TLS


def tls_server(certificates: Path) -> Server:
    key = ("--tls-key-file", str(certificates / "server.key"), "--tls-auth-clients", "no")
    certificate = ("--tls-cert-file", str(certificates / "server.crt"))
    return Server("redis", *certificate, *key, tls=certificates / "ca.crt")


@pytest.mark.skipif("redis" not in available_servers(), reason="there is no Redis here")
def test_tls(certificates: Path) -> None:
    """rediss:// checks the certificate: against the given authority it works, without it not."""
    with tls_server(certificates) as server:
        works(server.url)
        plain = server.url.partition("?")[0]
        assert "certificate verify failed" in refused(plain)
        works(f"{plain}?ssl_cert_reqs=none&ssl_check_hostname=false")
        refused(plain.replace("rediss://", "redis://"), timeout=0.5)


@pytest.mark.skipif("redis" not in available_servers(), reason="there is no Redis here")
def test_a_certificate_of_another_host(certificates: Path) -> None:
    """The name is checked, too."""
    with tls_server(certificates) as server:
        assert "certificate verify failed" in refused(server.url.replace(HOST, "localhost"))


def test_tls_to_a_server_without(empty_server: Server) -> None:
    """Said in one line, in good time."""
    refused(f"rediss://{HOST}:{empty_server.port}", timeout=0.5)
