"""Two sides of a network that can be parted, while whoever tests still reaches both: network namespaces (Linux, root).

Each side has one address, by which all its processes are known, plugged into a switch; the switch is a namespace of
its own. The test reaches that address by a wire to each side that is not parted. What is parted is silent: nothing
is refused or ended, packets do not arrive. A network fails like that, and nothing else here does: a process that
stands still keeps nobody who works on the wrong side, and a proxy would have to be between servers too.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

from tests.support.process import Site


class Sides:
    """``left`` and ``right``. Networks are 10.x.y.0/28: four addresses for the switch, four for each wire."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._id = secrets.token_hex(3)
        self._network = f"10.{secrets.randbelow(156) + 100}.{secrets.randbelow(256)}"
        self._switch = f"chat-{self._id}-switch"
        self.left = self._site("left", 1)
        self.right = self._site("right", 2)

    def _site(self, side: str, number: int) -> Site:
        inside = ("ip", "netns", "exec", f"chat-{self._id}-{side}")
        return Site(f"{self._network}.{number}", inside)

    def make(self) -> None:
        self._namespace(self._switch)
        _ip("-n", self._switch, "link", "add", "name", "hub0", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "hub0", "up")
        for number, site in enumerate((self.left, self.right), 1):
            self._namespace(site.inside[-1])
            self._plug(site, f"port{number}")
            self._wire(site, f"c{self._id}{number}", 4 * number)

    def part(self) -> None:
        """Neither side hears the other any more."""
        _ip("-n", self._switch, "link", "set", "port1", "nomaster")

    def join(self) -> None:
        _ip("-n", self._switch, "link", "set", "port1", "master", "hub0")

    def close(self) -> None:
        """With a namespace go its interfaces, and their other ends."""
        self._stack.close()

    def _namespace(self, name: str) -> None:
        _ip("netns", "add", name)
        self._stack.callback(_ip, "netns", "del", name)
        _ip("-n", name, "link", "set", "lo", "up")

    def _plug(self, site: Site, port: str) -> None:
        """Into the switch."""
        side = site.inside[-1]
        _ip("-n", self._switch, "link", "add", "name", port, "type", "veth",
            "peer", "name", "inner", "netns", side)  # fmt: skip
        _ip("-n", self._switch, "link", "set", port, "master", "hub0", "up")
        _ip("-n", side, "address", "add", f"{site.host}/30", "dev", "inner")
        _ip("-n", side, "link", "set", "inner", "up")

    def _wire(self, site: Site, wire: str, first: int) -> None:
        """From here to that side."""
        here, there = (f"{self._network}.{first + number}" for number in (1, 2))
        side = site.inside[-1]
        _ip("link", "add", "name", wire, "type", "veth", "peer", "name", "outer", "netns", side)
        _ip("address", "add", f"{here}/30", "dev", wire)
        _ip("link", "set", wire, "up")
        _ip("-n", side, "address", "add", f"{there}/30", "dev", "outer")
        _ip("-n", side, "link", "set", "outer", "up")
        _ip("route", "add", f"{site.host}/32", "via", there, "dev", wire)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


@contextmanager
def sides() -> Iterator[Sides]:
    made = Sides()
    try:
        made.make()
        yield made
    finally:
        made.close()


@cache
def possible() -> bool:
    """Whether this user may make namespaces: also root may not, in some containers."""
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    try:
        with sides():
            return True
    except AssertionError:
        return False
