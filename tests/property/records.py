"""What the model keeps of an account and of a session."""

from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]
Result = list[Any]


@dataclass
class Account:
    id: int
    nick: str
    node: str | None  # None: away
    epoch: int
    waiting: str | None = None
    seq: int = 0
    acked: int = 0
    hole: int | None = None  # up to here something may be missing
    inbox: list[Frame] = field(default_factory=list)
    sessions: set[int] = field(default_factory=set)
    newest: int | None = None
    partner: int | None = None

    def push(self, cmd: str, **fields: Any) -> None:
        self.seq += 1
        self.inbox.append({"cmd": cmd, **fields, "seq": self.seq})

    def acknowledge(self, upto: int) -> None:
        if self.acked < upto <= self.seq:
            self.acked = upto
            self.inbox = [frame for frame in self.inbox if frame["seq"] > upto]


@dataclass
class Session:
    id: int
    a: int
    b: int
    opened: dict[int, int]  # the seq of an account's NewSession
    left: int | None = None  # who left, once it has ended
    requests: list[tuple[int, str, int]] = field(default_factory=list)  # sender, requestId, seq
    viewed: dict[int, int] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)  # whose absence the partner heard of

    def partner(self, account: int) -> int:
        return self.b if account == self.a else self.a
