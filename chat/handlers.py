"""A command in, one store call, a reply out. The only place where sockets and shared state meet.

Everything is callbacks: a command costs no task. Answers leave in the order of the requests,
because Redis answers in the order of the calls, and what needs no Redis waits for its turn.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from chat import commands as c
from chat import protocol
from chat.binding import Binding
from chat.connection import BINDING, BOUND, CLOSED, Connection, State
from chat.counts import Counts
from chat.errors import Close, Code, close_code
from chat.hub import Hub
from chat.liveness import Liveness
from chat.store.store import Store

log = logging.getLogger(__name__)

ANSWERS = (c.PushAnswer, c.Pong, c.Ignored)
BINDINGS = (c.Create, c.Reconnect)
RETRY_AFTER_MS = 1000
"""When to try again where no time is known: the partner's inbox is full."""


class Handlers:
    """``acked`` is told that a client has acknowledged something, ``flush`` hands that over, ``rest`` that one must not be read for
    a moment. ``new_token`` and ``new_nick`` make a credential and a friendly name; ``clock`` is in seconds."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        liveness: Liveness,
        acked: Callable[[Connection], None],
        flush: Callable[[], None],
        rest: Callable[[Connection], None],
        counts: Counts,
        *,
        clock: Callable[[], float],
        new_token: Callable[[], str],
        new_nick: Callable[[], str],
    ) -> None:
        self._store = store
        self._acked = acked
        self._rest = rest
        self._clock = clock
        self._counts = counts
        self._confirmed = counts.histogram(c.Dialogue, Code.SUCCESS)
        self._now = 0.0  # when the frame that is being acted on came in
        self.binding = Binding(
            store, hub, liveness, self.received, flush, counts,
            clock=clock, new_token=new_token, new_nick=new_nick,
        )  # fmt: skip
        self._requests: dict[type, Callable[[Connection, Any], None]] = {
            c.Dialogue: self._say,
            c.Viewed: self._viewed,
            c.Typing: self._typing,
            c.Match: self._match,
            c.MatchCancel: self._cancel,
            c.Leave: self._leave,
            c.Ping: self._pong,
        }

    def received(self, connection: Connection, frame: bytes) -> None:
        """Acts on one text frame, valid UTF-8 and within the size limit. Never raises for its content."""
        connection.heard = self._now = now = self._clock()
        state = connection.state
        if state is BINDING:
            self.binding.hold(connection, frame)
            return
        if state is CLOSED:
            return
        command: Any = protocol.decode(frame)
        handle = self._requests.get(type(command))
        if handle is None and self._is_free(connection, command):
            return
        wait = connection.allow(now)
        if wait:
            self._too_many(connection, command, now, wait)
        elif handle is None:
            self._consider(connection, command)
        elif state is BOUND and command.account == connection.account:
            handle(connection, command)
        else:
            self._refuse(connection, command, Code.NOT_ALLOWED)

    def _is_free(self, connection: Connection, command: Any) -> bool:
        """An answer that acknowledges something. Of those that do not, and that a client of the base
        protocol gives, one for each push is free; more cost as much as commands."""
        if not isinstance(command, ANSWERS):
            return False
        return self._is_news(connection, command) or connection.answers()

    def _consider(self, connection: Connection, command: Any) -> None:
        """What does not come from an account, within the limit; an answer that answers nothing is no command."""
        if isinstance(command, c.Malformed):
            self._malformed(connection, command)
        elif isinstance(command, BINDINGS):
            self._bind(connection, command)

    def control(self, connection: Connection) -> None:
        """A control frame came in. It costs as much as a command, but is never refused: RFC 6455."""
        connection.heard = now = self._clock()
        if connection.allow(now) and connection.overdone:
            self._rest(connection)

    # answers of the client

    def _is_news(self, connection: Connection, command: c.Command | c.Malformed) -> bool:
        """Takes an answer that acknowledges something."""
        if isinstance(command, c.PushAnswer):
            connection.numbers = True
            seq: int | None = command.seq
        elif isinstance(command, c.Pong) and command.account == connection.account:
            seq = connection.ponged()
            if (
                connection.numbers
            ):  # the client says itself what has arrived: this is a sign of life
                return seq is not None
        else:
            return False
        if seq is None:
            return False
        if connection.acknowledge(seq):
            self._acked(connection)
            return True
        return isinstance(command, c.Pong)

    # refusals

    def _refuse(
        self, connection: Connection, command: Any, code: int, wait_ms: int | None = None
    ) -> None:
        """Refuses what Redis is not asked about, in its turn."""
        self._in_turn(connection, command, code, protocol.refused(command, code, wait_ms))

    def _in_turn(self, connection: Connection, command: Any, code: int, frame: bytes) -> None:
        since = self._now

        def answer() -> None:
            connection.send(frame)
            self._counts.answered(type(command), code, self._clock() - since)

        if connection.state is State.NEW:
            answer()  # it waits for nothing, and has no pool in which others do
        else:
            self._store.in_turn(connection.pool, answer)

    def _malformed(self, connection: Connection, bad: c.Malformed) -> None:
        binds = bad.cmd in ("CRT_ACCOUNT", "RECONNECT")
        out_of_place = bad.cmd is not None and binds == (connection.state is State.BOUND)
        self._refuse(connection, bad, Code.NOT_ALLOWED if out_of_place else Code.PARAM)

    def _too_many(self, connection: Connection, command: Any, now: float, wait: float) -> None:
        """Refuses what is over the limit. Who does not listen is listened to less, and in the end not
        at all: but only who goes on long after being told."""
        if connection.incorrigible(now):
            connection.close(Close.POLICY)
            return
        if type(command) in c.CMD_OF or isinstance(command, c.Malformed):
            connection.told(now)
            self._counts.limits["commands_per_second"] += 1
            self._refuse(connection, command, Code.RATE_LIMITED, max(1, round(wait * 1000)))
        if connection.overdone:
            self._rest(connection)

    # what each command does

    def _bind(self, connection: Connection, command: c.Create | c.Reconnect) -> None:
        if connection.state is State.BOUND:
            self._refuse(connection, command, Code.NOT_ALLOWED)
        else:
            self.binding.bind(connection, command)

    def _done(
        self, connection: Connection, command: Any, answer: Callable[..., bytes | None]
    ) -> Callable[[int, Sequence[Any]], None]:
        """What the store calls at the end of a command that came in now."""
        return partial(self._answered, connection, command, answer, self._now)

    def _answered(
        self, connection: Connection, command: Any, answer: Callable[..., bytes | None], since: float,
        code: int, values: Sequence[Any],
    ) -> None:  # fmt: skip
        """The end of every command: ``answer`` makes the frame of a success from the store's values."""
        self._counts.answered(type(command), code, self._clock() - since)
        if code == Code.SUCCESS:
            if (frame := answer(*values)) is not None:
                connection.send(frame)
        elif code < 0:
            connection.close(close_code(code))
        else:
            wait_ms = None
            if code == Code.RATE_LIMITED:
                self._counts.limits["inbox_length"] += 1
                wait_ms = RETRY_AFTER_MS
            elif code == Code.NOT_ALLOWED:  # what only a match is told
                self._counts.limits["sessions_per_account"] += 1
            connection.send(protocol.refused(command, code, wait_ms))

    def _match(self, connection: Connection, command: c.Match) -> None:
        def answer(session: int, partner: int, nick: bytes, waited_ms: int) -> bytes:
            self._counts.matched(waited_ms)
            return protocol.match_resp(partner, nick, session)

        done = self._done(connection, command, answer)
        self._store.match(connection.pool, connection.account, connection.epoch, done)

    def _cancel(self, connection: Connection, command: c.MatchCancel) -> None:
        done = self._done(connection, command, _success(command))
        self._store.cancel(connection.pool, connection.account, connection.epoch, done)

    def _say(self, connection: Connection, command: c.Dialogue) -> None:
        request_id = protocol.json_text(command.request_id)
        self._store.say(
            connection.speaker, connection.pool, command.session, connection.written,
            request_id, command.retry, protocol.json_text(command.content),
            (connection, command, request_id, self._now),
        )  # fmt: skip

    def said(
        self, asked: Sequence[tuple[Connection, c.Dialogue, bytes, float]], codes: Sequence[int],
        msgs: Sequence[int],
    ) -> None:  # fmt: skip
        """The answers to messages. As ``_answered``, for what is answered most often: with success."""
        now, answer = self._clock(), protocol.dialogue_resp
        took = []
        for (connection, command, request_id, since), code, msg in zip(
            asked, codes, msgs, strict=True
        ):
            try:
                if code == 0:
                    took.append(now - since)
                    connection.send(answer(request_id, msg))
                else:
                    self._answered(connection, command, _nothing, since, code, ())
            except Exception:  # a fault of ours costs one message its answer, not the others theirs
                log.exception("the answer to a message could not be dealt with")
        self._confirmed.observe_all(took)

    def _viewed(self, connection: Connection, command: c.Viewed) -> None:
        done = self._done(connection, command, _success(command))
        self._store.viewed(
            connection.pool, connection.account, connection.epoch, command.session,
            connection.written, command.msg, done,
        )  # fmt: skip

    def _typing(self, connection: Connection, command: c.Typing) -> None:
        done = self._done(connection, command, _nothing)
        self._store.typing(
            connection.pool, connection.account, connection.epoch, command.session,
            connection.written, command.typing, done,
        )  # fmt: skip

    def _leave(self, connection: Connection, command: c.Leave) -> None:
        done = self._done(connection, command, _success(command))
        self._store.leave(
            connection.pool, connection.account, connection.epoch, command.session,
            connection.written, done,
        )  # fmt: skip

    def _pong(self, connection: Connection, command: c.Ping) -> None:
        frame = protocol.ping_resp(connection.account)
        self._in_turn(connection, command, Code.SUCCESS, frame)


def _nothing() -> None:
    """The answer of a success that has none."""


def _success(command: c.Command) -> Callable[[], bytes]:
    return partial(protocol.done_resp, c.CMD_OF[type(command)])
