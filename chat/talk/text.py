"""Lines in and out of a terminal or a pipe, and what a partner may not put into them."""

import asyncio
import codecs
import os
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TextIO

Show = Callable[[str], None]

HARMLESS = "\u200c\u200d\u200e\u200f\u061c"
"""Format characters that act where they stand: joiners of letters and emoji, and the marks that Hebrew
and Arabic need. Overrides, embeddings and isolates reach further, and could turn a line around."""


def clean(text: str) -> str:
    """The text without what a terminal would obey: it comes from a partner."""
    return "".join(map(_visible, text))


def _visible(char: str) -> str:
    if char == "\n":
        return "⏎"  # one line for each message: the next could look like one of ours
    if char in HARMLESS:
        return char
    hidden = unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return "\ufffd" if hidden else char


def printer(stream: TextIO) -> Show:
    """Writes lines at once; what the stream's encoding does not have becomes a question mark."""
    encoding = getattr(stream, "encoding", None) or "utf-8"

    def show(line: str) -> None:
        stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")
        stream.flush()

    return show


def complainer(stream: TextIO | None) -> Show:
    """Writes lines where it can: when not even this stream works there is nobody to tell."""
    show = printer(stream) if stream is not None else None

    def complain(line: str) -> None:
        with suppress(OSError, ValueError):
            if show is not None:
                show(line)

    return complain


def let_go(stream: TextIO | None) -> None:
    """What a stream did not take, the interpreter would try again, and complain of, when it ends."""
    if stream is None:
        return
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


async def lines(stdin: TextIO) -> AsyncIterator[str]:
    """The lines of a pipe or file, each read when it is asked for."""
    read, rest = _reader(stdin), ""
    while chunk := await _in_thread(read):
        *whole, rest = (rest + chunk).split("\n")
        for line in whole:
            yield line.removesuffix("\r")
    if rest:
        yield rest


def _reader(stdin: TextIO) -> Callable[[], str]:
    """Reads what is there. From the file itself where there is one: a thread that still waits inside
    the buffer of ``sys.stdin`` when the interpreter ends brings it down."""
    try:
        file = stdin.fileno()
    except (OSError, AttributeError):
        return stdin.readline
    decoder = codecs.getincrementaldecoder(stdin.encoding or "utf-8")("replace")

    def read() -> str:
        while data := os.read(file, 65536):
            if text := decoder.decode(data):
                return text
        return decoder.decode(b"", final=True)

    return read


async def _in_thread(read: Callable[[], str]) -> str:
    """In a thread that the end of the program does not wait for: nobody can stop a read."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[str] = loop.create_future()

    def settle(text: str, error: Exception | None) -> None:
        if result.done():
            return
        if error is None:
            result.set_result(text)
        else:
            result.set_exception(error)

    def run() -> None:
        text, error = "", None
        try:
            text = read()
        except Exception as failure:  # noqa: BLE001 - raised where the line is awaited
            error = failure
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, text, error)

    threading.Thread(target=run, name="chat stdin", daemon=True).start()
    return await result
