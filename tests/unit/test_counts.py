"""``counts`` and ``report``: plain numbers, and the rates made of them."""

from chat.commands import Dialogue, Match
from chat.counts import CLOSED, Counts, Histogram
from chat.errors import Code
from chat.report import Report


def test_a_bucket_takes_what_is_up_to_its_bound() -> None:
    """The bound itself too, as Prometheus has it; what is beyond the last has a place of its own."""
    histogram = Histogram((0.1, 1.0))
    for seconds in 0.0, 0.1, 0.2, 1.0, 1.1, 50.0:
        histogram.observe(seconds)
    assert histogram.counts == [2, 2, 2]
    assert histogram.number == 6
    assert round(histogram.total, 6) == 52.4


def test_answers_are_told_apart_by_command_and_code() -> None:
    """What never was is 0."""
    counts = Counts()
    counts.answered(Dialogue, 0, 0.001)
    counts.answered(Dialogue, 0, 0.002)
    counts.answered(Dialogue, 6, 0.001)
    assert counts.number(Dialogue, Code.SUCCESS) == 2
    assert counts.number(Dialogue, Code.RATE_LIMITED) == 1
    assert counts.number(Match, Code.SUCCESS) == 0


def test_an_answer_that_closes_is_one_kind() -> None:
    """Whichever it is of the codes below zero, it is the same series."""
    counts = Counts()
    for code in Code.REPLACED, Code.LOST, Code.OLDER:
        counts.answered(Dialogue, code, 0.001)
    assert {key: histogram.number for key, histogram in counts.commands.items()} == {
        (Dialogue, CLOSED): 3
    }


def test_a_match_of_before_is_none() -> None:
    """The store says how long the partner has waited, and -1 where the session was there already."""
    counts = Counts()
    for waited_ms in 0, -1, 1500:
        counts.matched(waited_ms)
    assert (counts.match_wait.number, counts.match_wait.total) == (2, 1.5)


def test_a_report_says_what_happened_since_the_last() -> None:
    """Rates of that time; the worst lag of that time."""
    now, counts = 100.0, Counts()
    report = Report(counts, "1.2", lambda: now)
    now = 110.0
    for _ in range(25):
        counts.answered(Dialogue, 0, 0.001)
    counts.answered(Dialogue, 6, 0.001)
    counts.matched(0)
    counts.late(0.0123)
    counts.late(0.004)
    assert report.fields(7) == {
        "version": "1.2",
        "up": "10",
        "sockets": "7",
        "commands_per_second": "2.6",
        "messages_per_second": "2.5",
        "matches_per_second": "0.1",
        "lag": "12",
    }
    now = 112.0
    quiet = report.fields(0)
    assert (quiet["up"], quiet["commands_per_second"], quiet["lag"]) == ("12", "0.0", "0")
    now = 116.0
    counts.answered(Dialogue, 0, 0.001)
    counts.answered(Dialogue, 0, 0.001)
    assert report.fields(0)["messages_per_second"] == "0.5", "of the four seconds since the last"
    report.fields(0)  # at the same moment: no time to divide by
    assert counts.number(Dialogue, 0) == 27, "nothing was taken from what is counted"
