"""What is shown is what was measured: the table, the picture, and the README."""

import json
import xml.etree.ElementTree as ET

import pytest

from tests.bench.blocks import with_block
from tests.bench.chart import chart
from tests.bench.meter import seconds_of
from tests.bench.publish import BEGIN, END, PICTURE, README, RESULT, block
from tests.bench.systems import TITLES
from tests.bench.table import floor_line, number, summary, table, warning

ROUNDS = {
    "chat": [
        {"busy_node": 30.0, "busy_redis": 14.0, "session_kb": 9.5},
        {"busy_node": 25.0, "busy_redis": 15.0, "session_kb": 9.6},
        {"busy_node": 24.0, "busy_redis": 16.0, "session_kb": 9.7},
    ],
    "socketio": [{"busy_node": 500.0, "busy_redis": 45.0, "session_kb": 44.0}],
}


def test_the_table_has_medians_spreads_and_ratios() -> None:
    """What was not measured has no row."""
    assert table(ROUNDS, TITLES).splitlines() == [
        "|  | this project | python-socketio | to python-socketio |",
        "| --- | --: | --: | --: |",
        "| CPU of nodes for a message, µs | 25.0 (24.0–30.0) | 500 | 1/20.0 |",
        "| CPU of Redis for a message, µs | 15.0 (14.0–16.0) | 45.0 | 1/3.0 |",
        "| memory of a node for somebody in a session, kB | 9.60 (9.50–9.70) | 44.0 | 1/4.6 |",
    ]


def test_the_summary_has_the_same_medians() -> None:
    """Without their spread."""
    assert "| 25.0 | 500 | 1/20.0 |" in summary(ROUNDS, TITLES)


def test_one_that_lacks_a_figure_is_not_compared() -> None:
    """A dash, and no ratio."""
    rounds = {"chat": [{"eager_node": 30.0}], "socketio": [{"busy_node": 500.0}]}
    assert "once, µs | 30.0 | – | – |" in table(rounds, TITLES)


def test_nothing_is_no_ratio() -> None:
    """A few people may fit into memory that was there already."""
    rounds = {"chat": [{"idle_kb": 0.0}], "socketio": [{"idle_kb": 0.0}]}
    assert "account, kB | 0.00 | 0.00 | – |" in table(rounds, TITLES)


@pytest.mark.parametrize(
    ("value", "shown"), [(1234.5, "1234"), (99.95, "100.0"), (12.34, "12.3"), (1.234, "1.23")]
)
def test_numbers_have_three_digits(value: float, shown: str) -> None:
    """More would say nothing."""
    assert number(value) == shown


def test_the_floor_is_a_sentence_of_what_there_is() -> None:
    """Without redis-benchmark it is the socket layer alone."""
    assert floor_line([]) == ""
    assert floor_line([{"echo_node": 10.0}]).endswith("for 10.0 µs.")
    assert "12.0 µs of Redis" in floor_line([{"echo_node": 10.0, "say_redis": 12.0}])


def test_it_is_said_when_others_were_at_work() -> None:
    """CPU of a process is still right then; times and rates are not."""
    assert warning({"chat": [{"busy_others": 3.0}, {"busy_others": 80.0}]}).startswith(
        "Others used up to 80 %"
    )
    assert warning({"chat": [{"busy_others": 3.0}], "socketio": [{}]}) == ""


def test_the_chart_has_a_bar_for_each_figure_and_says_it() -> None:
    """As long as the figure, on a scale of the longest."""
    picture = ET.fromstring(chart(ROUNDS, TITLES))  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    said = ["".join(text.itertext()) for text in picture.iter(f"{space}text")]
    assert {"25.0 µs nodes + 15.0 µs Redis", "500 µs nodes + 45.0 µs Redis", "9.60 kB"} <= {*said}
    bars = [float(bar.get("width", 0)) for bar in picture.iter(f"{space}rect")][1:]
    assert len(bars) == 2 * 2 + 2
    assert bars[0] / bars[2] == pytest.approx(25 / 500, rel=0.02)


def test_the_chart_leaves_out_what_was_not_measured() -> None:
    """Rather than to draw it as nothing."""
    rounds = {"chat": [{"busy_node": 30.0, "busy_redis": 14.0}]}
    assert "Memory" not in chart(rounds, TITLES)


def test_the_block_of_the_readme_is_replaced_as_a_whole() -> None:
    """And nothing around it."""
    before, after = (f"a\n{BEGIN}{said}\n{END}\nb" for said in ("old", "new"))
    assert with_block(before, BEGIN, "new\n", END) == after
    with pytest.raises(ValueError, match="no place"):
        with_block("a", BEGIN, "new\n", END)


def test_the_readme_shows_the_figures_of_the_result() -> None:
    """Table and picture are those of docs/benchmark.json, and nobody has altered them by hand."""
    result = json.loads(RESULT.read_text())
    assert list(result["rounds"]) == list(TITLES)
    assert f"{BEGIN}{block(result)}{END}" in README.read_text()
    assert PICTURE.read_text() == chart(result["rounds"], TITLES)


@pytest.mark.parametrize(
    ("clock", "seconds"), [("0:01.50", 1.5), ("1:02:03", 3723), ("2-00:00:01", 172801)]
)
def test_the_time_of_a_process_is_read_as_ps_writes_it(clock: str, seconds: float) -> None:
    """Where there is no clock of another process to read."""
    assert seconds_of(clock) == seconds
