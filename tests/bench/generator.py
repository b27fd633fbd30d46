"""What a message costs the load generator itself, without sockets: its own code, and nothing of the kernel.

``python -m tests.bench.generator`` prints microseconds of CPU for a message: saying it, its confirmation, its
arrival at the partner, and that one's share of an acknowledgement. What a whole process needs, with sockets
and the event loop, ``chat load`` says itself at its end.
"""

import statistics
import time
from typing import Any, cast

from chat.load.crowd import Crowd
from chat.load.frames import TEXT
from chat.load.host import State
from chat.load.person import Person

ROUNDS, MESSAGES = 15, 20_000
SESSION = 7000


class Nowhere:
    """A transport that takes everything."""

    @property
    def underlying_transport(self) -> "Nowhere":
        return self

    def is_closing(self) -> bool:
        return False

    def send(self, kind: object, frame: bytes) -> None:
        pass


def two(crowd: Crowd) -> tuple[Person, Person]:
    """People in a session."""
    people = Person(crowd, 0), Person(crowd, 1)
    for account, person in zip((1000, 2000), people, strict=True):
        person.on_ws_connected(cast(Any, Nowhere()))
        created = b'{"cmd":"CRT_ACCOUNT_RESP","code":0,"nickName":"N","accountId":%d,"token":"t"}'
        person.received(created % account)
        assert person.state is State.HERE
    people[0].received(
        b'{"cmd":"MATCH_RESP","code":0,"partnerId":2000,"partnerName":"N","sessionId":%d}' % SESSION
    )
    people[1].received(
        b'{"cmd":"PUSH_SIGNAL_REQ","senderId":1000,"sessionId":%d,"receiverId":2000,'
        b'"signalType":"NewSession","data":{"accountId":1000,"nickName":"N"},"seq":1}' % SESSION
    )
    return people


def cost(crowd: Crowd, ada: Person, bob: Person, first: int) -> float:
    """Microseconds of CPU a message; ``first`` is the number of the first one."""
    numbers = range(first, first + MESSAGES)
    answers = [
        b'{"cmd":"DIALOGUE_RESP","code":0,"requestId":"%d","msgId":%d}' % (n, n) for n in numbers
    ]
    head = b'{"cmd":"PUSH_DIALOGUE_REQ","msgId":%d,"senderId":1000,"sessionId":%d,"content":"%d %b","seq":%d}'
    pushes = [head % (n, SESSION, n, TEXT.encode(), n + 1) for n in numbers]
    began = time.process_time()
    for answer, push in zip(answers, pushes, strict=True):
        ada.say(crowd.clock())
        ada.received(answer)
        bob.received(push)
    return (time.process_time() - began) / MESSAGES * 1e6


def main() -> None:
    crowd = Crowd(["ws://nowhere/ws"])
    ada, bob = two(crowd)
    costs = [cost(crowd, ada, bob, 1 + turn * MESSAGES) for turn in range(ROUNDS)]
    assert (crowd.book.wrong, crowd.tally.arrived) == (0, ROUNDS * MESSAGES)
    print(
        f"{statistics.median(costs):.1f} µs a message (from {min(costs):.1f} to {max(costs):.1f})"
    )


if __name__ == "__main__":
    main()
