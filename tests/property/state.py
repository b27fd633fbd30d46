"""The state of a pool as it is in Redis, and what holds for it at all times."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.contract.pool import Frame, Pool

Hash = dict[str, str]


@dataclass
class State:
    """Everything in a pool. ``owners`` are the ids of keys that only accounts may have."""

    accounts: dict[int, Hash] = field(default_factory=dict)
    inboxes: dict[int, list[Frame]] = field(default_factory=lambda: defaultdict(list))
    open: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    sessions: dict[int, Hash] = field(default_factory=dict)
    held: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    said: dict[str, int] = field(default_factory=dict)
    queue: list[int] = field(default_factory=list)
    away: set[int] = field(default_factory=set)
    nodes: set[str] = field(default_factory=set)
    counted: dict[str, int] = field(default_factory=dict)
    strange: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, pool: Pool) -> "State":
        state = cls()
        names = sorted(pool.names())
        reading = pool.client.pipeline(transaction=False)
        for name in names:
            getattr(reading, _COMMANDS.get(name.partition(":")[0], "type"))(
                pool.key(name), *_ARGUMENTS.get(name.partition(":")[0], ())
            )
        found = dict(zip(names, reading.execute(), strict=True))
        state.counted = {kind: int(n) for kind, n in _text(found.pop("open", {})).items()}
        for name, value in found.items():
            state._take(name, value)
        return state

    def _take(self, name: str, value: Any) -> None:
        kind, _, owner = name.partition(":")
        match kind:
            case "account":
                self.accounts[int(owner)] = _text(value)
            case "inbox":
                self.inboxes[int(owner)] = [json.loads(fields[b"push"]) for _, fields in value]
            case "sessions":
                self.open[int(owner)] = set(map(int, value))
            case "said":
                self.said[owner] = len(value)
            case "session":
                self.sessions[int(owner)] = _text(value)
            case "node":
                self.held[owner] = set(map(int, value))
            case "queue":
                self.queue = list(map(int, value))
            case "away" | "nodes":
                self._take_deadlines(name, value)
            case _ if kind != "last":
                self.strange.add(name)

    def _take_deadlines(self, name: str, members: list[bytes]) -> None:
        if name == "away":
            self.away = set(map(int, members))
        else:
            self.nodes = {node.decode() for node in members}

    def check(self) -> None:
        """What the head of the library says holds at all times."""
        assert not self.strange
        self._check_accounts()
        self._check_queue()
        self._check_sessions()
        for id_, inbox in self.inboxes.items():
            account = self.accounts[id_]
            acked, last = int(account["acked"]), int(account["seq"])
            hole = int(account.get("hole", acked))
            numbers = [frame["seq"] for frame in inbox]
            assert numbers == sorted(set(numbers))
            assert all(acked < number <= last for number in numbers)
            assert set(range(max(acked, hole) + 1, last + 1)) <= set(numbers), "nothing is missing"

    def _check_accounts(self) -> None:
        """Online on one node that has a lease, or away with a deadline; no key without an owner."""
        assert self.inboxes.keys() | self.open.keys() <= self.accounts.keys()
        assert self.held.keys() <= self.nodes
        holders = Counter(id_ for held in self.held.values() for id_ in held)
        assert all(count == 1 for count in holders.values())
        online = {id_ for id_, account in self.accounts.items() if account["state"] == "online"}
        assert set(holders) == online
        assert self.away == self.accounts.keys() - online
        assert self.counted.get("accounts", 0) == len(self.accounts)
        for id_, account in self.accounts.items():
            assert int(account["acked"]) <= int(account["seq"])
            assert (id_ in self.held[account["node"]]) if id_ in online else account["node"] == ""

    def _check_queue(self) -> None:
        """Those who wait, each once, and nobody who is away."""
        waiting = {id_: account.get("waiting") for id_, account in self.accounts.items()}
        assert sorted(self.queue) == sorted(id_ for id_ in waiting if waiting[id_] == "yes")
        assert not self.away & set(self.queue)
        queued = {id_ for id_, account in self.accounts.items() if "queued" in account}
        assert queued == set(self.queue)
        assert all(id_ in self.away for id_ in waiting if waiting[id_] == "again")

    def _check_sessions(self) -> None:
        """Open exactly while in the sets of both, who are two; of one that ended little is kept."""
        members: dict[int, set[int]] = defaultdict(set)
        for id_, sessions in self.open.items():
            for sid in sessions:
                members[sid].add(id_)
        for sid, session in self.sessions.items():
            both = {int(session["a"]), int(session["b"])}
            assert len(both) == 2
            assert members.pop(sid, set()) == (both if session["state"] == "open" else set())
        assert not members
        for owner, number in self.said.items():  # of sessions that are open alone, and bounded
            assert self.sessions[int(owner.partition(":")[0])]["state"] == "open"
            assert number < 128
        open_ = [session for session in self.sessions.values() if session["state"] == "open"]
        assert self.counted.get("sessions", 0) == len(open_)


_COMMANDS = {
    "last": "hgetall", "open": "hgetall", "account": "hgetall", "session": "hgetall", "inbox": "xrange",
    "sessions": "smembers", "node": "smembers", "queue": "lrange", "away": "zrange",
    "nodes": "zrange", "said": "lrange",
}  # fmt: skip
_ARGUMENTS = dict.fromkeys(("queue", "away", "nodes", "said"), (0, -1))


def _text(found: dict[bytes, bytes]) -> Hash:
    return {field.decode(): value.decode() for field, value in found.items()}
