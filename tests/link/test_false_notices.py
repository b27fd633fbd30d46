"""A link whose one sentinel says whatever the test wants: what it follows at once, and what changes nothing."""

import asyncio

import pytest

from tests.link.calls import Heard, told, until
from tests.link.watched import PATIENCE, lied_to, port_of, say
from tests.support.process import HOST, free_port
from tests.support.sentinels import SERVICE
from tests.support.servers import Server


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
