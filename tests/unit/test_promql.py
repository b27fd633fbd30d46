"""tests/support/promql.py: finds the metrics of an expression, and takes nothing else for one."""

import pytest

from tests.support.promql import Matcher, parse


def names(expression: str) -> list[str]:
    return [name for name, _ in parse(expression).metrics]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("up", ["up"]),
        ("up == 0", ["up"]),
        ('up{job="chat"} offset 15m', ["up"]),
        ("rate(a_total[5m]) / rate(b_total[$__rate_interval])", ["a_total", "b_total"]),
        ("increase(a_total{}[1h30m:10s])", ["a_total"]),
        ("sum by (pool, state) (max by (pool) (gauge))", ["gauge"]),
        ("sum(gauge) by (pool)", ["gauge"]),
        ("sum without (instance) (gauge)", ["gauge"]),
        ("a > on () group_left () (200 + sum(b))", ["a", "b"]),
        ("a * on (instance) group_right (version) b", ["a", "b"]),
        ("a * ignoring (x) group_left b", ["a", "b"]),
        ("a and b or c unless d", ["a", "b", "c", "d"]),
        ("(sum(a) or vector(0)) == bool 0", ["a"]),
        ("absent(a)", ["a"]),
        ("time() - a", ["a"]),
        ("topk(3, a)", ["a"]),
        ("histogram_quantile(0.99, sum by (le) (rate(a_bucket[5m])))", ["a_bucket"]),
        ("a > -Inf and a != NaN", ["a", "a"]),
        ("1e3 + .5 + 0x1F + a", ["a"]),
        ('label_replace(a, "dst", "$1", "src", "(b).*")', ["a"]),
        ("a{x=\"b{c='d'}\", y='\"e\"'}", ["a"]),
        ("level:metric:rate5m", ["level:metric:rate5m"]),
        ("a # and not b\n+ c", ["a", "c"]),
        ("sum(", []),
        ("3", []),
    ],
)
def test_metrics_are_found(expression: str, expected: list[str]) -> None:
    """Not functions, words of the language, labels, strings, numbers, durations or comments."""
    assert names(expression) == expected


def test_labels_are_found() -> None:
    """Those of a selector with what they are compared to, and those of lists."""
    query = parse('sum by (pool, le) (a{code!="2", command=~"match|leave",}) > on (node) b')
    assert query.metrics == [
        ("a", (Matcher("code", "!=", "2"), Matcher("command", "=~", "match|leave"))),
        ("b", ()),
    ]
    assert query.labels == {"pool", "le", "node"}
    assert [matcher.values() for matcher in query.metrics[0][1]] == [["2"], ["match", "leave"]]


@pytest.mark.parametrize(
    "expression", ['a{b="c"', "sum by (x", '{job="chat"}', 'a{"x"}', "a ~ b", 'a{b="c}']
)
def test_what_cannot_be_read_is_said(expression: str) -> None:
    """Instead of a metric that is overlooked."""
    with pytest.raises(ValueError, match=r"cannot read|missing|without a name"):
        parse(expression)
