"""``sayings``: the messages of one turn of the event loop, in one call for each of their pools."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from chat.errors import Code
from chat.store.calls import parts_of
from chat.store.sayings import AT_ONCE, Sayings, speaker

ROOM = 300
Said = tuple[list[Any], list[int], list[int]]


class Asked:
    """What was called, flushed and told, in order; calls are answered when the test says so."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, int]] = []
        self.pools: list[int] = []
        self.answers: list[Callable[[int, Sequence[int]], None]] = []
        self.flushes = 0
        self.said: list[Said] = []
        self.sayings = Sayings(self._call, self._flush, "chat_1_say", ROOM, self._told)

    def _call(
        self, pool: int, command: bytes, done: Callable[[int, Sequence[int]], None], weight: int
    ) -> None:
        self.pools.append(pool)
        self.calls.append((command, weight))
        self.answers.append(done)

    def _flush(self) -> None:
        self.flushes += 1

    def _told(self, contexts: Sequence[Any], codes: Sequence[int], msgs: Sequence[int]) -> None:
        self.said.append((list(contexts), list(codes), list(msgs)))

    def add(
        self, context: object, *, account: int = 1000, pool: int = 0, written: int = 0,
        retry: bool = False, request_id: bytes = b'"r"', content: bytes = b'"hi"', session: int = 2000,
    ) -> None:  # fmt: skip
        who = speaker(account, 77)
        self.sayings.add(who, pool, session, written, request_id, retry, content, context)

    def parts(self, call: int) -> list[bytes]:
        return list(parts_of(self.calls[call][0]))  # type: ignore[arg-type]  # all of them are bytes

    def contents(self) -> list[list[bytes]]:
        """What was said with each call."""
        return [self.parts(call)[11::7] for call in range(len(self.calls))]


async def turn() -> None:
    """The next turn of the event loop begins."""
    await asyncio.sleep(0)


def run(scenario: Callable[[Asked], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await scenario(Asked())

    asyncio.run(main())


def test_what_a_message_is_asked_as() -> None:
    """FCALL with the pool as its only key, the room, and seven arguments: whatever is in them."""

    async def scenario(asked: Asked) -> None:
        content = '"\\r\\n$5 日本 😀"'.encode()
        asked.add(1, written=12, retry=True, request_id='"ü:1"'.encode(), content=content)
        await turn()
        assert asked.parts(0) == [
            b"FCALL", b"chat_1_say", b"1", b"chat:{0}", b"300",
            b"1000", b"77", b"2000", b"12", '"ü:1"'.encode(), b"1", content,
        ]  # fmt: skip

    run(scenario)


def test_what_is_not_said_is_zero() -> None:
    """No push that may be acknowledged, and no retry."""

    async def scenario(asked: Asked) -> None:
        asked.add(1)
        await turn()
        assert asked.parts(0)[8:11] == [b"0", b'"r"', b"0"]

    run(scenario)


def test_the_messages_of_a_turn_are_one_call() -> None:
    """In their order, it counts as so many, and it leaves at the end of the turn, at once."""

    async def scenario(asked: Asked) -> None:
        for number in range(5):
            asked.add(number, content=b"%d" % number)
        assert asked.calls == []
        await turn()
        assert asked.contents() == [[b"0", b"1", b"2", b"3", b"4"]]
        assert (asked.calls[0][1], asked.flushes) == (5, 1)
        asked.add(5, content=b"5")
        await turn()
        assert asked.contents()[1:] == [[b"5"]]
        assert asked.flushes == 2

    run(scenario)


def test_each_pool_has_its_own_call() -> None:
    """With its key, and its own messages, in their order."""

    async def scenario(asked: Asked) -> None:
        for number in range(6):
            asked.add(number, pool=number % 2 * 7, content=b"%d" % number)
        await turn()
        pools = [asked.parts(call)[3] for call in range(2)]
        assert pools == [b"chat:{%d}" % pool for pool in asked.pools]
        assert dict(zip(pools, asked.contents(), strict=True)) == {
            b"chat:{0}": [b"0", b"2", b"4"],
            b"chat:{7}": [b"1", b"3", b"5"],
        }
        assert [weight for _, weight in asked.calls] == [3, 3]
        assert asked.flushes == 1
        for pool, msgs in (b"chat:{7}", (1, 2, 3)), (b"chat:{0}", (4, 5, 6)):
            asked.answers[pools.index(pool)](0, [part for msg in msgs for part in (0, msg)])
        assert asked.said == [([1, 3, 5], [0, 0, 0], [1, 2, 3]), ([0, 2, 4], [0, 0, 0], [4, 5, 6])]

    run(scenario)


def test_no_call_has_more_than_so_many() -> None:
    """What is over that is asked before the turn ends, the rest at its end."""

    async def scenario(asked: Asked) -> None:
        for number in range(2 * AT_ONCE + 1):
            asked.add(number, content=b"%d" % number)
            assert len(asked.calls) == (number + 1) // AT_ONCE
        await turn()
        assert [weight for _, weight in asked.calls] == [AT_ONCE, AT_ONCE, 1]
        said = [content for call in asked.contents() for content in call]
        assert said == [b"%d" % number for number in range(2 * AT_ONCE + 1)]

    run(scenario)


def test_who_must_be_answered_after_them_has_them_asked() -> None:
    """``flush`` asks at once, and only once; nothing is asked where there is nothing to say."""

    async def scenario(asked: Asked) -> None:
        asked.sayings.flush()
        assert asked.calls == []
        asked.add(1)
        asked.sayings.flush()
        assert (len(asked.calls), asked.flushes) == (1, 0)
        asked.sayings.flush()
        await turn()
        assert (len(asked.calls), asked.flushes) == (1, 0)

    run(scenario)


def test_what_is_said_after_a_flush_still_leaves_in_this_turn() -> None:
    """Whether or not something was flushed before."""

    async def scenario(asked: Asked) -> None:
        asked.add(1, content=b"1")
        asked.sayings.flush()
        asked.add(2, content=b"2")
        asked.add(3, content=b"3")
        await turn()
        assert asked.contents() == [[b"1"], [b"2", b"3"]]
        assert asked.flushes == 1

    run(scenario)


def test_each_message_gets_its_own_answer() -> None:
    """Its code and its msgId, with what was given along with it."""

    async def scenario(asked: Asked) -> None:
        for context in "abc":
            asked.add(context)
        await turn()
        asked.answers[0](0, [0, 9, 6, 0, 0, 10])
        assert asked.said == [(["a", "b", "c"], [0, 6, 0], [9, 0, 10])]

    run(scenario)


@pytest.mark.parametrize("code", [Code.INTERNAL, -1])
def test_where_the_call_has_failed_all_have(code: int) -> None:
    """Nothing is known of any of them, so each gets that code."""

    async def scenario(asked: Asked) -> None:
        for context in "abc":
            asked.add(context)
        await turn()
        asked.answers[0](code, ())
        assert asked.said == [(["a", "b", "c"], [code] * 3, [0] * 3)]

    run(scenario)


def test_an_answer_that_makes_somebody_speak() -> None:
    """As where there is no link, and it comes before the call returns: what is said then is asked too."""

    async def main() -> None:
        said: list[object] = []

        def call(
            pool: int, command: bytes, done: Callable[[int, Sequence[int]], None], weight: int
        ) -> None:
            done(Code.INTERNAL, ())

        def told(contexts: Sequence[Any], codes: Sequence[int], msgs: Sequence[int]) -> None:
            said.extend(contexts)
            if contexts[0] == 1:
                sayings.add(who, 0, 2000, 0, b'"r"', False, b'"hi"', 2)
                sayings.flush()
                sayings.add(who, 0, 2000, 0, b'"r"', False, b'"hi"', 3)

        who = speaker(1000, 77)
        sayings = Sayings(call, lambda: None, "chat_1_say", ROOM, told)
        sayings.add(who, 0, 2000, 0, b'"r"', False, b'"hi"', 1)
        await turn()
        await turn()
        assert said == [1, 2, 3]

    asyncio.run(main())
