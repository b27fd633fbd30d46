"""What is counted for how long: the figures are those of the time for which the load was asked for."""

import asyncio

from chat.load.book import Book
from chat.load.crowd import Crowd
from chat.load.load import Measured
from chat.load.options import Options
from chat.load.result import Result
from chat.load.tally import Tally


class Time:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self._looked = asyncio.Event()

    def clock(self) -> float:
        self._looked.set()
        return self.now

    async def looked_at(self) -> None:
        """Return when somebody has looked at it once more."""
        self._looked.clear()
        async with asyncio.timeout(10):
            await self._looked.wait()


def test_what_was_confirmed_afterwards_makes_no_rate() -> None:
    """Nor does it make a message cheaper: behind a node that is overloaded thousands wait."""
    tally = Tally()
    measured = Measured(tally)
    tally.confirmed = 5
    measured.begin()
    tally.confirmed = 15
    measured.end()
    tally.confirmed = 400
    assert measured.confirmed == 10
    options = Options(("ws://node/ws",), rate=1_000_000)
    result = Result(options, tally, Book(), 2, 2, 2.0, measured.confirmed, 0.001)
    assert result.as_lines()[0] == "chat load talk: 50 pairs, 1000000/s, 2.0 s, 1 URL"
    assert "400 confirmed (5/s)" in result.as_lines()[2]
    assert result.as_lines()[4].startswith("generator 0% of a core · 100.0 µs a message")


def test_what_is_missing_may_be_for_somebody_who_is_not_here() -> None:
    """Nobody knows then whether it is lost: that is said."""
    book, options = Book(), Options(("ws://node/ws",))
    book.missing = 1
    told = [Result(options, Tally(), book, 2, here, 1.0, 1, 0.1).as_lines() for here in (1, 2)]
    assert [any("missing: some of it" in line for line in lines) for lines in told] == [True, False]
    assert told[0][-1] == "NOT ok: 1 missing, 1 not here at the end"


def test_what_still_arrives_is_waited_for() -> None:
    """The wait is over when nothing has arrived for so long, not when much has to: slow is not lost."""

    async def scenario() -> Crowd:
        time = Time()
        crowd = Crowd(["ws://node/ws"], clock=time.clock)
        way, _ = crowd.book.open(7000, 1000, 2000)
        for number in range(1, 9):
            crowd.book.say(way, number, 0.0)
        settling = asyncio.create_task(crowd.settle(0.5))
        for number in range(1, 8):
            await time.looked_at()
            time.now += 0.15
            way.confirm(number)
            crowd.tally.confirmed += 1
            crowd.book.arrive(way, number)
            crowd.tally.arrived += 1
        way.confirm(8)
        await time.looked_at()
        time.now += 0.6
        await settling
        return crowd

    crowd = asyncio.run(scenario())
    assert (crowd.book.missing, crowd.tally.unanswered) == (1, 0)
