"""How sentinels are heard: with a login, through TLS, and where one hangs, hangs up or is none."""

import asyncio
from pathlib import Path

import pytest

from tests.link.calls import Heard, told, until
from tests.link.listener import listener
from tests.link.watched import PATIENCE, all_hear, found, lied_to, listeners, say, secured
from tests.support.process import HOST
from tests.support.sentinels import SERVICE, Flock, Sentinel
from tests.support.servers import Server, available_servers


def test_something_that_is_no_sentinel(
    empty_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers to SUBSCRIBE what nobody expects: told in the log, and nothing else."""

    async def scenario(place: str) -> None:
        async with found(f"redis+sentinel://{place}/{SERVICE}", Heard()) as link:
            await until(lambda: "is not heard" in caplog.text, "it is told")
            assert await told(link, "PING") == b"PONG"

    port = f"{empty_server.port}"
    words = f"*2\r\n${len(HOST)}\r\n{HOST}\r\n${len(port)}\r\n{port}\r\n".encode()
    answers = {b"HELLO": b"%0\r\n", b"SENTINEL": words}
    with listener(
        lambda asked: next((said for word, said in answers.items() if word in asked), b"+OK\r\n")
    ) as url:
        asyncio.run(scenario(url.rpartition("@")[2]))
    assert "Traceback" not in caplog.text


def test_a_sentinel_that_hangs_up(empty_server: Server) -> None:
    """Again and again, as soon as it is heard: the pauses grow."""

    async def scenario() -> None:
        heard = Heard()
        async with lied_to(empty_server.port, heard) as (link, liar):
            liar.hang_up = True
            clock, began = asyncio.get_running_loop().time, asyncio.get_running_loop().time()
            for writer in list(liar.listeners):
                writer.close()
            await until(lambda: liar.subscribed >= 6, "it was tried again", PATIENCE)
            say(f"tried 5 times within {clock() - began:.2f} s")
            assert liar.subscribed <= 8
            assert await told(link, "PING") == b"PONG"
            assert heard.gaps == 0

    asyncio.run(scenario())


def test_a_sentinel_that_hangs(birds: Flock, caplog: pytest.LogCaptureFixture) -> None:
    """It is noticed, although nobody asks it anything, and heard again when it is back."""

    async def scenario() -> None:
        async with found(birds.url, Heard()):
            await all_hear(birds.sentinels)
            hung = birds.sentinels[0]
            before = listeners(hung)
            hung.pause()
            try:
                await until(
                    lambda: "is not heard: no answer" in caplog.text, "it is told", PATIENCE
                )
            finally:
                hung.resume()
            await until(
                lambda: (now := listeners(hung)) and not now & before, "a new one", PATIENCE
            )

    asyncio.run(scenario())


def test_sentinels_with_a_login(birds: Flock, caplog: pytest.LogCaptureFixture) -> None:
    """Of a user who may do just that; who may not hear notices is told so in the log, and works as before."""
    rules = "resetkeys resetchannels -@all +hello +ping +sentinel|get-master-addr-by-name"
    text = (
        f"bind {HOST}\nsentinel monitor {SERVICE} {HOST} {birds.primary.port} 9\n"
        f"user ear on >secret {rules} +subscribe &+switch-master\nuser deaf on >secret {rules}\n"
    )

    async def scenario(guarded: Sentinel, user: str, *, hears: bool) -> None:
        login = f"?sentinel_username={user}&sentinel_password=secret"
        async with found(f"redis+sentinel://{guarded.place}/{SERVICE}{login}", Heard()) as link:
            if hears:
                await all_hear([guarded])
            else:
                await until(lambda: "is not heard: NOPERM" in caplog.text, "it is told", PATIENCE)
            assert await told(link, "PING") == b"PONG"

    with Sentinel(available_servers()[0], text) as guarded:
        asyncio.run(scenario(guarded, "ear", hears=True))
        assert "is not heard" not in caplog.text
        asyncio.run(scenario(guarded, "deaf", hears=False))
        assert "secret" not in caplog.text


@pytest.mark.skipif("redis" not in available_servers(), reason="there is no Redis here")
def test_tls(certificates: Path) -> None:
    """Notices come through TLS."""
    with secured(certificates) as (sentinel, authority):

        async def scenario() -> None:
            url = f"rediss+sentinel://{sentinel.place}/{SERVICE}{authority}"
            async with found(url, Heard()):
                await all_hear([sentinel])

        asyncio.run(scenario())
