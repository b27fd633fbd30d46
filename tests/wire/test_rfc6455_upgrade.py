"""The HTTP side of the socket: who may upgrade, and how a request is refused."""

import asyncio
from collections.abc import Iterator, Mapping

import pytest

from tests.support.frames import CLOSE, TEXT, encode_frame
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.wire.abuse import KEY, connect, quiet_node, upgrade

ORIGIN = "http://chat.test"


@pytest.fixture(scope="module")
def node() -> Iterator[NodeProcess]:
    with quiet_node() as quiet:
        yield quiet


def head_after(node: NodeProcess, request: bytes) -> str:
    """The head of the node's answer; where it upgrades, the socket is closed again."""

    async def scenario() -> str:
        async with connect(node) as raw:
            raw.send(request)
            head = await raw.head()
            if head.startswith("HTTP/1.1 101"):
                raw.send(encode_frame(CLOSE, b"\x03\xe8"))
                assert await raw.frame() == (CLOSE, b"\x03\xe8")
            return head

    return asyncio.run(scenario())


def status(node: NodeProcess, request: bytes) -> int:
    return int(head_after(node, request).split(" ")[1])


PASSES: dict[str, Mapping[str, str | None]] = {
    "no Origin": {},
    "the Origin of its own page": {"Origin": ORIGIN},
    "its own Origin over TLS": {"Origin": "https://chat.test"},
    "an Origin in capitals": {"Origin": "HTTP://Chat.TEST"},
    "its own Origin with a port": {"Host": "chat.test:8000", "Origin": "http://chat.test:8000"},
    "Firefox": {"Connection": "keep-alive, Upgrade", "Origin": ORIGIN},
    "another spelling": {"Connection": "upgrade", "Upgrade": "WebSocket"},
    "subprotocols": {"Sec-WebSocket-Protocol": "chat, superchat"},
    "compression": {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
    "a proxy": {"X-Forwarded-For": "10.0.0.1, nonsense, ::1", "Forwarded": "for=10.0.0.1"},
    "a cookie": {"Cookie": "a=b" * 500},
    "bytes that are no ASCII": {"User-Agent": "caf\xe9\xff"},
}


@pytest.mark.parametrize("kind", PASSES)
def test_an_upgrade_that_passes(node: NodeProcess, kind: str) -> None:
    """Everything that clients and proxies really send is upgraded."""
    assert status(node, upgrade(headers=PASSES[kind])) == 101


def test_what_the_upgrade_says(node: NodeProcess) -> None:
    """The accept key is RFC 6455's; no subprotocol and no extension is agreed to."""
    offers = {"Sec-WebSocket-Protocol": "chat", "Sec-WebSocket-Extensions": "permessage-deflate"}
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    head = head_after(node, upgrade(headers={"Sec-WebSocket-Key": key, **offers})).lower()
    assert "sec-websocket-accept: " + "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".lower() in head
    assert "sec-websocket-protocol" not in head
    assert "sec-websocket-extensions" not in head


def test_a_query_is_no_other_path(node: NodeProcess) -> None:
    """What a page appends to the address is not looked at."""
    assert status(node, upgrade("/ws?v=2")) == 101


REFUSED: dict[str, tuple[int, Mapping[str, str | None]]] = {
    "another page": (403, {"Origin": "https://elsewhere.test"}),
    "another port": (403, {"Origin": "http://chat.test:81"}),
    "a page without an origin": (403, {"Origin": "null"}),
    "an empty Origin": (403, {"Origin": ""}),
    "no kind of page": (403, {"Origin": "file://chat.test"}),
    "an Origin that is none": (403, {"Origin": "http://[chat.test"}),
    "an Origin with our name in it": (403, {"Origin": "https://chat.test.elsewhere.test"}),
    "an Origin with bytes": (403, {"Origin": "http://caf\xe9.test"}),
    "no version": (426, {"Sec-WebSocket-Version": None}),
    "version 12": (426, {"Sec-WebSocket-Version": "12"}),
    "version 8": (426, {"Sec-WebSocket-Version": "8"}),
    "version 113": (426, {"Sec-WebSocket-Version": "113"}),
    "version twelve": (426, {"Sec-WebSocket-Version": "twelve"}),
    "no key": (400, {"Sec-WebSocket-Key": None}),
    "an empty key": (400, {"Sec-WebSocket-Key": ""}),
    "a short key": (400, {"Sec-WebSocket-Key": "c2hvcnQ="}),
    "a key that is no base64": (400, {"Sec-WebSocket-Key": "!" * 24}),
    "a key with bytes": (400, {"Sec-WebSocket-Key": "\xe9" * 24}),
    "a body": (400, {"Content-Length": "5"}),
    "a body in chunks": (400, {"Transfer-Encoding": "chunked"}),
    "no upgrade": (426, {"Upgrade": None, "Connection": None}),
    "no word of upgrading": (426, {"Connection": "keep-alive"}),
    "nothing to upgrade to": (426, {"Upgrade": None}),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_an_upgrade_that_is_refused(node: NodeProcess, kind: str) -> None:
    """The status says why; the node has nothing to log."""
    expected, headers = REFUSED[kind]
    assert status(node, upgrade(headers=headers)) == expected


@pytest.mark.parametrize("path", ["/", "/ws/", "/wsx", "/healthz", "/%77s", "//ws", "/ws/../ws"])
def test_another_path_is_404(node: NodeProcess, path: str) -> None:
    """The socket is at /ws and nowhere else."""
    assert status(node, upgrade(path)) == 404


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "OPTIONS", "CONNECT"])
def test_only_get_upgrades(node: NodeProcess, method: str) -> None:
    """Another method is refused, with an upgrade and without."""
    assert status(node, upgrade(method=method)) in {400, 404, 405}
    plain = {"Upgrade": None, "Connection": None}
    assert status(node, upgrade(method=method, headers=plain)) in {400, 404, 405, 426}


def test_426_says_what_to_do(node: NodeProcess) -> None:
    """A GET of /ws is told to upgrade, and to what."""
    head = head_after(node, upgrade(headers={"Upgrade": None, "Connection": None})).lower()
    assert head.startswith("http/1.1 426")
    assert "upgrade: websocket" in head


def test_another_version_is_told_which_one_is_spoken(node: NodeProcess) -> None:
    """RFC 6455, 4.4: so that a client can try again with that one."""
    head = head_after(node, upgrade(headers={"Sec-WebSocket-Version": "7"})).lower()
    assert head.startswith("http/1.1 426")
    assert "sec-websocket-version: 13" in head


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_the_socket_without_an_upgrade(node: NodeProcess, method: str) -> None:
    """426, whatever the method."""
    asked = {"Upgrade": None, "Connection": None, "Content-Length": "0"}
    assert status(node, upgrade(headers=asked, method=method)) == 426


@pytest.mark.parametrize("data", [b"", b"GET /ws HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\n"])
def test_a_request_that_is_never_finished(data: bytes) -> None:
    """Ended after the time in which a socket has to have an account; a whole request has its answer."""

    async def scenario(node: NodeProcess) -> None:
        async with connect(node) as raw, connect(node) as other:
            raw.send(data)
            other.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert await other.status() == 200
            assert await raw.rest() == b""

    with quiet_node({**NO_LIMITS, "CHAT_HANDSHAKE_SECONDS": "0.5"}) as node:
        asyncio.run(scenario(node))


NO_REQUEST = {
    "random bytes": bytes(range(128, 256)),
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n",
    "an empty line only": b"\r\n\r\n\r\n",
    "no version": b"GET /ws\r\n\r\n",
    "HTTP/3.0": b"GET /ws HTTP/3.0\r\n\r\n",
    "no Host": b"GET /ws HTTP/1.1\r\n\r\n",
    "a header without a colon": b"GET /ws HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
    "two lengths": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "HTTP/2's first words": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a request line without an end": b"GET /" + b"x" * 100_000,
    "a header without an end": b"GET /ws HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000,
}


@pytest.mark.parametrize("kind", NO_REQUEST)
def test_what_is_no_request_is_refused_quietly(kind: str) -> None:
    """400 or a plain end, and not a word in the log: strangers must not be able to fill it."""

    async def scenario(node: NodeProcess) -> None:
        async with connect(node) as raw:
            raw.send(NO_REQUEST[kind])
            raw.end()
            answer = await raw.rest()
            assert answer == b"" or answer.split(b" ")[1] in {b"400", b"404", b"426", b"431"}

    with quiet_node() as node:
        asyncio.run(scenario(node))


def test_another_upgrade_is_ignored_quietly() -> None:
    """A client that offers HTTP/2 gets its page by HTTP/1.1, and the log stays as it is."""
    with quiet_node() as node:
        offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAM"}
        assert status(node, upgrade("/healthz", offer)) == 200


@pytest.mark.parametrize("size", [10_000, 16_000, 20_000, 60_000, 100_000])
@pytest.mark.parametrize("lines", [1, 20])
def test_too_large_headers_are_refused(node: NodeProcess, size: int, lines: int) -> None:
    """Headers beyond what a browser sends end in an answer or a plain end, never in a hang."""

    async def scenario() -> bytes:
        async with connect(node) as raw:
            headers = {f"X-{number}": "x" * (size // lines) for number in range(lines)}
            raw.send(upgrade(headers=headers) + encode_frame(CLOSE, b"\x03\xe8"))
            raw.end()
            return await raw.rest()

    answer = asyncio.run(scenario())
    assert answer == b"" or answer.split(b" ")[1] in {b"101", b"400", b"431"}


def test_a_frame_in_the_packet_of_the_upgrade(node: NodeProcess) -> None:
    """A client must wait for the answer. One that does not is not stuck: what it sends later counts."""

    async def scenario() -> None:
        async with connect(node) as raw:
            raw.send(upgrade() + encode_frame(TEXT, b'{"cmd":"EARLY"}'))
            assert await raw.status() == 101
            raw.send(encode_frame(TEXT, b'{"cmd":"LATER"}'))
            frames = [await raw.frame()]
            while b"LATER" not in frames[-1][1]:
                frames.append(await raw.frame())
            assert all(opcode == TEXT for opcode, _ in frames)

    asyncio.run(scenario())


def test_a_second_upgrade_on_the_socket(node: NodeProcess) -> None:
    """HTTP after the upgrade is a broken frame."""

    async def scenario() -> None:
        async with connect(node) as raw:
            raw.send(upgrade())
            assert await raw.status() == 101
            raw.send(upgrade(headers={"Sec-WebSocket-Key": KEY}))
            opcode, payload = await raw.frame()
            assert (opcode, payload[:2]) == (CLOSE, b"\x03\xea")

    asyncio.run(scenario())


def test_a_request_then_an_upgrade(node: NodeProcess) -> None:
    """A connection that was used for HTTP can still become a socket."""

    async def scenario() -> None:
        async with connect(node) as raw:
            plain = upgrade("/healthz", {"Upgrade": None, "Connection": None})
            raw.send(plain)
            assert await raw.status() == 200
            raw.send(upgrade())
            rest = await raw.head()
            assert "101" in rest

    asyncio.run(scenario())
