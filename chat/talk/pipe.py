"""``chat talk`` with a pipe or a file: it reads lines, and ends when all of them are confirmed."""

from typing import TextIO

from chat.talk.talker import Talker
from chat.talk.tasks import until_first
from chat.talk.text import lines


async def on_pipe(talker: Talker, stdin: TextIO) -> int:
    """Say all lines to whoever is found; the exit code, 1 if one was not delivered."""

    async def read() -> None:
        async for line in lines(stdin):
            if line.strip() == "/quit":
                break
            await talker.enter(line)
        await talker.done()

    talker.look()
    quitted = await until_first(read(), *talker.background())
    return 0 if quitted and talker.complete else 1
