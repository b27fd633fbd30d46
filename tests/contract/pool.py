"""One pool as a test sees it: functions called by name, keys looked at, channels listened to.

``Pool`` calls the library as a node does; ``Person`` is an account with what its socket knows.
Results come back as the server sends them: integers, bytes and lists.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from chat.store.library import MARK, library

Frame = dict[str, Any]
Result = list[Any]

OK, NO_DATA, NOT_ALLOWED, RATE_LIMITED, CLOSED = [0], [4], [5], [6], [7]
REPLACED, LOST, OLDER = [-1], [-2], [-3]

GRACE = 3_600_000  # ms: nobody's time is over by itself
LEASE = 3_600_000
ROOM = 1000
SESSIONS = 8
ALL = 2**53 - 1

NODE, OTHER_NODE = "node-1", "node-2"


class Pool:
    """A pool of an empty server, pool 0 if nothing is said, which loads the library unless it has it.
    ``where`` knows the client of any other pool, where they are on several servers."""

    def __init__(
        self, client: Any, *, load: bool = True, number: int = 0,
        where: Callable[[int], Any] | None = None,
    ) -> None:  # fmt: skip
        self.client = client
        self.number = number
        self._where = where
        self.name = f"chat:{{{number}}}"
        self._all = [self.name]
        if load:
            self.client.execute_command(*library())

    def call(self, function: str, *args: object) -> Result:
        command = ("FCALL", f"chat_1_{function}", 1, self.name, *args)
        result: Result = self.client.execute_command(*command)
        return result

    def other(self, number: int) -> "Pool":
        """Another one of the same set of servers."""
        client = self.client if self._where is None else self._where(number)
        pool = Pool(client, load=client is not self.client, number=number, where=self._where)
        self._all.append(pool.name)
        pool._all = self._all
        return pool

    # people

    def person(self, name: str = "Alice", node: str = NODE, nick: bytes | None = None) -> "Person":
        """Makes an account, whose channel is listened to from here on."""
        nick = json.dumps(name, ensure_ascii=False).encode() if nick is None else nick
        token = f"token of {name}"
        code, number, epoch = self.call("create", node, nick, token, "address", 0, LEASE)
        assert code == 0
        return Person(self, number, token, node, nick, epoch)

    def people(self, *names: str) -> "list[Person]":
        return [self.person(name) for name in names]

    def pair(self, waiting: "Person", asking: "Person") -> int:
        """Lets two meet; ``asking`` is the one who gets an answer. Returns their session."""
        assert waiting.match() == NO_DATA
        code, session, partner, *_ = asking.match()
        assert (code, partner) == (0, waiting.id)
        number: int = session
        return number

    # the life of nodes

    def lease(self, node: str, ms: int, last: int = 0) -> Result:
        """Its code, whether it was known, and its end."""
        return self.call("lease", node, ms, last)[:3]

    def begin(self, run: str, seen: int = 0, before: str = "") -> int:
        """A node has connected to this process of a server, to which ``before`` may have handed the pool over;
        the generation that it is in."""
        code, generation = self.call("begin", run, seen, before)
        assert code == 0
        number: int = generation
        return number

    def held(self, node: str) -> dict[int, int]:
        """The accounts said to be on a node, with their epochs."""
        found: dict[int, int] = {}
        cursor = 0
        while True:
            code, cursor, flat = self.call("held", node, cursor)
            assert code == 0
            found.update(zip(flat[::2], flat[1::2], strict=True))
            if cursor == 0:
                return found

    def sweep(
        self, batch: int = 100, grace: int = GRACE, room: int = ROOM, by: int = ALL
    ) -> Result:
        return self.call("sweep", batch, grace, room, by)

    def kill(self, node: str) -> None:
        """The node's lease ran out long ago; nobody has swept yet."""
        assert self.client.zadd(f"{self.name}:nodes", {node: 1}, xx=True, ch=True) == 1

    def run_out(self, person: "Person") -> None:
        """The grace time of someone who is away is over; nobody has swept yet."""
        assert self.client.zadd(f"{self.name}:away", {person.id: 1}, xx=True, ch=True) == 1

    # what can be seen

    def key(self, *parts: object) -> str:
        return ":".join([self.name, *map(str, parts)])

    def names(self) -> set[str]:
        """All keys, without the pool's name."""
        found: Iterable[bytes] = self.client.keys("*")
        names = {key.decode() for key in found}
        assert all(name.startswith(tuple(f"{pool}:" for pool in self._all)) for name in names), (
            names
        )
        own = f"{self.name}:"
        return {name.removeprefix(own) for name in names if name.startswith(own)}

    def hash(self, *parts: object) -> dict[str, bytes]:
        found: dict[bytes, bytes] = self.client.hgetall(self.key(*parts))
        return {field.decode(): value for field, value in found.items()}

    def set(self, *parts: object) -> set[int]:
        return {int(member) for member in self.client.smembers(self.key(*parts))}

    def scores(self, name: str) -> dict[str, int]:
        found: Iterable[tuple[bytes, float]] = self.client.zrange(
            self.key(name), 0, -1, withscores=True
        )
        return {member.decode(): int(score) for member, score in found}

    def figures(self) -> dict[str, int]:
        """What there is in the pool."""
        code, *found = self.call("overview")
        assert code == 0
        return {
            name.decode(): n
            for name, n in zip(found[::2], found[1::2], strict=True)
            if name != b"nodes"
        }

    def queue(self) -> list[int]:
        return [int(member) for member in self.client.lrange(self.key("queue"), 0, -1)]

    def now(self) -> int:
        """The server's clock in ms."""
        seconds, micros = self.client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def dump(self) -> dict[str, Any]:
        """Everything there is: two dumps are equal when nothing has changed."""
        read = {
            b"hash": lambda key: sorted(self.client.hgetall(key).items()),
            b"set": lambda key: sorted(self.client.smembers(key)),
            b"list": lambda key: self.client.lrange(key, 0, -1),
            b"zset": lambda key: self.client.zrange(key, 0, -1, withscores=True),
            b"stream": self.client.xrange,
            b"string": self.client.get,
        }
        return {key: read[self.client.type(self.key(key))](self.key(key)) for key in self.names()}


@dataclass(eq=False)
class Person:
    """One account and its newest socket. Limits are generous unless a test sets them."""

    pool: Pool
    id: int
    token: str
    node: str
    nick: bytes
    epoch: int

    def __post_init__(self) -> None:
        self._channel = self.pool.key("push", self.id)
        self._listener = self.pool.client.pubsub(ignore_subscribe_messages=True)
        self._listener.ssubscribe(self._channel)
        self.times: list[int] = []
        self.marks: list[bytes] = []
        """Of all that was heard."""
        """When pushes were published, as the channel said: they are not among what was heard."""
        self.heard()

    # commands

    def attach(
        self, node: str = NODE, seq: object = "", token: str | None = None, *, here: bool = False
    ) -> Result:
        """A new socket; after a success the person's commands come from that one. ``here``: whether it is known
        that the account is in this pool. Without how long a partner has waited."""
        token = self.token if token is None else token
        result = self.pool.call("attach", self.id, token, node, seq, LEASE, int(here))
        if result[0] == 0:
            self.epoch, self.node = result[1], node
        return result[:9]

    def detach(self, acked: int = 0, *, goodbye: bool = False, room: int = ROOM) -> Result:
        return self._call("detach", acked, int(goodbye), GRACE, room)

    def match(self, sessions: int = SESSIONS, room: int = ROOM) -> Result:
        """Without how long the partner has waited."""
        return self._call("match", sessions, room)[:4]

    def cancel(self) -> Result:
        return self._call("cancel")

    # What a command may show to have arrived: all that was pushed, as for a client without numbers.

    def say(
        self, session: int, text: str | bytes = "hi", request: str | bytes = "r",
        *, retry: bool = False, room: int = ROOM, written: int = ALL,
    ) -> Result:  # fmt: skip
        content = text if isinstance(text, bytes) else json.dumps(text, ensure_ascii=False).encode()
        message = (self.id, self.epoch, session, written, request, int(retry), content)
        done, code, msg = self.pool.call("say", room, *message)
        assert done == 0
        return [code, msg] if code == 0 else [code]

    def viewed(self, session: int, msg: int, room: int = ROOM, *, written: int = ALL) -> Result:
        return self._call("viewed", session, written, msg, room)

    def typing(self, session: int, flag: str = "true", *, written: int = ALL) -> Result:
        return self._call("typing", session, written, flag)

    def leave(self, session: int, *, written: int = ALL) -> Result:
        return self._call("leave", session, written)

    def resume(self, seq: int) -> int:
        """What is answered for this socket alone."""
        code, (result,), _ = self.pool.call("resume", self.id, self.epoch, seq)
        assert code == 0
        number: int = result
        return number

    def ack(self, seq: int) -> Result:
        return self.pool.call("ack", self.id, self.epoch, seq)

    def inbox(self, after: int) -> Result:
        """The number of the last push, and some of those behind ``after``."""
        return self._call("inbox", after)

    def _call(self, function: str, *args: object) -> Result:
        return self.pool.call(function, self.id, self.epoch, *args)

    # what can be seen

    @property
    def account(self) -> dict[str, bytes]:
        return self.pool.hash("account", self.id)

    @property
    def sessions(self) -> set[int]:
        return self.pool.set("sessions", self.id)

    @property
    def recorded(self) -> list[bytes]:
        """The pushes in the inbox, as they will be sent; their entry ids are their numbers."""
        pushes = []
        for entry, fields in self.pool.client.xrange(self.pool.key("inbox", self.id)):
            push: bytes = fields[b"push"]
            assert list(fields) == [b"push"]
            assert entry == b"%d-0" % json.loads(push)["seq"]
            pushes.append(push)
        return pushes

    @property
    def frames(self) -> list[Frame]:
        return [json.loads(push) for push in self.recorded]

    @property
    def seqs(self) -> list[int]:
        return [frame["seq"] for frame in self.frames]

    def heard(self) -> list[bytes]:
        """What was published on the account's channel since this was asked before.

        A mark of our own is published behind it, so nothing has to be waited for.
        """
        self.pool.client.execute_command("SPUBLISH", self._channel, "mark")
        heard: list[bytes] = []
        while True:
            message = self._listener.get_message(timeout=5)
            if message is not None and message["type"] == "smessage":
                if message["data"] == b"mark":
                    return heard
                said = message["data"][MARK:]
                self.marks.append(message["data"][:MARK])
                if said.startswith(b"at "):
                    self.times.append(int(said[3:]))
                else:
                    heard.append(said)

    def signals(self) -> list[tuple[str, Any]]:
        """Kind and data of the signals published since ``heard`` was asked before."""
        frames = [json.loads(push) for push in self.heard() if push.startswith(b"{")]
        return [(f["signalType"], f["data"]) for f in frames if f["cmd"] == "PUSH_SIGNAL_REQ"]

    def heard_about(self, other: "Person", *kinds: str) -> bool:
        """Whether these signals about somebody are all that came since this was asked before."""
        return self.signals() == [(kind, {"accountId": other.id}) for kind in kinds]
