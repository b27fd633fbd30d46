"""A link follows the notices of real sentinels (of a false one: test_false_notices; how sentinels are heard:
test_hearing)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from tests.link.calls import Heard, allow, told, until
from tests.link.watched import PATIENCE, all_hear, found, port_of, say
from tests.support.process import wait_until
from tests.support.sentinels import SERVICE, Flock, Sentinel, flock
from tests.support.servers import Server


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
