"""The way of one node to servers that tell it where they and others are.

Between a node and each server stands a proxy, so that a fault can hit the links of one node alone. But sentinels
and clusters say addresses, and a node that followed them would go past the proxies. So each way has an address of
its own on the loopback interface (127.0.0.2, 127.0.0.3 …), where every proxy has the very port of its server, and
in whatever passes to the node 127.0.0.1 is made that address.

The servers themselves announce nothing of this: their replication, bus and sentinels keep the direct way, so a
fault of a node's link is none of theirs. Ports stay as they are, both addresses are of one length, and 127.0.0.1
is in no content and no key: nothing has to be parsed, and nothing else is changed. Linux has all of 127.0.0.0/8;
elsewhere the addresses must be given to the interface.
"""

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from typing import Self

from tests.support.deafness import deaf
from tests.support.process import HOST
from tests.support.proxy import Proxy

MOST = 8
"""Addresses of one digit, as that of the servers has it."""


class Renaming:
    """Puts one word in the place of another of the same length, however a stream of bytes is cut into blocks."""

    def __init__(self, old: bytes, new: bytes) -> None:
        assert len(old) == len(new)
        self._old = old
        self._new = new
        self._rest = b""

    def __call__(self, data: bytes) -> bytes:
        data = (self._rest + data).replace(self._old, self._new)
        keep = len(data) - self._begun(data)
        self._rest = data[keep:]
        return data[:keep]

    def _begun(self, data: bytes) -> int:
        """How many bytes at the end may be the beginning of the word."""
        sizes = range(min(len(self._old) - 1, len(data)), 0, -1)
        return next((size for size in sizes if data.endswith(self._old[:size])), 0)


class Way:
    """``async with Way(number)``: a proxy for each port that it ``reach``es. The switches are those of all proxies.

    ``Way()`` is for one server that names nobody: its proxy is at 127.0.0.1, on any port.
    """

    def __init__(self, number: int | None = None) -> None:
        assert number is None or 0 <= number < MOST
        self.host = HOST if number is None else f"127.0.0.{number + 2}"
        self.proxies: dict[int, Proxy] = {}
        """By the port of their server."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def reach(self, ports: Iterable[int]) -> None:
        """From here on these servers can be reached."""
        for port in ports:
            self.proxies[port] = await self._stack.enter_async_context(self._proxy(port))

    def _proxy(self, port: int) -> Proxy:
        if self.host == HOST:
            return Proxy(port)
        return Proxy(port, at=(self.host, port), translate=self._renaming)

    def _renaming(self) -> Callable[[bytes], bytes]:
        return Renaming(HOST.encode(), self.host.encode())

    def place(self, port: int) -> str:
        """Where that server is, for whoever goes this way."""
        return f"{self.host}:{self.proxies[port].port}"

    def url(self, url: str) -> str:
        """The same servers by this way, of a URL that says ``127.0.0.1:port`` of each."""
        for port in self.proxies:
            url = url.replace(f"{HOST}:{port}", self.place(port))
        return url

    def refuse(self, refusing: bool) -> None:
        for proxy in self.proxies.values():
            proxy.refusing = refusing

    def silence(self, silent: bool) -> None:
        for proxy in self.proxies.values():
            proxy.silent = silent

    def swallow(self, swallowing: bool) -> None:
        for proxy in self.proxies.values():
            proxy.swallowing = swallowing

    def cut(self) -> None:
        for proxy in self.proxies.values():
            proxy.cut()

    def deafen(self) -> None:
        """The connections that are there lose their pushes; new ones hear again."""
        for proxy in self.proxies.values():
            deaf(proxy, True)
            proxy.filter_answers = None
