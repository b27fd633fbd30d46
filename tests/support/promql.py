"""What a PromQL expression asks for: which metrics, with which labels. No more of the language than that."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""
    (?P<space>  \s+ | \#[^\n]* )
  | (?P<string> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*` )
  | (?P<number> \d[\w.]* | \.\d+ | \$\w+ | \$\{\w+\} )  # durations too, and what Grafana puts there
  | (?P<name>   [a-zA-Z_][\w:]* )
  | (?P<sign>   =~ | !~ | != | == | >= | <= | [-+*/%^=<>(){}\[\],@:] )
    """,
    re.VERBOSE,
)

LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
"""What a list of labels in brackets follows."""

WORDS = {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}
AGGREGATORS = {
    *("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"),
    *("topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Matcher:
    label: str
    sign: str
    value: str

    def values(self) -> list[str]:
        """The values it names; of a pattern those that it puts side by side."""
        return self.value.split("|") if self.sign in {"=~", "!~"} else [self.value]


@dataclass(slots=True)
class Query:
    """``metrics`` has each selector, in order; ``labels`` what lists of labels name."""

    metrics: list[tuple[str, tuple[Matcher, ...]]] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)


def parse(expression: str) -> Query:
    """Raises ValueError for what it cannot read, and for a selector without a metric's name."""
    tokens = list(_tokens(expression))
    query, at = Query(), 0
    while at < len(tokens):
        kind, text = tokens[at]
        follows = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        at += 1
        if text == "{":
            raise ValueError(f"a selector without a name: {expression}")
        if kind != "name" or text.lower() in WORDS:
            continue
        if text.lower() in LISTS:
            if follows == "(":
                found, at = _until(tokens, at + 1, ")")
                query.labels |= {word for sort, word in found if sort == "name"}
        elif follows == "{":
            found, at = _until(tokens, at + 1, "}")
            query.metrics.append((text, _matchers(found)))
        elif follows != "(" and text.lower() not in AGGREGATORS:
            query.metrics.append((text, ()))
    return query


def _tokens(expression: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(expression):
        found = TOKEN.match(expression, at)
        if found is None:
            raise ValueError(f"cannot read {expression[at:]!r}")
        if found.lastgroup != "space":
            yield str(found.lastgroup), found[0]
        at = found.end()


def _until(tokens: list[tuple[str, str]], at: int, end: str) -> tuple[list[tuple[str, str]], int]:
    stop = next((n for n in range(at, len(tokens)) if tokens[n][1] == end), None)
    if stop is None:
        raise ValueError(f"{end} is missing")
    return tokens[at:stop], stop + 1


def _matchers(tokens: list[tuple[str, str]]) -> tuple[Matcher, ...]:
    words = [text for _, text in tokens if text != ","]
    if len(words) % 3:
        raise ValueError(f"cannot read the labels {words}")
    return tuple(
        Matcher(words[n], words[n + 1], words[n + 2][1:-1]) for n in range(0, len(words), 3)
    )
