"""Lines for people at a terminal, JSON for everybody else."""

import io
import json
import logging
import sys

from chat.logs import writer


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def record(text: str, *arguments: object, failed: bool = False) -> logging.LogRecord:
    error = sys.exc_info() if failed else None
    return logging.LogRecord("chat.node", logging.WARNING, "", 0, text, arguments, error)


def test_a_line_is_one_json_object() -> None:
    """Whatever is in the message: quotes, line breaks, other scripts."""
    stream = io.StringIO()
    writer(stream).handle(record('it said "%s"\nand 你好', "no"))
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert told.pop("time").endswith("Z")
    assert told == {
        "level": "WARNING",
        "logger": "chat.node",
        "message": 'it said "no"\nand 你好',
    }


def test_a_traceback_stays_in_its_line() -> None:
    """One event is one line, also where something was raised."""
    stream = io.StringIO()
    try:
        int("why")
    except ValueError:
        writer(stream).handle(record("it failed", failed=True))
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["error"]


def test_a_line_says_which_worker_wrote_it() -> None:
    """For machines in a field of its own, for people before the message."""
    stream, terminal = io.StringIO(), Terminal()
    writer(stream, 2).handle(record("ready"))
    writer(terminal, 2).handle(record("ready"))
    assert json.loads(stream.getvalue())["worker"] == 2
    assert terminal.getvalue().endswith(" WARNING worker 2: ready\n")


def test_people_at_a_terminal_get_a_line_to_read() -> None:
    """No JSON there."""
    stream = Terminal()
    writer(stream).handle(record("ready"))
    assert stream.getvalue().endswith(" WARNING ready\n")
