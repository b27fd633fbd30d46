"""README.md says what is true: its settings, its commands, its example."""

import ast
import re
from pathlib import Path

import pytest

import chat.client
from chat.cli import main
from chat.config import SETTINGS

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


def test_help_names_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """chat serve --help lists each setting with its name in the environment."""
    with pytest.raises(SystemExit, match="0"):
        main(["serve", "--help"])
    said = capsys.readouterr().out
    for setting in SETTINGS:
        assert f"CHAT_{setting.name.upper()}" in said
