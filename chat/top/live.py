"""``chat top`` on a terminal: the picture in the alternate screen, drawn anew as often as one likes."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from prompt_toolkit.application import Application
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.styles import Style

from chat.store.look import Look
from chat.store.sight import CannotLook
from chat.talk.tasks import until_first
from chat.top.drawing import draw
from chat.top.history import History
from chat.top.reading import read
from chat.top.snapshot import Snapshot
from chat.top.words import seconds

STYLES = {"head": "bold", "bad": "bold ansired", "dim": "ansibrightblack"}
RETRY_SECONDS = 1.0
"""After a look that failed, the next one is not far."""
REDRAW_SECONDS = 1.0
"""Also without news: how long Redis has not answered is counted."""


class Live:
    """The last picture there was; a Redis that does not answer leaves it, and says so. ``clock`` is in
    seconds, ``now`` the time in UTC."""

    def __init__(
        self,
        look: Look,
        every: float,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._every = every
        self._now = now
        self._clock = clock
        self._history = History()
        self._snapshot: Snapshot | None = None
        self._seen = clock()
        self._trouble: CannotLook | None = None

    def show(self, snapshot: Snapshot) -> None:
        """This is the picture from here on."""
        self._seen = self._clock()
        self._snapshot = self._history.add(snapshot, self._seen)
        self._trouble = None

    async def run(self) -> None:
        """Shows, looks and draws until the person has had enough."""
        app = self._application()
        await until_first(app.run_async(), self._follow(app.invalidate))

    async def _follow(self, changed: Callable[[], None]) -> None:
        """The first picture is there already."""
        while True:
            await asyncio.sleep(min(self._every, RETRY_SECONDS) if self._trouble else self._every)
            try:
                self.show(await read(self._look, self._now))
            except CannotLook as error:
                self._trouble = error
            changed()

    def _application(self) -> "Application[None]":
        control = FormattedTextControl(
            lambda: self._picture(app.output.get_size()), show_cursor=False
        )
        app: Application[None] = Application(
            layout=Layout(Window(control, always_hide_cursor=True)),
            key_bindings=_keys(),
            style=Style.from_dict(STYLES),
            full_screen=True,
            refresh_interval=REDRAW_SECONDS,
        )
        return app

    def _picture(self, place: tuple[int, int]) -> StyleAndTextTuples:
        rows, columns = place
        if self._snapshot is None:
            return []
        lines = draw(
            self._snapshot,
            columns,
            rows,
            where=self._look.shown,
            trouble=self._without_answer(),
            foot=f"every {self._every:g} s, q ends",
        )
        text: StyleAndTextTuples = []
        for line in lines:
            text += [(f"class:{style}" if style else "", words) for style, words in line]
            text.append(("", "\n"))
        return text[:-1]

    def _without_answer(self) -> str:
        if self._trouble is None:
            return ""
        what = "nothing to see in" if self._trouble.answered else "no answer from"
        since = seconds(self._clock() - self._seen)
        return f"{what} Redis for {since}: {self._trouble.why}"


def _keys() -> KeyBindings:
    """The terminal gives every key to the program, those that stop or suspend it too."""
    keys = KeyBindings()

    def end(event: KeyPressEvent) -> None:
        event.app.exit()

    def suspend(event: KeyPressEvent) -> None:
        event.app.suspend_to_background()

    for key in ("q", "Q", "c-c", "<sigint>"):
        keys.add(key)(end)
    keys.add("c-z")(suspend)
    return keys
