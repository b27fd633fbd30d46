"""A clock that the test sets, with its one timer, and a transport that keeps what was written."""

import asyncio
from collections.abc import Callable
from typing import Any


class FakeTransport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.aborted = True

    def get_extra_info(self, name: str) -> None: ...


class FakeLoop:
    """A clock that the test sets, and the one timer there is."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due = 0.0
        self.check: Callable[[], None]

    def time(self) -> float:
        return self.now

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.get_running_loop().create_future()

    def call_soon(self, step: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(step)

    def call_at(self, due: float, check: Callable[[], None]) -> asyncio.TimerHandle:
        self.due, self.check = due, check
        return asyncio.get_running_loop().call_later(3600, check)

    def until_due(self, late: float = 0.0) -> None:
        self.now = self.due + late
        self.check()
