"""A proxy that makes a link deaf: replies of Redis pass, pushes of its channels do not."""

import re

from tests.support.proxy import Proxy

PUSH = re.compile(rb">3\r\n\$8\r\nsmessage\r\n\$\d+\r\n[^\r]*\r\n\$(\d+)\r\n")
START = b">3\r\n$8\r\nsmessage\r\n"


class Sieve:
    """Takes the pushes out of what a server sends, however it is cut into blocks."""

    def __init__(self) -> None:
        self._rest = b""

    def __call__(self, data: bytes) -> bytes:
        data, self._rest = self._rest + data, b""
        passed = b""
        while found := PUSH.search(data):
            end = found.end() + int(found[1]) + 2
            passed += data[: found.start()]
            if end > len(data):
                self._rest = data[found.start() :]
                return passed
            data = data[end:]
        keep = _unfinished(data)
        self._rest = data[keep:]
        return passed + data[:keep]


def _unfinished(data: bytes) -> int:
    """Where the head of a push begins that is not whole yet; the end where there is none."""
    begun = data.rfind(START)
    if begun >= 0:
        return begun
    for size in range(min(len(START) - 1, len(data)), 0, -1):
        if data.endswith(START[:size]):
            return len(data) - size
    return len(data)


def deaf(proxy: Proxy, on: bool, *, only_new: bool = False) -> None:
    """From here on pushes are lost, or not any more: with ``only_new`` only on new connections."""
    proxy.filter_answers = Sieve if on else None
    for passage in proxy.passages:
        if not only_new:
            passage.filter = Sieve() if on else None
