"""``chat top`` on a real terminal: it lives, fits, survives Redis, and leaves the terminal as it was."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.nodes import NO_LIMITS, ROOT, NodeProcess
from tests.support.process import HOST, free_port
from tests.support.servers import Server
from tests.support.wire import Wire
from tests.top.terminal import Terminal

QUICK = {**NO_LIMITS, "CHAT_NODE_LEASE_SECONDS": "1", "CHAT_REDIS_TIMEOUT_SECONDS": "0.5"}
EVERY = "--every", "0.1"

Place = tuple[Server, NodeProcess]


@pytest.fixture(scope="module")
def place(redis_server: Server) -> Iterator[Place]:
    """A Redis of its own, with one node and nobody there."""
    with Server(redis_server.kind) as server, NodeProcess(server.url, QUICK) as node:
        yield server, node


def restored(terminal: Terminal) -> bool:
    """The first screen, with a cursor, and lines as they were."""
    screen = terminal.screen
    as_before = terminal.settings() == terminal.before
    return as_before and screen.cursor and not screen.alternate and "\x1b[?1049l" in screen.written


def test_it_lives(place: Place) -> None:
    """Who comes and who waits is seen without a key; the use of the processor from the second look on."""
    server, node = place
    with Terminal("--redis-url", server.url, *EVERY) as terminal:
        terminal.shows("0 online", "1 alive", "q ends", "CPU ")
        assert terminal.screen.alternate
        assert not terminal.screen.cursor

        async def scenario() -> None:
            carol = await Wire.open(node.url)
            await carol.create("Carol")
            await carol.match()
            await asyncio.to_thread(terminal.shows, "1 online", f"waiting {carol.account_id} for")
            assert "Carol" not in terminal.screen.text
            await carol.close()

        asyncio.run(scenario())
        terminal.shows("0 online", "0 waiting")


def test_a_still_picture_is_not_written_anew(place: Place) -> None:
    """Only what has changed goes out: nothing flickers."""
    with Terminal("--redis-url", place[0].url, *EVERY) as terminal:
        terminal.shows("CPU ", "NODE")
        before = len(terminal.screen.written)
        second = terminal.screen.lines[0]
        terminal.until(lambda: terminal.screen.lines[0] != second, "shows another second")
        assert "\x1b[2J" not in terminal.screen.written[before:]
        assert "NODE" not in terminal.screen.written[before:]


def test_it_follows_the_window(place: Place) -> None:
    """Smaller, so that columns give way; larger, so that they are back."""
    with Terminal("--redis-url", place[0].url, *EVERY, columns=120, rows=40) as terminal:
        terminal.shows("VERSION", "0.1.0")
        terminal.resize(60, 20)
        terminal.shows("NODE", "LAG ms", "q ends")
        assert "VERSION" not in terminal.screen.text
        terminal.resize(100, 30)
        terminal.shows("VERSION", "q ends")


@pytest.mark.parametrize("key", [b"q", b"Q", b"\x03"])
def test_a_key_ends_it(place: Place, key: bytes) -> None:
    """q, or Ctrl-C."""
    with Terminal("--redis-url", place[0].url) as terminal:
        terminal.shows("q ends")
        terminal.key(key)
        assert terminal.ended() == 0
        assert restored(terminal)
        assert terminal.screen.text.strip() == ""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 0)]
)
def test_a_signal_ends_it(place: Place, number: signal.Signals, code: int) -> None:
    """The terminal is as it was, and the exit code tells."""
    with Terminal("--redis-url", place[0].url) as terminal:
        terminal.shows("q ends")
        terminal.signal(number)
        assert terminal.ended() == code
        assert restored(terminal)
        assert terminal.screen.text.strip() == ""


def test_colours(place: Place) -> None:
    """As NO_COLOR wishes; what matters is told by words too."""
    for env, coloured in ((dict[str, str](), True), ({"NO_COLOR": "1"}, False)):
        with Terminal("--redis-url", place[0].url, env=env) as terminal:
            terminal.shows("q ends")
            assert ("\x1b[0;90m" in terminal.screen.written) is coloured
            terminal.key(b"q")
            terminal.ended()


def test_only_one_picture_where_it_is_wished(place: Place) -> None:
    """--once and --json do not take the screen."""
    for option in ("--once", "--json"):
        with Terminal("--redis-url", place[0].url, option) as terminal:
            assert terminal.ended() == 0
            assert "\x1b" not in terminal.screen.written
            assert "online" in terminal.screen.written


def test_nothing_to_show_at_the_start() -> None:
    """One line on the screen there was, as anywhere else."""
    with Terminal("--redis-url", f"redis://{HOST}:{free_port()}") as terminal:
        assert terminal.ended() == 1
        assert "\x1b" not in terminal.screen.written
        assert "cannot look at Redis" in terminal.screen.written


def test_redis_goes_away_and_comes_back(redis_server: Server) -> None:
    """The last picture stays, with a line that says so and counts; all by itself it goes on."""
    with (
        Server(redis_server.kind) as server,
        NodeProcess(server.url, QUICK) as node,
        Terminal("--redis-url", server.url, *EVERY, columns=120) as terminal,
    ):

        def all_is_well() -> None:
            terminal.until(lambda: " Redis for " not in terminal.screen.text, "answers again")
            terminal.shows("1 alive", "q ends")

        terminal.shows("1 alive")
        server.kill()
        terminal.shows("no answer from Redis for 1 s: ", "Connect call failed", "1 alive")
        terminal.shows("no answer from Redis for 2 s: ")
        server.start()
        all_is_well()
        server.pause()
        terminal.shows("no answer from Redis for ", "no answer for 2 s")
        server.resume()
        all_is_well()
        node.kill()
        terminal.shows("0 alive", " dead ")
        terminal.key(b"q")
        assert terminal.ended() == 0
        assert restored(terminal)


def test_a_node_that_leaves_is_gone(place: Place) -> None:
    """It is shown for a while longer."""
    server, _ = place
    with Terminal("--redis-url", server.url, *EVERY) as terminal:
        terminal.shows("1 alive")
        with NodeProcess(server.url, QUICK) as other:
            terminal.shows("2 alive")
            assert other.stop() == 0
        terminal.shows("1 alive", " gone ")


def test_what_no_node_has_written_is_told(redis_server: Server) -> None:
    """Beside the last picture there was; it goes on when there is something to see again."""
    library = """#!lua name=chat_1
        local function overview() return {0, %s} end
        local function waiting() return {0} end
        local flags = {'no-writes'}
        redis.register_function({function_name = 'chat_1_overview', callback = overview, flags = flags})
        redis.register_function({function_name = 'chat_1_waiting', callback = waiting, flags = flags})"""
    figures = "'accounts', 0, 'away', 0, 'sessions', 0, 'waiting', 0, 'longest', 0, 'nodes', {}"
    with Server(redis_server.kind) as server, server.client() as client:
        client.function_load(library.replace("%s", figures))
        with Terminal("--redis-url", server.url, *EVERY) as terminal:
            terminal.shows("no node has a lease here")
            client.function_load(library.replace("%s", "'strange', 1"), replace=True)
            terminal.shows("nothing to see in Redis", "it answers what no chat node")
            client.function_load(library.replace("%s", figures), replace=True)
            terminal.until(lambda: "nothing to see" not in terminal.screen.text, "goes on")


FAULT = """
from chat.top.history import History

add = History.add

def failing(self, snapshot, now):
    if self._redis:
        raise KeyError("nobody thought of it")
    return add(self, snapshot, now)

History.add = failing
"""


def test_a_fault_of_ours_leaves_the_terminal_too(place: Place, tmp_path: Path) -> None:
    """What nobody thought of is told on the first screen, which is as it was."""
    server, _ = place
    (tmp_path / "sitecustomize.py").write_text(FAULT)
    env = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with Terminal("--redis-url", server.url, *EVERY, env=env) as terminal:
        terminal.shows("KeyError")
        assert terminal.ended() == 1
        assert restored(terminal)
