"""New connections of a port that several workers share: each takes its part.

All workers have one listening socket. What waits there waits for all of them: whoever dies, freezes or leaves takes
nothing along, the others accept it. With a listener for each (SO_REUSEPORT) the kernel spreads well, but it goes on
giving a dead or leaving worker its share, which is then reset or has to wait.

Left to itself a shared socket is unfair, though: whoever wakes first takes all that is there, and sockets stay where
they are for hours. Of a burst of 400, four workers got 173, 139, 60 and 28. So a worker takes one at a time, and one
that has more than the emptiest leaves it to the others, for a moment only: nobody waits for a worker that is slow.
All of them wake for each connection, which is little for as many as a machine has cores.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

from chat.workers.ledger import Ledger

log = logging.getLogger(__name__)

SAY_SECONDS = 0.1
AHEAD = 4
"""So many more than the emptiest a worker may have: they need not take turns one by one."""
PATIENCE_SECONDS = 0.005
"""For so long it is left to the others."""
NONE_LEFT_SECONDS = 1.0
NONE_LEFT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Acceptor:
    """Accepts for one worker, from ``open`` to ``close``. ``protocol`` makes what serves a connection;
    ``load`` says how many there are, those that are just arriving left out."""

    def __init__(
        self,
        listener: socket.socket,
        ledger: Ledger,
        protocol: Callable[[], asyncio.Protocol],
        load: Callable[[], int],
    ) -> None:
        self._listener = listener
        self._ledger = ledger
        self._protocol = protocol
        self._load = load
        self._loop = asyncio.get_running_loop()
        self._arriving: set[asyncio.Task[object]] = set()
        self._next_word: asyncio.TimerHandle | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._open = False

    def open(self) -> None:
        self._open = True
        self._loop.add_reader(self._listener, self._one_waits)
        self._say()

    def leave_to_others(self) -> None:
        """The others no longer count on this one, which still takes what nobody else does."""
        if self._next_word is not None:
            self._next_word.cancel()
            self._next_word = None
            self._ledger.leave()

    def close(self) -> None:
        """From here on others take what waits."""
        self.leave_to_others()
        if self._open:
            self._open = False
            self._loop.remove_reader(self._listener)
        if self._pause is not None:
            self._pause.cancel()

    def _say(self) -> None:
        self._ledger.say(self._all())
        self._next_word = self._loop.call_later(SAY_SECONDS, self._say)

    def _all(self) -> int:
        return self._load() + len(self._arriving)

    def _one_waits(self) -> None:
        least = self._ledger.least_of_the_others()
        if least is not None and self._all() > least + AHEAD:
            self._look_away(PATIENCE_SECONDS)
        else:
            self._take()

    def _look_away(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._pause = self._loop.call_later(seconds, self._look_again)

    def _look_again(self) -> None:
        """What is still there nobody else wanted."""
        self._loop.add_reader(self._listener, self._one_waits)
        self._take()

    def _take(self) -> None:
        """One; if there are more the loop says so again in its next turn."""
        try:
            connection, _ = self._listener.accept()
        except OSError as error:  # also: another one was faster, or it has gone meanwhile
            if error.errno in NONE_LEFT:
                log.warning("cannot accept connections: %s", error.strerror)
                self._look_away(NONE_LEFT_SECONDS)
            return
        connection.setblocking(False)
        arriving: asyncio.Task[object] = self._loop.create_task(self._serve(connection))
        self._arriving.add(arriving)
        arriving.add_done_callback(self._arriving.discard)
        if self._next_word is not None:
            self._ledger.say(self._all())

    async def _serve(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:
            connection.close()
