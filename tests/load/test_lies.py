"""The generator can fail: a node that loses, doubles or disorders what it confirmed is found out."""

import asyncio

import pytest

from chat.load.load import run
from chat.load.options import Options
from chat.load.result import Result
from tests.load.liar import Deliver, Listener, lying

SAID = 40


def found(deliver: Deliver, code: int = 0) -> Result:
    """What two people say of that node who say 40 things."""

    async def scenario() -> Result:
        async with lying(deliver, code) as url:
            options = Options((url,), pairs=1, rate=SAID / 0.4, duration=0.4)
            return await run(options, end_seconds=0.3)

    return asyncio.run(scenario())


def honest(to: Listener, n: int, content: str) -> None:
    to.hear(content)


def losing(to: Listener, n: int, content: str) -> None:
    if n != 5:
        to.hear(content)


def doubling(to: Listener, n: int, content: str) -> None:
    to.hear(content)
    if n == 5:
        to.hear(content)


def disordering(to: Listener, n: int, content: str) -> None:
    if n == 5:
        to.kept.append(content)
        return
    to.hear(content)
    while to.kept:
        to.hear(to.kept.pop())


def altering(to: Listener, n: int, content: str) -> None:
    to.hear(content if n != 5 else content + "!")


def inventing(to: Listener, n: int, content: str) -> None:
    to.hear(content)
    if n == 5:
        to.hear(f"999999 {content.partition(' ')[2]}")


def mixing_up(to: Listener, n: int, content: str) -> None:
    to.hear(content)
    if n == 5:
        to.hear(content, session=7999)


@pytest.mark.parametrize(
    ("deliver", "book"),
    [
        (honest, (0, 0, 0, 0)),
        (losing, (2, 0, 0, 0)),
        (doubling, (0, 2, 0, 0)),
        (disordering, (0, 0, 2, 0)),
        (altering, (2, 0, 0, 2)),
        (inventing, (0, 0, 0, 2)),
        (mixing_up, (0, 0, 0, 2)),
    ],
)
def test_what_a_node_does_to_confirmed_messages_is_in_the_book(
    deliver: Deliver, book: tuple[int, int, int, int]
) -> None:
    """To one message of each of the two: missing, twice, disordered, strange."""
    result = found(deliver)
    told = result.book
    assert (told.missing, told.twice, told.disordered, told.strange) == book
    assert (result.tally.said, result.tally.confirmed) == (SAID, SAID)
    assert result.ok is (deliver is honest)


def test_the_last_line_says_what_is_wrong() -> None:
    """In one word or two, and how much of it there is."""
    assert found(losing).as_lines()[-1] == "NOT ok: 2 missing"
    assert found(losing, code=7).as_lines()[-1].endswith(f", {SAID} refused")
    assert found(honest).as_lines()[-1].startswith("ok: ")


def test_what_was_refused_need_not_arrive_and_is_an_error_all_the_same() -> None:
    """Counted by its code."""
    result = found(lambda to, n, content: None, code=7)
    assert (result.book.wrong, result.tally.refused, result.ok) == (0, SAID, False)
    assert result.tally.errors == {("DIALOGUE_REQ", 7): SAID}


def test_refused_and_arrived_all_the_same_is_wrong() -> None:
    """A refusal is a promise too. (What overtakes its refusal is taken for a message in order.)"""
    assert found(honest, code=7).book.twice > SAID / 2


def test_the_wait_at_the_end_can_be_ended_too() -> None:
    """Whoever does not want to wait for what is missing gets the result at once."""

    async def scenario() -> Result:
        async with lying(losing) as url:
            options = Options((url,), pairs=1, rate=SAID / 0.4, duration=0.4)
            task = asyncio.create_task(run(options, end_seconds=60))
            await asyncio.wait([task], timeout=1.5)
            task.cancel()
            return await task

    result = asyncio.run(scenario())
    assert (result.interrupted, result.book.missing, result.ok) == (True, 2, False)
