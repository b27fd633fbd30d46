"""One step of an interleaving: the library and the model do the same, and all is compared."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.contract.pool import Pool
from tests.property.model import Model
from tests.property.records import Result
from tests.property.state import State

ROOM = 4
EPOCH_AT = {"create": 2, "attach": 1}


class Comparison(RuleBasedStateMachine):
    """A pool, its model, and who is meant by the small numbers that a rule draws."""

    def __init__(self, client: Any) -> None:
        super().__init__()
        client.flushall()
        self.pool = Pool(client, load=False)
        self.model = Model(ROOM)
        self.state = State()
        self.ids: list[int] = []
        self.epochs: dict[int, int] = {}
        self.theirs: dict[int, list[int]] = defaultdict(list)  # every session an account ever had
        self.said: dict[int, list[str]] = defaultdict(list)  # every requestId it ever used
        self.accepted: dict[int, list[tuple[int, int]]] = defaultdict(list)  # by who gets it
        self.past = 0

    # one step

    def step(self, function: str, args: tuple[Any, ...], expected: Callable[[], Result]) -> Result:
        """Calls the function, then the model, and compares all there is to compare."""
        result = readable(function, self.pool.call(function, *args))
        if result[0] == 0 and function in EPOCH_AT:
            self.model.epoch = result[EPOCH_AT[function]]
        self.state = State.read(self.pool)
        self.model.seen = [frame["sessionId"] for frame in self.new_pushes()]
        assert result == expected(), f"{function} {args}"
        self.state.check()
        self.compare()
        return result

    def compare(self) -> None:
        """What is in Redis is what the model has."""
        model, state = self.model, self.state
        assert state.accounts.keys() == model.accounts.keys()
        assert state.queue == model.queue
        assert state.away == model.away.keys()
        assert state.nodes == model.nodes.keys()
        for id_, account in model.accounts.items():
            found = state.accounts[id_]
            assert state.inboxes[id_] == account.inbox
            assert state.open[id_] == account.sessions
            assert int(found["epoch"]) == account.epoch
            assert found["node"] == (account.node or "")
            assert found.get("waiting") == account.waiting
            assert int(found["acked"]) == account.acked
        for sid, session in model.sessions.items():
            assert int(state.sessions[sid]["last"]) == len(session.requests)
            assert (state.sessions[sid]["state"] == "ended") == (session.left is not None)

    @invariant()
    def messages_wait_for_their_receiver(self) -> None:
        """Whatever was accepted is in the inbox, once and in order, but for what has arrived."""
        for id_, inbox in self.state.inboxes.items():
            waiting = [(f["sessionId"], f["msgId"]) for f in inbox if "content" in f]
            accepted = self.accepted[id_]
            assert waiting == accepted[len(accepted) - len(waiting) :]

    def new_pushes(self) -> list[dict[str, Any]]:
        """The pushes that the model does not know yet."""
        known = {id_: account.seq for id_, account in self.model.accounts.items()}
        inboxes = self.state.inboxes.items()
        return [frame for id_, inbox in inboxes for frame in inbox if frame["seq"] > known[id_]]

    def taken(self) -> int | None:
        """Whom the sweep has just made away."""
        swept = [id_ for id_ in self.state.away if id_ not in self.model.away]
        return swept[0] if swept else None

    def in_the_past(self) -> int:
        self.past += 1
        return self.past

    # who and what is meant

    def person(self, who: int) -> int:
        return self.ids[who % len(self.ids)]

    def one_of(self, preferred: Collection[int], who: int) -> int:
        """One of those, where there are any; the last number is anybody."""
        return (
            sorted(preferred)[who % len(preferred)] if preferred and who < 5 else self.person(who)
        )

    def talker(self, who: int) -> int:
        """Mostly somebody who has or had a session."""
        return self.one_of(self.theirs.keys(), who)

    def socket(self, id_: int, of: int) -> tuple[int, int]:
        return id_, self.epochs[id_] + of

    def talk(self, who: int, of: int, which: int) -> tuple[int, int, int]:
        """A socket of somebody who talks, and a session: mostly the newest of their own, also one
        that ended; sometimes one of somebody else."""
        id_ = self.talker(who)
        mine = [1000] if which == 9 else self.theirs.get(id_, [1000])
        return id_, self.epochs[id_] + of, mine[-1 - (which // 4) % len(mine)]

    def last_message(self, sid: int) -> int:
        return len(self.model.sessions[sid].requests) if sid in self.model.sessions else 0

    def last_push(self, id_: int) -> int:
        return self.model.accounts[id_].seq if id_ in self.model.accounts else 0


def readable(function: str, result: Result) -> Result:
    """A result of the server in the model's form."""
    if result[0] == 0 and function == "match":
        return [*result[:3], json.loads(result[3])]  # without how long the partner has waited
    if function == "say":
        _, code, msg = result  # of one message
        return [code, msg] if code == 0 else [code]
    if function == "lease":
        return result[:2]  # its end is a time
    if result[0] == 0 and function == "inbox":
        return [*result[:2], [json.loads(push) for push in result[2]]]
    if result[0] == 0 and function == "attach":
        code, epoch, nick, recovered, waiting, flat, acked, last, pushes, _ = result
        triples = zip(flat[::3], flat[1::3], flat[2::3], strict=True)
        sessions = {sid: (partner, json.loads(name)) for sid, partner, name in triples}
        frames = [json.loads(push) for push in pushes]
        return [code, epoch, json.loads(nick), recovered, waiting, sessions, acked, last, frames]
    return result
