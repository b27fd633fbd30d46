"""What a command costs: one call of one function; a ping costs none."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from chat.connection import Connection, Limits
from chat.counts import Counts
from chat.errors import Close
from chat.handlers import Handlers
from chat.hub import Hub
from chat.liveness import Liveness, Patience
from chat.store.calls import Command, Done, parts_of
from chat.store.embedded import EmbeddedLink, EmbeddedServer
from chat.store.keys import account_of
from chat.store.library import MARK, Generations, library
from chat.store.sayings import speaker
from chat.store.store import Store


class CountingLink:
    """A link that writes down what it is asked to send."""

    def __init__(self, link: EmbeddedLink) -> None:
        self._link = link
        self.calls: list[str] = []
        self.subscribe = link.subscribe
        self.unsubscribe = link.unsubscribe
        self.after_open_calls = link.after_open_calls
        self.open_calls = link.open_calls
        self.start = link.start
        self.close = link.close
        self.flush = link.flush

    def of(self, pool: int) -> "CountingLink":
        return self

    def serve(self, pool: int) -> None:
        self._link.serve(pool)

    @property
    def pressed(self) -> bool:
        return self._link.pressed

    def call(self, command: Command, done: Done, weight: int = 1) -> None:
        parts = parts_of(command)
        function = parts[1] if isinstance(parts[1], str) else bytes(parts[1]).decode()
        self.calls.append(function.removeprefix("chat_1_"))
        self._link.call(command, done, weight)

    record = call

    def counted(self) -> list[str]:
        """The functions called since this was asked before."""
        calls, self.calls = self.calls, []
        return calls


class Socket:
    """The way out of a connection: frames are kept."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.closed: int | None = None

    def send(self, frame: bytes) -> None:
        self.frames.append(json.loads(frame))

    def waiting(self) -> int:
        return 0

    def read(self, on: bool) -> None:
        pass

    def close(self, code: int) -> None:
        self.closed = code


class CountedNode:
    """Handlers, hub and store of one node, without sockets, on an embedded server."""

    def __init__(self) -> None:
        clock = asyncio.get_running_loop().time
        server = EmbeddedServer()
        link = EmbeddedLink(server, [library()], self._pushed)
        self.link = CountingLink(link)
        self.store = Store(
            self.link, Generations(), "node", self._said, pools=1, pool_accounts=100, grace=30, lease=30, inbox_length=100, sessions_per_account=8,
            accounts_per_minute=30, timeout=2, clock=clock,
        )  # fmt: skip
        liveness = Liveness(Patience(15, 25, 60), clock, lambda _: None)
        self.hub = Hub(self.store, lambda *_: True, liveness.pushed, Counts())
        self.handlers = Handlers(
            self.store, self.hub, liveness, lambda _: None,
            lambda: None, lambda _: None, Counts(), clock=clock, new_token=lambda: "token", new_nick=lambda: "Somebody",
        )  # fmt: skip

    def _pushed(self, channel: bytes, payload: bytes) -> None:
        self.hub.push(account_of(channel), payload[MARK:], payload[:MARK])

    def _said(self, asked: Sequence[Any], codes: Sequence[int], msgs: Sequence[int]) -> None:
        self.handlers.said(asked, codes, msgs)

    async def client(self, nick: str) -> "Client":
        client = Client(self)
        await client.sends("create", cmd="CRT_ACCOUNT_REQ", nickName=nick)
        client.id = client.socket.frames[-1]["accountId"]
        return client


class Client:
    """One socket at the node's handlers."""

    def __init__(self, node: CountedNode) -> None:
        self.node = node
        self.id = 0
        self.socket = Socket()
        limits = Limits(commands_per_second=0, burst=1)
        self.connection = Connection(self.socket, "address", limits, 0, lambda *_: None)

    async def sends(self, *functions: str, **frame: Any) -> dict[str, Any]:
        """Sends a frame, which must cost calls of these functions; returns the last frame out."""
        self.node.link.counted()
        self.node.handlers.received(self.connection, json.dumps(frame).encode())
        await self.node.store.settled()
        assert self.node.link.counted() == list(functions), frame
        return self.socket.frames[-1]


def test_every_command_costs_one_round_trip() -> None:
    """One call of its function, whether it is done or refused by the shared state."""

    async def scenario() -> None:
        node = CountedNode()
        await node.store.start()
        alice, bob = await node.client("Alice"), await node.client("Bob")
        match = {"cmd": "MATCH_REQ", "accountId": alice.id}
        assert (await alice.sends("match", **match))["code"] == 4
        await alice.sends("cancel", cmd="MATCH_CANCEL_REQ", accountId=alice.id)
        await alice.sends("match", **match)
        met = await bob.sends("match", cmd="MATCH_REQ", accountId=bob.id)
        assert met["code"] == 0
        session = {"accountId": bob.id, "sessionId": met["sessionId"]}
        say = {"cmd": "DIALOGUE_REQ", "requestId": "r", "content": "hi", "sessionId": 1000}
        assert (await bob.sends("say", **say, senderId=bob.id))["msgId"] == 1
        assert (await bob.sends("say", **say, senderId=bob.id, retry=True))["msgId"] == 1
        read = {"cmd": "VIEWED_ACK_REQ", "accountId": alice.id, "sessionId": 1000}
        assert (await alice.sends("viewed", **read, msgId=1))["code"] == 0
        assert (await alice.sends("viewed", **read, msgId=2))["code"] == 4
        before = len(bob.socket.frames)
        await bob.sends("typing", cmd="TYPING_REQ", **session, typing=True)
        assert len(bob.socket.frames) == before
        assert (await bob.sends("leave", cmd="LEAVE_REQ", **session))["code"] == 0
        assert (await bob.sends("leave", cmd="LEAVE_REQ", **session))["code"] == 7
        newer = Client(node)
        back = {"cmd": "RECONNECT_REQ", "accountId": bob.id}
        assert (await newer.sends("attach", **back, token="wrong"))["code"] == 4
        await newer.sends("attach", **back, token="token")
        answers = [frame["cmd"] for frame in newer.socket.frames]
        assert answers == ["RECONNECT_RESP", "RECONNECT_RESP", "PUSH_VIEWED_ACK_REQ"]
        assert [alice.socket.closed, bob.socket.closed] == [None, Close.REPLACED]
        kinds = [frame["cmd"] for frame in alice.socket.frames]
        assert kinds.count("PUSH_DIALOGUE_REQ") == 1
        assert kinds.count("PUSH_SIGNAL_REQ") == 3, "NewSession, Typing, PartnerExit"
        await node.store.close()

    asyncio.run(scenario())


def test_what_needs_no_shared_state_costs_nothing() -> None:
    """Pings both ways, answers to pushes, and all that the node refuses by itself."""

    async def scenario() -> None:
        node = CountedNode()
        await node.store.start()
        alice = await node.client("Alice")
        pong = await alice.sends(cmd="PING_REQ", accountId=alice.id)
        assert pong == {"cmd": "PING_RESP", "accountId": alice.id}
        await alice.sends(cmd="PING_REQ", accountId=999_000)
        await alice.sends(cmd="PING_RESP", accountId=alice.id)
        await alice.sends(cmd="PUSH_DIALOGUE_RESP", seq=1)
        await alice.sends(cmd="NOTHING")
        await alice.sends(cmd="MATCH_REQ", accountId=999_000)
        await alice.sends(cmd="MATCH_REQ")
        await alice.sends(cmd="CRT_ACCOUNT_REQ")
        await alice.sends(cmd="RECONNECT_REQ", accountId=alice.id, token="token")
        await Client(node).sends(cmd="MATCH_REQ", accountId=alice.id)
        await node.store.close()

    asyncio.run(scenario())


def test_every_method_of_the_store_is_one_call() -> None:
    """Of the function of its name; a subscription is none."""

    async def scenario() -> None:
        node = CountedNode()
        store, link = node.store, node.link
        await store.start()

        def done(code: int, values: Sequence[Any]) -> None:
            assert isinstance(code, int)

        methods: dict[str, Callable[[], None]] = {
            "create": lambda: store.create(b'"x"', "token", "address", done),
            "attach": lambda: store.attach(0, 1000, "token", None, False, done),
            "match": lambda: store.match(0, 1000, 2, done),
            "cancel": lambda: store.cancel(0, 1000, 2, done),
            "say": lambda: store.say(speaker(1000, 2), 0, 1000, 0, b'"r"', False, b'"x"', None),
            "viewed": lambda: store.viewed(0, 1000, 2, 1000, 0, 1, done),
            "typing": lambda: store.typing(0, 1000, 2, 1000, 0, True, done),
            "leave": lambda: store.leave(0, 1000, 2, 1000, 0, done),
            "ack": lambda: store.ack([(0, 1000, 2, 1), (0, 2000, 1, 1)], done),
            "resume": lambda: store.resume([(0, 1000, 2, 0), (0, 2000, 1, 0)], done),
            "inbox": lambda: store.inbox(0, 1000, 2, 0, done),
            "detach": lambda: store.detach(0, 1000, 2, 0, True, done),
        }
        for name, method in methods.items():
            method()
            await store.settled()
            assert link.counted() == [name]
        await store.upkeep.lease(0, {})
        await store.upkeep.held(0)
        await store.upkeep.sweep(0, 10)
        await store.upkeep.release(0)
        assert link.counted() == ["lease", "held", "sweep", "lease"]
        store.subscribe(0, 1000)
        store.in_turn(0, lambda: None)
        store.unsubscribe(0, 1000)
        assert link.counted() == []
        await store.close()

    asyncio.run(scenario())
