"""Signals that end a program: a goodbye comes before the end."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress

SIGNALS = ("SIGTERM", "SIGHUP")
"""To be stopped, and that the window of the terminal was closed. Ctrl-C is asyncio's own matter."""


async def until_stopped(work: Coroutine[None, None, int]) -> int:
    """The work's exit code, or 128 and the signal that cancelled it, as a shell counts."""
    task = asyncio.create_task(work)
    stopped: list[int] = []

    def stop(number: int) -> None:
        if not stopped:  # a second one would interrupt the goodbye
            task.cancel()
        stopped.append(number)

    _listen_for(stop)
    try:
        code = await task
    except asyncio.CancelledError:
        if not stopped:
            raise
        code = 0
    return 128 + stopped[0] if stopped else code


def _listen_for(stop: Callable[[int], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (getattr(signal, name, None) for name in SIGNALS):
        # nohup has it ignored, and so it stays; Windows has neither the signal nor such handlers.
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, stop, number)
