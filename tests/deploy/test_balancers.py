"""deploy/nginx and deploy/haproxy, run for real: nodes behind them that die, roll, and see who somebody is."""

import asyncio
import contextlib
import http.client
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
import yaml
from picows import WSHandshakeError

from chat.client import Client, Message
from tests.support.balancer import (
    DEPLOY,
    PUBLIC,
    PUBLIC_FILES,
    Balancer,
    HAProxy,
    Nginx,
    find,
    replaced,
)
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import HOST, wait_until
from tests.support.servers import Server, available_servers
from tests.support.wire import Wire

KINDS: dict[str, type[Nginx | HAProxy]] = {"nginx": Nginx, "haproxy": HAProxy}
SETTINGS = {
    **NO_LIMITS,
    "CHAT_SOCKETS_PER_ADDRESS": "4",
    "CHAT_TRUSTED_PROXIES": HOST,
    "CHAT_DRAIN_SECONDS": "1",
}

Behind = tuple[Balancer, list[NodeProcess]]


@pytest.fixture(params=KINDS)
def behind(request: pytest.FixtureRequest) -> Iterator[Behind]:
    """Two nodes of one Redis behind each balancer in turn."""
    if find(request.param) is None:
        pytest.skip(f"there is no {request.param} on this machine")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(available_servers()[0]))
        nodes = [stack.enter_context(NodeProcess(server.url, SETTINGS)) for _ in range(2)]
        yield stack.enter_context(KINDS[request.param](nodes)), nodes


async def conversation(balancer: Balancer, nodes: list[NodeProcess], *, stop: str) -> None:
    """Two people talk while one node after the other goes, and comes back; each message arrives once."""
    loop = asyncio.get_running_loop()
    async with Client(balancer.url, name="Ada") as ada, Client(balancer.url, name="Bob") as bob:
        session, _ = await asyncio.gather(ada.match(), bob.match())

        rolled = asyncio.Event()

        async def speak() -> int:
            said = 0
            while not rolled.is_set():
                await ada.say(session, str(said))
                said += 1
                await asyncio.sleep(0.02)  # as fast as somebody types who is very fast
            await ada.say(session, "the end")
            return said

        async def hear() -> list[str]:
            heard: list[str] = []
            async for event in bob.events():
                if isinstance(event, Message):
                    if event.content == "the end":
                        break
                    heard.append(event.content)
            return heard

        async def roll() -> None:
            for node in nodes:
                await loop.run_in_executor(None, node.kill if stop == "kill" else node.stop)
                await loop.run_in_executor(None, node.start)
                await loop.run_in_executor(None, back, balancer)
            rolled.set()

        async with asyncio.timeout(60):
            said, heard, _ = await asyncio.gather(speak(), hear(), roll())
        assert said > 0
        assert heard == [str(number) for number in range(said)]


def back(balancer: Balancer) -> None:
    wait_until(balancer.answers, "a node answers through the balancer")


@pytest.mark.parametrize("stop", ["kill", "roll"])
def test_nothing_is_lost_while_nodes_go_and_come(behind: Behind, stop: str) -> None:
    """Killed, or told to stop, one after the other: people come back through the balancer, in order."""
    balancer, nodes = behind
    asyncio.run(conversation(balancer, nodes, stop=stop))


def test_nginx_has_room_for_sockets(tmp_path: Path) -> None:
    """nginx.conf is one that it takes, with chat.conf in it, where compose.yaml puts the two: two connections
    for each of 10 000 people."""
    nginx = find("nginx")
    if nginx is None:
        pytest.skip("there is no nginx on this machine")
    (tmp_path / "conf.d").mkdir()
    volumes = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["nginx"]["volumes"]
    for source, target, _ in (volume.split(":") for volume in volumes):
        text = (DEPLOY / source).read_text()
        text = re.sub(r"node\d:8000", f"{HOST}:8000", text)
        (tmp_path / Path(target).relative_to("/etc/nginx")).write_text(text)
    conf = tmp_path / "nginx.conf"
    (connections,) = re.findall(r"worker_connections (\d+);", conf.read_text())
    assert int(connections) >= 2 * 10_000
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "\n".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    conf.write_text(replaced(conf.read_text(), ("http {", f"http {{\n{own}")))
    command: list[str | Path] = [nginx, "-t", "-e", "stderr", "-g", f"pid {tmp_path}/pid;"]
    done = subprocess.run(
        [*command, "-p", tmp_path, "-c", conf], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_sockets_are_spread_over_the_nodes(behind: Behind) -> None:
    """Each new one goes to the node that has the fewest."""
    balancer, nodes = behind

    async def scenario() -> None:
        wires = [await Wire.open(balancer.url) for _ in range(4)]
        for wire in wires:
            await wire.create()
        for node in nodes:
            node.kill()
            closed = [wire for wire in wires if await gone(wire)]
            assert len(closed) == 2
            wires = [wire for wire in wires if wire not in closed]

    async def gone(wire: Wire) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await wire.closed()
                return True
        return False

    asyncio.run(scenario())


def test_nodes_see_whose_socket_it_is(behind: Behind) -> None:
    """The limit of an address is for people, not for the balancer, and not for what somebody claims."""
    balancer, nodes = behind
    most = 4 * len(nodes)

    async def scenario() -> None:
        home = [await Wire.open(balancer.url, local_addr=("127.0.0.2", 0)) for _ in range(most)]
        claim = {"X-Forwarded-For": "203.0.113.7"}
        with pytest.raises(WSHandshakeError):
            await Wire.open(balancer.url, claim, local_addr=("127.0.0.2", 0))
        other = await Wire.open(balancer.url, local_addr=("127.0.0.3", 0))
        await other.create()
        assert len(home) == most

    asyncio.run(scenario())


def test_the_public_sees_what_people_need(behind: Behind) -> None:
    """What a node answers there is what the balancer answers; a file under /web/ too."""
    balancer, nodes = behind
    _, _, client = ask(nodes[0].port, "/client.js")
    file = f"/{client}"
    assert file.startswith(f"{PUBLIC_FILES}/")
    for path in (*PUBLIC, "/?a=b", file, f"{PUBLIC_FILES}/old/page.js"):
        assert ask(balancer.port, path)[:2] == ask(nodes[0].port, path)[:2], path


@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "/metrics/", "/metrics?a=b", "//metrics", "/%6detrics", "/METRICS"),
        *("/healthz", "/web/../metrics", "/web/%2e%2e/metrics", "/web/..%2fmetrics", "/ws/../metrics"),
        *("/web", "/none", "/./metrics", "/metrics#", "/ws/metrics"),
    ],
)  # fmt: skip
def test_the_public_sees_nothing_else(behind: Behind, path: str) -> None:
    """However it is spelt: a node that counts for the operator does not do it for everybody."""
    status, body, _ = ask(behind[0].port, path)
    assert status in {400, 404}, body


def ask(port: int, path: str) -> tuple[int, str, str | None]:
    """Status, body, and where it leads."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode(), response.getheader("Location")
    finally:
        connection.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_the_page_comes_from_a_node_that_has_it(kind: str) -> None:
    """While nodes are being replaced some are of another release, and say 404: the balancer asks another one.
    Otherwise a new visitor would hardly get all files of a page."""
    if find(kind) is None:
        pytest.skip(f"there is no {kind} on this machine")
    with ExitStack() as stack:
        server = stack.enter_context(Server(available_servers()[0]))
        node, other = (stack.enter_context(NodeProcess(server.url, SETTINGS)) for _ in range(2))
        stranger = stack.enter_context(of_another_release(other))
        balancer = KINDS[kind]([node, stranger])  # type: ignore[list-item]  # it has a port
        stack.enter_context(balancer)
        release = re.findall(r'"web/(\w+)/', fetch(node.port, "/")[1].decode())[0]
        for _ in range(6):
            assert fetch(balancer.port, f"/web/{release}/style.css")[0] == 200
        assert stranger.asked
        assert fetch(balancer.port, f"/web/{release}/none.css")[0] == 404


def test_what_no_node_has_is_not_asked_of_all() -> None:
    """nginx asks five at the most, however many there are; HAProxy tries twice again, in any case."""
    if find("nginx") is None:
        pytest.skip("there is no nginx on this machine")
    with ExitStack() as stack:
        server = stack.enter_context(Server(available_servers()[0]))
        node = stack.enter_context(NodeProcess(server.url, SETTINGS))
        strangers = [stack.enter_context(of_another_release(node)) for _ in range(8)]
        balancer = KINDS["nginx"](strangers)  # type: ignore[arg-type]  # they have ports
        stack.enter_context(balancer)
        assert fetch(balancer.port, "/web/0/none.css")[0] == 404
        assert 1 < sum(len(stranger.asked) for stranger in strangers) <= 5


@contextlib.contextmanager
def of_another_release(node: NodeProcess) -> Iterator[SimpleNamespace]:
    """In front of that node: it has no such files."""
    known = SimpleNamespace(asked=[], port=0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known.asked += [self.path] if self.path.startswith("/web/") else []
            status = 404 if self.path.startswith("/web/") else fetch(node.port, self.path)[0]
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        known.port = server.server_address[1]
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield known
        finally:
            server.shutdown()
            thread.join()


def fetch(port: int, path: str) -> tuple[int, bytes]:
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=5)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
