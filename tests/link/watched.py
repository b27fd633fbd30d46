"""A link to the primary that sentinels name, and who hears their notices."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from chat.store.calls import Ask
from chat.store.link import RedisLink
from chat.store.sentinel import Sentinels
from tests.link.calls import Heard, NoBeginning, probe, told, until
from tests.support.false_sentinel import FalseSentinel
from tests.support.process import HOST
from tests.support.sentinels import SERVICE, Sentinel
from tests.support.servers import Server

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


@asynccontextmanager
async def lied_to(port: int, heard: Heard) -> AsyncIterator[tuple[RedisLink, FalseSentinel]]:
    """A link whose one sentinel says what the test wants, and first that the primary is at that port."""
    async with (
        FalseSentinel(port) as liar,
        found(f"redis+sentinel://{liar.place}/{SERVICE}", heard) as link,
    ):
        await until(lambda: liar.asked == 2, "it is heard, and asked what was missed")
        yield link, liar


async def port_of(link: RedisLink) -> int:
    """Where it is connected to."""
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


@contextmanager
def secured(certificates: Path) -> Iterator[tuple[Sentinel, str]]:
    """A sentinel that speaks TLS alone, as the Redis that it watches does; and what a URL says for that."""
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
            yield sentinel, f"?ssl_ca_certs={authority}"
