"""A link follows the notices of real sentinels."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import redis

from chat.store.calls import Ask
from chat.store.link import RedisLink
from chat.store.sentinel import Sentinels
from tests.link.calls import Heard, NoBeginning, allow, probe, told, until
from tests.link.test_addresses import listener
from tests.support.false_sentinel import FalseSentinel
from tests.support.process import HOST, free_port, wait_until
from tests.support.sentinels import SERVICE, Flock, Sentinel, flock
from tests.support.servers import Server, available_servers

PATIENCE = 30


@asynccontextmanager
async def found(url: str, heard: Heard, timeout: float = 1) -> AsyncIterator[RedisLink]:
    """A link that is connected through sentinels, and closed at the end."""

    async def greet(ask: Ask) -> bytes:
        await ask(("PING",))
        return b""

    sentinels = Sentinels.parse(url)
    link = RedisLink(
        sentinels, sentinels.confirming(greet), NoBeginning(), heard.push, heard.gap,
        heard.press, probe=probe, timeout=timeout, jitter=lambda: 0.1,
    )  # fmt: skip
    link.serve(0)
    try:
        await link.start()
        yield link
    finally:
        await link.close()


async def port_of(link: RedisLink) -> int:
    return int((await told(link, "CONFIG", "GET", "port"))[b"port"])


def listeners(sentinel: Sentinel) -> set[str]:
    """Who hears its notices: connections by their number."""
    with sentinel.client() as client:
        return {one["id"] for one in client.client_list() if one["sub"] != "0"}


async def all_hear(sentinels: Sequence[Sentinel]) -> None:
    for sentinel in sentinels:
        await until(lambda one=sentinel: len(listeners(one)) == 1, "it is heard", PATIENCE)  # type: ignore[misc]


def say(measured: str) -> None:
    """For whoever runs this with -s: a time is no promise."""
    print(measured)  # noqa: T201


@asynccontextmanager
async def lied_to(port: int, heard: Heard) -> AsyncIterator[tuple[RedisLink, FalseSentinel]]:
    """A link whose one sentinel says what the test wants, and first that the primary is at that port."""
    async with (
        FalseSentinel(port) as liar,
        found(f"redis+sentinel://{liar.place}/{SERVICE}", heard) as link,
    ):
        await until(lambda: liar.asked == 2, "it is heard, and asked what was missed")
        yield link, liar


@pytest.fixture(scope="module")
def birds() -> Iterator[Flock]:
    """For tests that leave it as it is: one primary, one replica, three sentinels."""
    with flock(replicas=1) as made:
        yield made


@contextmanager
def apart(old: Server) -> Iterator[None]:
    """Neither sentinels nor replicas reach that server; whoever logs in as chat does."""
    with old.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "off")
        client.client_kill_filter(user="default", skipme=True)
        yield
        client.execute_command("ACL", "SETUSER", "default", "on")


def test_a_primary_that_only_the_sentinels_have_lost() -> None:
    """It answers as ever, and takes writes, which would all be lost: it is left as soon as it is told."""

    async def scenario(made: Flock) -> None:
        heard, clock = Heard(), asyncio.get_running_loop().time
        for server in made.servers:
            with server.client() as client:
                allow(client, "chat", ">secret", "~*", "&*", "+@all")
        url = made.url.replace("://", "://chat:secret@")
        async with found(url, heard) as link:
            old = made.primary
            await all_hear(made.sentinels)
            with apart(old):
                assert await told(link, "SET", "key", "taken") == b"OK"
                new = await asyncio.to_thread(made.until_another_is_primary, old)
                known = clock()
                await until(lambda: heard.gaps == 1, "the link is back", PATIENCE)
                say(f"followed {clock() - known:.3f} s after all sentinels named the new one")
                assert await port_of(link) == new.port
                assert await told(link, "SET", "key", "kept") == b"OK"
                with Server.client(old, username="chat", password="secret") as client:
                    assert client.role()[0] == b"master", "nobody could tell it"
                    assert client.get("key") == b"taken"
            await asyncio.to_thread(made.until_whole)
            assert await port_of(link) == new.port
            assert heard.gaps == 1

    with flock(replicas=1) as made:
        asyncio.run(scenario(made))


def test_it_is_followed_at_once(empty_server: Server) -> None:
    """From the notice until the link is back, with a new primary that is there: no pause is in it."""

    async def scenario(new: Server) -> None:
        heard, port, clock = Heard(), empty_server.port, asyncio.get_running_loop().time
        async with lied_to(port, heard) as (link, liar):
            liar.port, began = new.port, clock()
            liar.tell(f"{SERVICE} {HOST} {port} {HOST} {new.port}".encode())
            await heard.until(lambda: heard.gaps == 1, "the link is back")
            say(f"followed {(clock() - began) * 1000:.1f} ms after the notice")
            assert await port_of(link) == new.port

    with Server(empty_server.kind) as new:
        asyncio.run(scenario(new))


def test_a_primary_that_stands_still_and_wakes() -> None:
    """Even while it is being connected to: who waits for it turns to the new one when that is told, so that
    nobody is there when it wakes and believes that it is the primary."""

    async def scenario(made: Flock) -> None:
        heard, clock = Heard(), asyncio.get_running_loop().time
        async with found(made.url, heard, timeout=0.3) as link:
            old = made.primary
            await all_hear(made.sentinels)
            old.pause()
            try:
                new = await asyncio.to_thread(made.until_another_is_primary, old)
                known = clock()
                await until(lambda: heard.gaps == 1, "the link is back", PATIENCE)
                say(f"followed {clock() - known:.3f} s after all sentinels named the new one")
            finally:
                old.resume()
            writes = 0
            whole = asyncio.create_task(asyncio.to_thread(made.until_whole))
            while not whole.done():
                assert await told(link, "INCR", "writes") == (writes := writes + 1)
            assert await whole is new
            assert await port_of(link) == new.port
            assert heard.gaps == 1

    with flock(replicas=1) as made:
        asyncio.run(scenario(made))


def test_sentinels_that_are_killed_and_restarted() -> None:
    """One is enough to be told; all of them may be away for a while; and what was missed is asked for."""

    async def scenario(made: Flock) -> None:
        heard = Heard()
        async with found(made.url, heard) as link:
            await all_hear(made.sentinels)
            for sentinel in made.sentinels:
                sentinel.kill()
            assert await told(link, "PING") == b"PONG"
            for sentinel in made.sentinels:
                await asyncio.to_thread(sentinel.start)
            await all_hear(made.sentinels)
            assert heard.gaps == 0
            made.sentinels[0].kill()
            old = made.primary
            await asyncio.to_thread(failover, made.sentinels[1])
            new = await asyncio.to_thread(made.until_another_is_primary, old)
            await until(lambda: heard.gaps == 1, "the link is back", PATIENCE)
            assert await port_of(link) == new.port
            await asyncio.to_thread(made.sentinels[0].start)
            await all_hear(made.sentinels)
            assert await port_of(link) == new.port
            assert heard.gaps == 1

    with flock(replicas=1) as made:
        asyncio.run(scenario(made))


def failover(sentinel: Sentinel) -> None:
    """As an operator orders it: after a restart a sentinel has to hear of the replicas first."""

    def taken() -> bool:
        try:
            return bool(sentinel.ask("FAILOVER", SERVICE))
        except redis.ResponseError as error:
            if "NOGOODSLAVE" in str(error):
                return False
            raise

    wait_until(taken, "it begins", timeout=PATIENCE)


@pytest.mark.parametrize(
    "notice",
    [
        "other {host} {port} {host} {another}",
        "{service} {host} {another} {host} {port}",
        "{service} {host} {port} {host} {port}",
        "{service} {host} {port} {host} port",
        "{service} {host} {port}",
        "{service}",
        "",
        "\xff\x00 \n \r\n *3 >2",
    ],
)
def test_notices_that_change_nothing(empty_server: Server, notice: str) -> None:
    """Of another service, of the one that is used, or none at all: nobody is disturbed."""

    async def scenario() -> None:
        heard, port = Heard(), empty_server.port
        async with lied_to(port, heard) as (link, liar):
            wire, asked = link._wire, liar.asked
            said = notice.format(service=SERVICE, host=HOST, port=port, another=free_port())
            liar.tell(said.encode())
            liar.tell(f"{SERVICE} {HOST} {port} {HOST} {free_port()}".encode())
            await until(lambda: heard.gaps, "the next one is understood")
            assert link._wire is not wire
            assert heard.gaps == 1
            assert liar.asked == asked + 1

    asyncio.run(scenario())


def test_a_notice_that_changes_nothing_leaves_the_link_alone(empty_server: Server) -> None:
    """A hundred of them, of the one that is used: the connection is the same."""

    async def scenario() -> None:
        heard, port = Heard(), empty_server.port
        async with lied_to(port, heard) as (link, liar):
            wire, asked = link._wire, liar.asked
            for _ in range(100):
                liar.tell(f"{SERVICE} {HOST} {free_port()} {HOST} {port}".encode())
            (writer,) = liar.listeners
            await writer.drain()
            for _ in range(10):
                await told(link, "PING")
            assert (link._wire, liar.asked, heard.gaps) == (wire, asked, 0)

    asyncio.run(scenario())


def test_a_new_primary_that_is_not_there_yet(empty_server: Server) -> None:
    """It is looked for at once, and then with pauses, as after any other loss, however often it is told; the old one
    is not gone back to while it is another that is named."""

    async def scenario() -> None:
        heard, port, nobody = Heard(), empty_server.port, free_port()
        async with lied_to(port, heard) as (link, liar):
            asked, liar.port = liar.asked, nobody
            for _ in range(100):
                liar.tell(f"{SERVICE} {HOST} {port} {HOST} {nobody}".encode())
                await asyncio.sleep(0.01)
            assert link.open_calls() is None
            assert 1 <= liar.asked - asked <= 30, "pauses of at most 0.1 s, and longer ones later"
            liar.port = port
            await until(lambda: heard.gaps == 1, "back to the only one that is named", PATIENCE)

    asyncio.run(scenario())


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
    files = {"cert": "server.crt", "key": "server.key", "ca-cert": "ca.crt"}
    lines = [f"tls-{name}-file {certificates / file}" for name, file in files.items()]
    authority = certificates / "ca.crt"
    secure = [word for line in lines for word in f"--{line}".split()]
    with Server("redis", *secure, "--tls-auth-clients", "no", tls=authority) as server:
        watch = f"sentinel monitor {SERVICE} {HOST} {server.port} 1"
        text = "\n".join(
            [f"bind {HOST}", *lines, "tls-auth-clients no", "tls-replication yes", watch]
        )
        with Sentinel("redis", text, tls=authority) as sentinel:

            async def scenario() -> None:
                url = f"rediss+sentinel://{sentinel.place}/{SERVICE}?ssl_ca_certs={authority}"
                async with found(url, Heard()):
                    await all_hear([sentinel])

            asyncio.run(scenario())
