"""The command line: what is wrong usage, and whose usage is shown then."""

import pytest

from chat.cli import main


def wrong(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a wrong command line is told."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    return capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("--prot", "1"), ("now",), ("--port", "1", "2")])
def test_wrong_usage_of_serve_shows_how_to_use_serve(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """Not how to use chat."""
    said = wrong(capsys, "serve", *arguments)
    assert said.startswith("usage: chat serve [OPTION VALUE]...\n")
    assert "chat serve: error: unrecognized arguments: " in said


@pytest.mark.parametrize(
    "arguments",
    [("serve", "--po", "1"), ("serve", "--redis", "redis://x"), ("talk", "--na", "Ada")],
)
def test_options_are_not_abbreviated(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """A new option could change what an abbreviation means."""
    assert f"unrecognized arguments: {arguments[1]}" in wrong(capsys, *arguments)


def test_wrong_usage_of_talk_shows_how_to_use_talk(capsys: pytest.CaptureFixture[str]) -> None:
    """With its options."""
    assert wrong(capsys, "talk", "now").startswith("usage: chat talk [-h] [--url URL]")
