"""Random interleavings of many accounts: the function library does what the model says.

After every call the result is the model's, what is in Redis is what the model has, and what the
library promises to hold at all times holds. ``HYPOTHESIS_PROFILE=long`` tries much longer.
"""

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chat.store.embedded import EmbeddedServer
from tests.contract.pool import ALL, GRACE, LEASE, Pool
from tests.property.comparison import ROOM, Comparison
from tests.support.cluster import cluster
from tests.support.sentinels import flock
from tests.support.servers import Server, available_servers

LIMIT = 3
NODES = ("n1", "n2", "n3")
TEXTS = ("hi", "", "👩‍👩‍👧", 'a":1}\n\u2028')

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"

people = st.integers(0, 5)
nodes = st.sampled_from(NODES)
numbers = st.integers(0, 9)
# Mostly the socket that holds the account; sometimes an older one, or one of a lost future.
sockets = st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, -1, 1])


class Interleaving(Comparison):
    """Every rule is one call of the library, and the same of the model."""

    # accounts

    @initialize(where=st.tuples(nodes, nodes, nodes, nodes), asking=st.integers(0, 4),
                words=st.lists(st.integers(0, 4), max_size=4))  # fmt: skip
    def begin(self, where: tuple[str, ...], asking: int, words: list[int]) -> None:
        """Not from nothing: some wait, some talk."""
        for node in where:
            self.create(node)
        for who in range(asking):
            self.match(who, 0, LIMIT)
        for who in words:
            self.say(who, 0, 0, "hi", 0)

    @precondition(lambda self: len(self.ids) < 6)
    @rule(node=nodes)
    def create(self, node: str) -> None:
        nick = f"nick {len(self.ids)}"
        args = (node, json.dumps(nick), "token", "address", 0, LEASE)
        _, id_, epoch = self.step("create", args, lambda: self.model.create(node, nick))
        self.ids.append(id_)
        self.epochs[id_] = epoch

    @rule(who=people, right=st.sampled_from([True] * 6 + [False]), node=nodes,
          seq=st.one_of(st.none(), st.integers(-3, 1)))  # fmt: skip
    def attach(self, who: int, right: bool, node: str, seq: int | None) -> None:
        id_ = self.one_of(self.model.away, who)
        if seq is not None:
            seq = max(0, self.last_push(id_) + seq)
        args = (id_, "token" if right else "wrong", node, "" if seq is None else seq, LEASE)
        result = self.step("attach", args, lambda: self.model.attach(id_, right, node, seq))
        if result[0] == 0:
            self.epochs[id_] = result[1]
            for sid in result[5]:
                self.meet(sid, id_, result[5][sid][0])

    @rule(who=people, of=sockets, back=st.integers(-1, 4), goodbye=st.integers(0, 4))
    def detach(self, who: int, of: int, back: int, goodbye: int) -> None:
        id_, epoch = self.socket(self.person(who), of)
        acked, bye = max(0, self.last_push(id_) - back), goodbye == 0
        args = (id_, epoch, acked, int(bye), GRACE, ROOM)
        self.step("detach", args, lambda: self.model.detach(id_, epoch, acked, bye))

    # matching

    @rule(who=people, of=sockets, limit=st.sampled_from([LIMIT, LIMIT, 1]))
    def match(self, who: int, of: int, limit: int) -> None:
        self.ask(*self.socket(self.person(who), of), limit)

    @rule(who=people, waiting=st.lists(people, min_size=1, max_size=3))
    def next_stranger(self, who: int, waiting: list[int]) -> None:
        """Somebody leaves, and asks while several wait, often the one who was left."""
        id_, epoch, sid = self.talk(who, 0, 0)
        self.step("leave", (id_, epoch, sid, ALL), lambda: self.model.leave(id_, epoch, sid))
        for other in waiting:
            self.wait(other)
        self.ask(id_, epoch, LIMIT)

    def ask(self, id_: int, epoch: int, limit: int) -> None:
        args = (id_, epoch, limit, ROOM)
        result = self.step("match", args, lambda: self.model.match(id_, epoch, limit))
        if result[0] == 0:
            self.meet(result[1], id_, result[2])

    @rule(who=people)
    def wait(self, who: int) -> None:
        """Puts somebody in the queue: by asking alone there is never more than one."""
        me = self.model.accounts.get(self.person(who))
        if me and me.node and not me.waiting:
            me.waiting = "yes"
            self.model.queue.append(me.id)
            waits = {"waiting": "yes", "queued": 1}
            self.pool.client.hset(self.pool.key("account", me.id), mapping=waits)
            self.pool.client.rpush(self.pool.key("queue"), me.id)

    def meet(self, sid: int, *both: int) -> None:
        for id_ in both:
            if sid not in self.theirs[id_]:
                self.theirs[id_].append(sid)

    @rule(who=people, of=sockets)
    def cancel(self, who: int, of: int) -> None:
        id_, epoch = self.socket(self.one_of(self.model.queue, who), of)
        self.step("cancel", (id_, epoch), lambda: self.model.cancel(id_, epoch))

    # talking

    @rule(who=people, of=sockets, which=numbers, text=st.sampled_from(TEXTS), often=numbers)
    def say(self, who: int, of: int, which: int, text: str, often: int) -> None:
        for _ in range(1 + often // 3):
            mine = self.said[self.talker(who)]
            request = f"{len(mine)}:a\n"  # others use the same
            mine.append(request)
            self.send(who, of, which, request, text, retry=False)

    @rule(who=people, of=sockets, which=numbers, back=st.integers(0, 3))
    def say_again(self, who: int, of: int, which: int, back: int) -> None:
        known = self.said[self.talker(who)][-1 - back :]
        self.send(who, of, which, known[0] if known else "unknown", "again", retry=True)

    def send(self, who: int, of: int, which: int, request: str, text: str, *, retry: bool) -> None:
        id_, epoch, sid = self.talk(who, of, which)
        args = (ROOM, id_, epoch, sid, ALL, request, int(retry), json.dumps(text))
        known = self.last_message(sid)
        result = self.step(
            "say", args, lambda: self.model.say(id_, epoch, sid, request, retry, text)
        )
        if result[0] == 0 and result[1] > known:
            self.accepted[self.model.sessions[sid].partner(id_)].append((sid, result[1]))

    @rule(who=people, of=sockets, which=numbers, back=st.integers(-1, 4))
    def viewed(self, who: int, of: int, which: int, back: int) -> None:
        id_, epoch, sid = self.talk(who, of, which)
        msg = max(1, self.last_message(sid) - back)
        args = (id_, epoch, sid, ALL, msg, ROOM)
        self.step("viewed", args, lambda: self.model.viewed(id_, epoch, sid, msg))

    @rule(who=people, of=sockets, which=numbers)
    def typing(self, who: int, of: int, which: int) -> None:
        id_, epoch, sid = self.talk(who, of, which)
        args = (id_, epoch, sid, ALL, "true")
        self.step("typing", args, lambda: self.model.typing(id_, epoch, sid))

    @rule(who=people, of=sockets, which=numbers)
    def leave(self, who: int, of: int, which: int) -> None:
        id_, epoch, sid = self.talk(who, of, which)
        self.step("leave", (id_, epoch, sid, ALL), lambda: self.model.leave(id_, epoch, sid))

    # delivery

    @rule(who=people, of=sockets, back=st.integers(-1, 4))
    def ack(self, who: int, of: int, back: int) -> None:
        id_, epoch = self.socket(self.talker(who), of)
        seq = max(0, self.last_push(id_) - back)
        self.step("ack", (id_, epoch, seq), lambda: self.model.ack(id_, epoch, seq))

    @rule(who=people, of=sockets, back=st.integers(0, 4))
    def inbox(self, who: int, of: int, back: int) -> None:
        id_, epoch = self.socket(self.talker(who), of)
        after = max(0, self.last_push(id_) - back)
        self.step("inbox", (id_, epoch, after), lambda: self.model.inbox(id_, epoch, after))

    # time passes

    @rule(node=nodes, ms=st.sampled_from([None, None, LEASE, 0]))
    def node_dies_or_leases(self, node: str, ms: int | None) -> None:
        if ms is not None:
            self.step("lease", (node, ms, 0), lambda: self.model.lease(node, ms))
        if ms != LEASE and node in self.model.nodes:  # where it left, the order of the dead is ours
            self.model.nodes[node] = self.in_the_past()
            self.pool.client.zadd(self.pool.key("nodes"), {node: self.past})

    @precondition(lambda self: self.model.away)
    @rule(who=people)
    def grace_time_ends(self, who: int) -> None:
        id_ = sorted(self.model.away)[who % len(self.model.away)]
        self.model.away[id_] = self.in_the_past()
        self.pool.client.zadd(self.pool.key("away"), {id_: self.past})

    @precondition(lambda self: self.past)
    @rule(often=st.integers(1, 4))
    def sweep(self, often: int) -> None:
        for _ in range(often):
            self.step("sweep", (1, GRACE, ROOM, ALL), lambda: self.model.sweep(self.taken()))


def explore(client: Any, examples: int) -> None:
    Pool(client)
    run_state_machine_as_test(
        lambda: Interleaving(client),  # type: ignore[arg-type]  # a factory does as well
        settings=settings(
            max_examples=examples * (20 if LONG else 1),
            stateful_step_count=100 if LONG else 30,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_interleavings_on_the_embedded_server() -> None:
    """As ``chat serve`` runs without a Redis."""
    with EmbeddedServer().client() as client:
        explore(client, 600)


@pytest.mark.slow
def test_interleavings_on_a_real_server() -> None:
    """The same on the first kind of real server that is here."""
    with Server(available_servers()[0]) as server, server.client() as client:
        explore(client, 400)


@pytest.mark.slow
def test_interleavings_with_sentinels() -> None:
    """On a primary that they watch, with a replica."""
    with flock(replicas=1) as birds, birds.primary.client() as client:
        explore(client, 200)


@pytest.mark.slow
def test_interleavings_in_a_cluster() -> None:
    """On the primary that has the pool."""
    with cluster() as whole, whole.primary_of(0).client() as client:
        explore(client, 200)
