"""README.md says what is true: its settings, its commands, its example."""

import argparse
import ast
import re
import shlex
from pathlib import Path

import pytest

import chat.client
from chat.cli import main
from chat.config import SETTINGS
from chat.load.book import Book
from chat.load.options import add_options, options_of
from chat.load.result import Result
from chat.load.tally import Tally
from chat.top.drawing import as_text, draw
from chat.top.snapshot import NodeSeen, PoolSeen, RedisSeen, Snapshot, Waiter

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_settings_are_all_in_the_table_with_their_defaults() -> None:
    """The table has a row for each setting and no other."""
    rows = dict(re.findall(r"^\| `CHAT_(\w+)` \| (\S*) ?\|", README, re.MULTILINE))
    shown = {
        setting.name.upper(): str(setting.default)
        if isinstance(setting.default, str)
        else f"{setting.default:g}"
        for setting in SETTINGS
    }
    assert rows == shown


def test_the_example_is_python_that_imports_what_there_is() -> None:
    """The bot of the README names only what the client library has."""
    code = README.partition("```python")[2].partition("```")[0]
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module == "chat.client":
            assert all(hasattr(chat.client, alias.name) for alias in node.names)
            break
    else:
        raise AssertionError("the example does not import chat.client")


def test_the_opening_has_a_picture_and_the_two_commands() -> None:
    """A newcomer sees what it is, a picture and the two commands before anything else."""
    opening = README.partition("\n## ")[0]
    pictures = re.findall(r'<img src="([^"]+)"', opening)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)
    assert re.findall(r"^\$ (.*)$", opening, re.MULTILINE) == [
        "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/chat serve",
        "tests/run",
    ]


def test_the_picture_of_chat_top_is_one_that_it_draws() -> None:
    """Drawn anew from the numbers that it shows, it is the same."""
    shown = README.partition("$ chat top --redis-url redis://127.0.0.1:6379/0\n")[2]
    nodes = [
        NodeSeen("vm-4048696e", 7.2, 25, 25, 10, 90.6, 98.4, 0, 2, "0.1.0"),
        NodeSeen("vm-715c35f2", 8.1, 26, 26, 10, 0, 5.4, 2.4, 5, "0.1.0"),
    ]
    pool = PoolSeen(0, 51, 2, 25, 1, 3.4, nodes, [Waiter(125000, 3.4)])
    redis = RedisSeen("Redis 7.0.15", "primary", "p", 2_000_000, 2**31, 1101, 1.0, 3, 0, "ok", "ok")
    snapshot = Snapshot("2026-11-26T21:01:09Z", [pool], redis)
    drawn = as_text(draw(snapshot, 100, where="redis://127.0.0.1:6379/0"))
    assert drawn == shown.partition("\n```")[0]


def test_the_example_of_chat_load_is_one_that_it_takes() -> None:
    """And the line below it is what it would say of these options."""
    command, _, shown = README.partition("$ chat load ")[2].partition("\n")
    parser = argparse.ArgumentParser()
    add_options(parser)
    options = options_of(parser.parse_args(shlex.split(command)))
    result = Result(options, Tally(), Book(), 400, 400, 10.0, 4000, 1.0)
    assert shown.partition("\n")[0] == result.as_lines()[0]


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """chat serve --help lists each setting with its name in the environment."""
    with pytest.raises(SystemExit, match="0"):
        main(["serve", "--help"])
    said = capsys.readouterr().out
    for setting in SETTINGS:
        assert f"CHAT_{setting.name.upper()}" in said
