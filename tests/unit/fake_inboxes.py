"""What the hub asks of the shared state, answered by the test; and pushes as they are published."""

from collections.abc import Callable, Sequence
from typing import Any

from chat.errors import Code

Done = Callable[[int, Sequence[Any]], None]
Resumed = Callable[[int, Sequence[tuple[int, int, int]]], None]


def push(seq: int) -> bytes:
    return b'{"cmd":"PUSH_DIALOGUE_REQ","content":"%d","seq":%d}' % (seq, seq)


def typing() -> bytes:
    return b'{"cmd":"PUSH_SIGNAL_REQ","data":{"accountId":1,"typing":true}}'


class FakeInboxes:
    """What the hub asks of the shared state; the test answers reads when it likes."""

    def __init__(self) -> None:
        self.subscribed: list[tuple[int, int]] = []
        self.reads: list[tuple[int, int, int, int, Done]] = []
        self.asked: list[tuple[list[tuple[int, int, int, int]], Resumed]] = []

    def subscribe(self, pool: int, account: int) -> None:
        assert (pool, account) not in self.subscribed
        self.subscribed.append((pool, account))

    def unsubscribe(self, pool: int, account: int) -> None:
        self.subscribed.remove((pool, account))

    def resume(self, sockets: Sequence[tuple[int, int, int, int]], done: Resumed) -> None:
        self.asked.append((list(sockets), done))

    def age(self, pool: int, server_us: int) -> float:
        return server_us / 1e6

    def say_last(self, *last: int, code: int = Code.SUCCESS) -> None:
        """Answers what was asked first after an interruption, for each socket."""
        sockets, done = self.asked.pop(0)
        last = last or (0,) * len(sockets)
        done(code, [(a, e, n) for (_, a, e, _), n in zip(sockets, last, strict=True)])

    def inbox(self, pool: int, account: int, epoch: int, after: int, done: Done) -> None:
        self.reads.append((pool, account, epoch, after, done))

    def answer(self, *seqs: int, last: int | None = None, code: int = Code.SUCCESS) -> None:
        """Answers the oldest read; ``last`` is the account's last number, if it is not among them."""
        *_, after, done = self.reads.pop(0)
        last = max((after, *seqs)) if last is None else last
        done(code, (last, [push(seq) for seq in seqs]) if code == Code.SUCCESS else ())
