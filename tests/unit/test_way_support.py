"""A node's way to its servers: what they say of themselves is read as the proxies' addresses."""

import asyncio

import pytest

from tests.support.process import HOST
from tests.support.sentinels import SERVICE, flock
from tests.support.servers import Server, available_servers
from tests.support.way import Renaming, Way


@pytest.mark.parametrize("size", range(1, 40))
def test_a_word_is_changed_however_it_is_cut(size: int) -> None:
    """And everything else arrives as it is."""
    said = b"*2\r\n$9\r\n127.0.0.1\r\n$5\r\n20127\r\n-MOVED 1 127.0.0.1:20127\r\n1\r\n"
    renaming = Renaming(b"127.0.0.1", b"127.0.0.9")
    blocks = [said[first : first + size] for first in range(0, len(said), size)]
    passed = b"".join(map(renaming, blocks))
    assert passed == said.replace(b"127.0.0.1", b"127.0.0.9")


def test_what_may_be_a_beginning_waits() -> None:
    """Only that, and only until it is known."""
    renaming = Renaming(b"127.0.0.1", b"127.0.0.9")
    assert renaming(b"$9\r\n127.0") == b"$9\r\n"
    assert renaming(b"!\r\n") == b"127.0!\r\n"


def test_sentinels_name_the_way_they_were_asked_by() -> None:
    """Each way has its own address for the same primary; its port is its own everywhere."""

    async def scenario() -> None:
        with flock(replicas=0, sentinels=1) as made:
            (sentinel,), (server,) = made.sentinels, made.servers
            for number in range(2):
                async with Way(number) as way:
                    await way.reach([sentinel.port, server.port])
                    assert way.url(made.url) == made.url.replace(HOST, way.host)
                    question = f"SENTINEL get-master-addr-by-name {SERVICE}"
                    answer = (await ask(way, sentinel.port, question)).decode().split()
                    assert answer == ["*2", "$9", way.host, "$5", str(server.port)]
                    assert await ask(way, server.port, "PING") == b"+PONG\r\n"

    asyncio.run(scenario())


def test_a_way_to_one_server() -> None:
    """It names nobody, so the proxy may be anywhere."""

    async def scenario() -> None:
        with Server(available_servers()[0]) as server:
            async with Way() as way:
                await way.reach([server.port])
                assert way.url(server.url) != server.url
                assert await ask(way, server.port, "PING") == b"+PONG\r\n"
                way.refuse(True)
                assert await ask(way, server.port, "PING") == b""

    asyncio.run(scenario())


async def ask(way: Way, port: int, command: str) -> bytes:
    """What comes back in one piece; nothing where the connection is ended."""
    host, _, place = way.place(port).rpartition(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(place))
        writer.write(f"{command}\r\n".encode())
        answer = await reader.read(1000)
        writer.close()
    except OSError:
        return b""
    return answer
