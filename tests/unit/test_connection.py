"""``connection``: whose it is, its share of commands, its bounded way out, its pings."""

import weakref

import pytest

from chat.connection import Connection, Limits, Pause, State
from chat.errors import Close
from tests.unit.fake_socket import FakeTransport, Made


def test_a_new_connection() -> None:
    """It has no account yet, and was heard of when it opened."""
    connection = Made(now=5.0).connection
    assert connection.state is State.NEW
    assert (connection.account, connection.since, connection.heard) == (0, 5.0, 5.0)


def test_binding() -> None:
    """It is an account's from then on, and its pushes go on after the acknowledged one."""
    connection = Made().connection
    connection.bind(0, 1000, epoch=3, acked=7)
    assert connection.state is State.BOUND
    assert (connection.account, connection.epoch) == (1000, 3)
    assert (connection.seq, connection.acked) == (7, 7)


# The share of commands


def test_a_burst_then_the_rate() -> None:
    """The burst passes at once, then one command for each earned token."""
    connection = Made(Limits(10, 3)).connection
    assert [connection.allow(0.0) for _ in range(3)] == [0, 0, 0]
    assert connection.allow(0.0) == pytest.approx(0.1)
    assert connection.allow(0.05) == pytest.approx(0.05)
    assert connection.allow(0.1) == 0
    assert connection.allow(0.1) > 0


def test_waiting_as_told_is_enough() -> None:
    """Who waits for the time that was named gets its command through."""
    connection = Made(Limits(3, 1)).connection
    assert connection.allow(0.0) == 0
    wait = connection.allow(0.0)
    assert connection.allow(wait + 1e-9) == 0


def test_a_share_is_not_saved_up() -> None:
    """After an hour of silence there is one burst, not an hour's commands."""
    connection = Made(Limits(10, 3)).connection
    passed = [connection.allow(3600.0) == 0 for _ in range(5)]
    assert passed == [True, True, True, False, False]


def test_a_slow_rate() -> None:
    """Less than one command a second is a rate too."""
    connection = Made(Limits(0.5, 1)).connection
    assert connection.allow(0.0) == 0
    assert connection.allow(0.0) == pytest.approx(2.0)
    assert connection.allow(2.0) == 0


def test_no_limit() -> None:
    """A rate of 0 is no limit: nothing is refused, nobody is incorrigible."""
    connection = Made(Limits(0, 1)).connection
    assert not any(connection.allow(0.0) for _ in range(1000))
    assert not connection.overdone


def test_overdoing_it() -> None:
    """Refusals count, and every command within the limit takes one back."""
    connection = Made(Limits(1, 1, refused=3)).connection
    connection.allow(0.0)
    for _ in range(3):
        assert connection.allow(0.0) > 0
    assert not connection.overdone
    assert connection.allow(1.0) == 0
    connection.allow(1.0)
    assert not connection.overdone
    connection.allow(1.0)
    assert connection.overdone


def test_incorrigible_is_who_goes_on_long_after_being_told() -> None:
    """Not who sent a lot at once, nor who was never told."""
    connection = Made(Limits(0.001, 1, refused=3, patience=5)).connection
    for _ in range(10):
        connection.allow(0.0)
    assert connection.overdone
    assert not connection.incorrigible(1000.0), "it was not told"
    connection.told(1.0)
    connection.told(5.0)
    assert not connection.incorrigible(6.0)
    assert connection.incorrigible(6.1)


def test_who_comes_to_its_senses_is_not_incorrigible() -> None:
    """As many commands within the limit as there were beyond it, and the count begins anew."""
    connection = Made(Limits(1, 1, refused=1, patience=5)).connection
    for _ in range(3):
        connection.allow(0.0)
    connection.told(0.0)
    assert connection.incorrigible(5.1)
    assert [connection.allow(6.0), connection.allow(7.0)] == [0, 0]
    connection.told(8.0)
    for _ in range(3):
        connection.allow(8.0)
    assert not connection.incorrigible(12.0)


def test_answers_to_pushes_are_free() -> None:
    """As many as pushes were written, also by a client that does not know their numbers."""
    connection = Made().connection
    assert not connection.answers()
    connection.bind(0, 1000, 1, acked=5)
    assert not connection.answers()
    connection.seq = 7
    assert [connection.answers() for _ in range(3)] == [True, True, False]


def test_what_a_command_may_acknowledge() -> None:
    """All that was written, as long as the client does not say numbers itself."""
    connection = Made().connection
    connection.bind(0, 1000, 1, acked=5)
    connection.seq = 7
    assert connection.written == 7
    connection.numbers = True
    assert connection.written == 0


# Reading


def test_a_socket_is_read_when_nobody_has_a_reason_against_it() -> None:
    """Each takes back only its own; told twice is told once."""
    made = Made()
    connection, transport = made.connection, made.transport
    for reason in Pause.ACCOUNT, Pause.SHARE, Pause.REDIS, Pause.SHARE:
        connection.pause(reason)
    for reason in Pause.SHARE, Pause.REDIS, Pause.REDIS:
        connection.resume(reason)
        assert not transport.reading
    connection.resume(Pause.ACCOUNT)
    assert transport.reading


def test_a_closed_socket_is_neither_paused_nor_resumed() -> None:
    """Its transport is gone."""
    connection = Made().connection
    connection.pause(Pause.SHARE)
    connection.closed(1006)
    connection.resume(Pause.SHARE)
    connection.pause(Pause.REDIS)


# The way out


def test_sending() -> None:
    """A frame goes out as it is, before there is an account as well."""
    made = Made()
    made.connection.send(b"one")
    made.connection.bind(0, 1000, 1, 0)
    made.connection.send(b"two")
    assert made.transport.frames == [b"one", b"two"]


def test_a_slow_client_is_cut_off() -> None:
    """As much as the bound may wait; above it the socket is closed with 4002, and the frame not sent. That
    is looked at once the transport has said that its client does not keep up."""
    made = Made(Limits(10, 40, waiting_bytes=100))
    made.connection.congested = True
    made.transport.stuck = 100
    made.connection.send(b"fits")
    made.transport.stuck = 101
    made.connection.send(b"does not")
    made.connection.send(b"nor does this")
    assert made.transport.frames == [b"fits"]
    assert made.transport.codes == made.ends == [Close.TOO_SLOW]
    assert made.connection.state is State.CLOSED


# The end


def test_closing_from_this_side() -> None:
    """The client is told, the owner is told, both once; nothing is sent after it."""
    made = Made()
    made.connection.held.append(b"held")
    made.connection.close(Close.POLICY)
    made.connection.close(Close.TOO_BIG)
    made.connection.closed(1006)
    made.connection.send(b"late")
    assert made.transport.codes == made.ends == [Close.POLICY]
    assert made.transport.frames == []
    assert made.connection.held == []


def test_closed_by_the_client() -> None:
    """The first to say so counts, and no close frame is sent in vain."""
    made = Made()
    made.connection.closed(1000)
    made.connection.closed(1006)
    made.connection.close(Close.REPLACED)
    assert made.ends == [1000]
    assert made.transport.codes == []


def test_a_closed_connection_lets_go_of_its_socket() -> None:
    """Who still holds the connection for a while does not hold buffers and streams with it."""
    transport = FakeTransport()
    connection = Connection(transport, "", Limits(10, 40), 0.0, lambda _, code: None)
    socket = weakref.ref(transport)
    connection.closed(1006)
    del transport
    assert socket() is None
    connection.send(b"late")
    connection.close(Close.GOING_AWAY)


# Acknowledgements and pings


@pytest.mark.parametrize(
    ("seq", "news"), [(0, False), (3, False), (4, True), (9, True), (10, False)]
)
def test_acknowledging(seq: int, news: bool) -> None:
    """Only what was written, and not yet acknowledged, is news."""
    connection = Made().connection
    connection.bind(0, 1000, 1, acked=3)
    connection.seq = 9
    assert connection.acknowledge(seq) == news
    assert connection.acked == (seq if news else 3)


def test_a_pong_answers_the_oldest_ping() -> None:
    """It tells what was written before that ping; without an open ping it tells nothing."""
    connection = Made().connection
    connection.bind(0, 1000, 1, acked=0)
    connection.seq = 2
    connection.pinged()
    connection.seq = 5
    connection.pinged()
    assert [connection.ponged() for _ in range(3)] == [2, 5, None]


def test_where_all_is_acknowledged_a_command_may_acknowledge_nothing() -> None:
    """So the store is spared looking for it; the next push is one again."""
    connection = Made().connection
    connection.bind(0, 1000, 1, acked=3)
    assert connection.written == 0
    connection.seq = 4
    assert connection.written == 4
    assert connection.acknowledge(4)
    assert connection.written == 0
