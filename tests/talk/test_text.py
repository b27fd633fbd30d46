"""Lines in and out, and what a partner may not put into them."""

import asyncio
import io
import os

import pytest

from chat.talk.text import clean, lines, printer
from tests.talk.scene import piped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, Ünïcode, 日本語, 👍🏽", "plain, Ünïcode, 日本語, 👍🏽"),
        ("\x1b]0;title\x07", "\ufffd]0;title\ufffd"),
        ("a\rb\x9bc\x00", "a\ufffdb\ufffdc\ufffd"),
        ("two\nlines", "two⏎lines"),
        ("abc\u202ecba", "abc\ufffdcba"),
        ("\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069", "\ufffd" * 8),
        ("\u200e\u200f\u061c", "\u200e\u200f\u061c"),
        ("\ud83d", "\ufffd"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_printer_replaces_what_the_encoding_lacks() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="")
    printer(stream)("✓ é")
    assert raw.getvalue() == b"? ?\n"


def test_lines_of_a_pipe_may_come_in_pieces() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            reader = lines(pipe.end)
            pipe.write("one\ntw")
            assert await anext(reader) == "one"
            pipe.write("o\nthr")
            assert await anext(reader) == "two"
            pipe.eof()
            assert [line async for line in reader] == ["thr"]

    asyncio.run(scenario())


def test_input_that_is_no_text_is_read_as_far_as_it_goes() -> None:
    async def scenario() -> None:
        with piped() as pipe:
            os.write(pipe._write, b"\xff\xfe\n\xc3")
            pipe.eof()
            assert [line async for line in lines(pipe.end)] == ["\ufffd\ufffd", "\ufffd"]

    asyncio.run(scenario())
