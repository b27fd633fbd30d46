"""``chat talk`` on a terminal: a prompt, and a line below it that says how things are."""

from contextlib import suppress

from prompt_toolkit import PromptSession
from prompt_toolkit.patch_stdout import patch_stdout

from chat.talk.talker import Talker
from chat.talk.tasks import until_first
from chat.talk.typist import Typist


async def on_terminal(talker: Talker) -> int:
    """Take lines until the person has had enough; the exit code."""
    # Ctrl-Z suspends, as it does everywhere: the prompt has the keyboard, so it has to be asked to.
    prompt: PromptSession[str] = PromptSession(
        "> ", bottom_toolbar=lambda: talker.state.status, enable_suspend=True
    )
    typist = Typist(talker)
    prompt.default_buffer.on_text_changed += lambda buffer: typist.changed(buffer.text)
    talker.changed = prompt.app.invalidate

    async def read() -> None:
        with suppress(EOFError, KeyboardInterrupt):
            while (line := await prompt.prompt_async()).strip() != "/quit":
                typist.changed("")
                talker.try_to_enter(line)

    with patch_stdout():
        talker.look()
        quitted = await until_first(read(), *talker.background(), typist.run())
    return 0 if quitted else 1
