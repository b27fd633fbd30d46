"""A RedisLink that asks sentinels: whom it finds, whom it refuses, and what it says where it finds nobody."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chat.errors import StoreUnreachable
from chat.store.calls import LinkDown
from chat.store.sentinel import Sentinels
from tests.link.calls import Heard, ask, linked, told, until
from tests.link.listener import listener
from tests.link.watched import found, port_of, secured
from tests.support.process import HOST, free_port
from tests.support.sentinels import SERVICE, Flock, Sentinel, flock
from tests.support.servers import Server, available_servers


def of(*places: str, service: str = SERVICE, query: str = "") -> str:
    return f"redis+sentinel://{','.join(places)}/{service}{query}"


def refused(url: str) -> str:
    """The one line in which the link says that it cannot use this."""

    async def scenario() -> str:
        with pytest.raises(StoreUnreachable) as caught:
            async with found(url, Heard()):
                pass
        return str(caught.value)

    line = asyncio.run(scenario())
    assert "\n" not in line
    assert "secret" not in line
    return line


def finds(url: str, port: int) -> list[str]:
    """Connects to that port; returns the sentinels in the order in which they would be asked next."""

    async def scenario() -> list[str]:
        async with found(url, Heard()) as link:
            assert await port_of(link) == port
            place = link._keeper._place
            assert isinstance(place, Sentinels)
            return [one.shown for one in place._sentinels]

    return asyncio.run(scenario())


def test_the_primary_is_found(birds: Flock) -> None:
    """By any of the sentinels, in the database of the URL."""
    for sentinel in birds.sentinels:
        assert finds(of(sentinel.place), birds.primary.port)
    assert finds(f"{birds.url}/3", birds.primary.port)


def test_a_sentinel_that_is_not_there_is_passed_over(birds: Flock) -> None:
    """The one that answered is asked first the next time."""
    nobody, here = f"{HOST}:{free_port()}", birds.sentinels[1].place
    order = finds(of(nobody, "no-such-host.invalid", here), birds.primary.port)
    assert order == [here, nobody, "no-such-host.invalid:26379"]


def test_a_sentinel_that_hangs_is_passed_over(birds: Flock) -> None:
    """After a second."""
    frozen, here = birds.sentinels[0], birds.sentinels[1].place
    port = birds.primary.port
    frozen.pause()
    try:
        assert finds(of(frozen.place, here), port) == [here, frozen.place]
    finally:
        frozen.resume()


def test_an_unknown_service(birds: Flock) -> None:
    """Named, with those who were asked."""
    line = refused(of(birds.sentinels[0].place, service="chatt"))
    assert f"{birds.sentinels[0].place}: it knows no service chatt" in line


def test_no_sentinel_answers() -> None:
    """Each is named, with its reason."""
    one, other = (f"{HOST}:{free_port()}" for _ in range(2))
    line = refused(f"redis+sentinel://ada:secret@{one},{other}/chat?sentinel_password=secret")
    assert line.startswith(
        f"no sentinel of redis+sentinel://{one},{other}/chat knows Redis: {one}: "
    )
    assert f"; {other}: " in line


def test_something_else_than_a_sentinel(birds: Flock) -> None:
    """A Redis in the place of a sentinel says that it is none."""
    line = refused(of(f"{HOST}:{birds.primary.port}"))
    assert "it is no sentinel" in line


@pytest.mark.parametrize(
    "place", [("127.0.0.1", "99999"), ("127.0.0.1", "9" * 5000), ("a\0b", "1")]
)
def test_a_place_that_is_none(birds: Flock, place: tuple[str, str]) -> None:
    """It is passed over like any other wrong answer: a link that died of it would never come back."""
    words = "".join(f"${len(word)}\r\n{word}\r\n" for word in place)
    with says({b"HELLO": b"%0\r\n", b"SENTINEL": f"*2\r\n{words}".encode()}) as liar:
        assert "it answers what no sentinel does" in refused(of(liar))
        here = birds.sentinels[0].place
        assert finds(of(liar, here), birds.primary.port) == [here, liar]


def test_a_primary_that_says_no_role() -> None:
    """It is refused."""
    with says({b"HELLO": b"%0\r\n", b"ROLE": b"*0\r\n"}) as strange:
        host, port = strange.split(":")
        words = f"*2\r\n${len(host)}\r\n{host}\r\n${len(port)}\r\n{port}\r\n".encode()
        with says({b"HELLO": b"%0\r\n", b"SENTINEL": words}) as sentinel:
            assert "it is no primary" in refused(of(sentinel))


@contextmanager
def says(answers: dict[bytes, bytes]) -> Iterator[str]:
    """The host:port of something that gives these answers."""
    with listener(
        lambda asked: next((said for word, said in answers.items() if word in asked), b"+OK\r\n")
    ) as url:
        yield url.rpartition("@")[2]


def test_a_replica_that_is_named_is_refused(birds: Flock) -> None:
    """By a sentinel that is wrong: the next one is asked, and if there is none, it is told."""
    kind = available_servers()[0]
    (replica,) = [server for server in birds.servers if server is not birds.primary]
    text = f"bind {HOST}\nsentinel monitor {SERVICE} {HOST} {replica.port} 9\n"
    with Sentinel(kind, text) as stale:
        assert stale.primary() == replica.port
        here = birds.sentinels[0].place
        order = finds(of(stale.place, here), birds.primary.port)
        assert order == [here, stale.place]
        line = refused(of(stale.place))
    assert f"{HOST}:{replica.port}, the primary of " in line
    assert "a sentinel names it, but it is no primary" in line


def test_a_password_of_the_sentinels(birds: Flock) -> None:
    """Asked for, wrong, right."""
    text = f"bind {HOST}\nrequirepass secret\nsentinel monitor {SERVICE} {HOST} {{}} 9\n"
    with Sentinel(
        available_servers()[0], text.format(birds.primary.port), login=":secret@"
    ) as guarded:
        assert "has none: ?sentinel_password=" in refused(of(guarded.place))
        assert "WRONGPASS" in refused(of(guarded.place, query="?sentinel_password=secret2"))
        assert finds(of(guarded.place, query="?sentinel_password=secret"), birds.primary.port)


@pytest.mark.skipif("redis" not in available_servers(), reason="there is no Redis here")
def test_tls(certificates: Path) -> None:
    """rediss+sentinel:// is TLS with the sentinels as well as with Redis; certificates are checked."""
    with secured(certificates) as (sentinel, authority):
        url = of(sentinel.place).replace("redis+", "rediss+")
        trusted = f"{url}{authority}"

        async def scenario() -> None:
            async with found(trusted, Heard()) as link:
                assert await told(link, "PING") == b"PONG"

        asyncio.run(scenario())
        assert "certificate verify failed" in refused(url)
        assert f"{sentinel.place}: " in refused(of(sentinel.place))


@pytest.mark.parametrize("how", ["kill", "pause"])
def test_the_primary_is_lost(how: str) -> None:
    """The link comes back to the one that took over, and to no other."""

    async def scenario(made: Flock) -> None:
        heard = Heard()
        async with found(made.url, heard) as link:
            old = made.primary
            assert await port_of(link) == old.port
            getattr(old, how)()
            new = await asyncio.to_thread(made.until_another_is_primary, old)
            await until(lambda: heard.gaps, "the link is back", 10)
            assert await port_of(link) == new.port
            assert await told(link, "SET", "key", "value") == b"OK"

    with flock(replicas=1) as made:
        asyncio.run(scenario(made))


def test_a_server_that_was_demoted_under_the_link(empty_server: Server) -> None:
    """Whoever tries to write there is told so, and the link does not stay: also with a fixed address,
    because a name may mean another server by now."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, heard):
            assert await told(link, "SET", "key", "value") == b"OK"
            with empty_server.client() as client:
                client.replicaof(HOST, str(free_port()))
                replies = [ask(link, "SET", "key", "lost"), ask(link, "GET", "key")]
                refusal, after = await asyncio.gather(*replies)
                assert str(refusal).startswith("READONLY")
                assert after == b"value" or isinstance(after, LinkDown)
                await heard.until(lambda: heard.gaps > 0, "the link was made anew")
                client.replicaof("NO", "ONE")
                assert client.get("key") == b"value"

    asyncio.run(scenario())


def test_a_primary_without_its_replicas(empty_server: Server) -> None:
    """One that may not write alone is left too: another may have taken over."""

    async def scenario() -> None:
        async with linked(empty_server.url) as (link, heard):
            with empty_server.client() as client:
                client.config_set("min-replicas-to-write", 1)
                try:
                    assert str(await told(link, "SET", "key", "x")).startswith("NOREPLICAS")
                    await heard.until(lambda: heard.gaps > 0, "the link was made anew")
                finally:
                    client.config_set("min-replicas-to-write", 0)

    asyncio.run(scenario())
