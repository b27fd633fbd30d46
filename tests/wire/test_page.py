"""The page as a node sends it to a browser."""

import gzip
import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urljoin

import pytest

from chat.page import POLICY, Page, load_page
from tests.conftest import Nodes
from tests.support.nodes import NodeProcess
from tests.support.process import HOST

HOSTILE = [
    "..%2findex.html", "..%2f..%2fpage.py", "%2e%2e/page.py", "../../page.py", "client.js%00", "%00",
    "%00.js", "client.js%2f", "client.js/", "%2fetc%2fpasswd", "..%5cpage.py", "a" * 20000 + ".js", "%ff",
    "%", "CLIENT.JS", "client.js%20", "", "index.html", "__init__.py", "client.js;a", "%c0%ae%c0%ae/page.py",
]  # fmt: skip


@dataclass
class Answer:
    """What came back, with the body as it was sent."""

    status: int
    headers: Message
    body: bytes


def ask(
    node: NodeProcess, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> Answer:
    connection = http.client.HTTPConnection(HOST, node.port, timeout=5)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


@pytest.fixture
def node(two_nodes: Nodes) -> NodeProcess:
    return two_nodes[0]


@pytest.fixture(scope="module")
def page() -> Page:
    return load_page()


def test_the_start_page_comes_with_its_policy(node: NodeProcess, page: Page) -> None:
    """Policy, nosniff, no-referrer; to be asked for each time."""
    answer = ask(node, "/")
    assert answer.status == 200
    assert answer.body == page.start.body
    for name, value in POLICY.items():
        assert answer.headers.get_all(name) == [value]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["ETag"] == f'W/"{page.release}"'


def test_nothing_sets_a_cookie(node: NodeProcess, page: Page) -> None:
    """Neither the page nor its files, nor what is refused; and no answer names its software."""
    found = [f"/web/{page.release}/{name}" for name in page.files]
    for path in [
        "/",
        "/client.js",
        "/ws",
        "/healthz",
        "/readyz",
        "/none",
        "/web/old/page.js",
        *found,
    ]:
        headers = ask(node, path, {"Cookie": "a=b"}).headers
        assert "Set-Cookie" not in headers
        assert "Server" not in headers


def test_a_browser_that_has_the_page_is_told_so(node: NodeProcess, page: Page) -> None:
    """304 for its tag, also among others; with all that a browser is to keep with the page."""
    tag = f'"{page.release}"'
    for known in (tag, f"W/{tag}", f'"other", W/{tag}', "*"):
        answer = ask(node, "/", {"If-None-Match": known, "Accept-Encoding": "gzip"})
        assert answer.status == 304
        assert answer.body == b""
        assert answer.headers["ETag"] == f"W/{tag}"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["Content-Security-Policy"] == POLICY["Content-Security-Policy"]
        assert "Content-Encoding" not in answer.headers
    for other in ('"other"', page.release, ""):
        assert ask(node, "/", {"If-None-Match": other}).status == 200


def test_the_tag_that_was_sent_is_known(node: NodeProcess) -> None:
    """As a browser does it, packed or not."""
    for accepted in ("gzip", "identity"):
        tag = ask(node, "/", {"Accept-Encoding": accepted}).headers["ETag"]
        assert ask(node, "/", {"If-None-Match": tag}).status == 304


def test_packed_for_those_who_accept_it(node: NodeProcess, page: Page) -> None:
    """gzip where it is accepted, plain text where it is not; caches know that both exist."""
    for path in ("/", f"/web/{page.release}/page.js"):
        packed = ask(node, path, {"Accept-Encoding": "gzip, br"})
        plain = ask(node, path, {"Accept-Encoding": "br, gzip;q=0"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert "Content-Encoding" not in plain.headers
        assert gzip.decompress(packed.body) == plain.body
        for answer in (packed, plain):
            assert answer.headers["Vary"] == "Accept-Encoding"
            assert answer.headers["Content-Length"] == str(len(answer.body))


def test_every_file_can_be_kept_for_ever(node: NodeProcess, page: Page) -> None:
    """Under the digest: whole, of its type, immutable, and for other pages too."""
    for name, file in page.files.items():
        answer = ask(node, f"/web/{page.release}/{name}")
        assert answer.status == 200
        assert answer.body == file.body
        assert answer.headers["Content-Type"] == file.headers["Content-Type"]
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_loads_from_what_it_names(node: NodeProcess) -> None:
    """Each address in the start page is answered, from the root or behind a prefix that is taken off."""
    named = re.findall(r'(?:href|src)="([^"]*)"', ask(node, "/").body.decode())
    assert len(named) > 5
    for address in named:
        assert ask(node, urljoin("/", address)).status == 200
        assert urljoin("https://chat.example/some/where/", address).startswith(
            "https://chat.example/some/where/web/"
        )


def test_another_release_is_not_here(node: NodeProcess, page: Page) -> None:
    """404 that nobody keeps: the next node may have it."""
    for release in ("0" * 16, page.release[:-1], page.release.upper() + "x", "%00", ".", "..%2f"):
        answer = ask(node, f"/web/{release}/page.js")
        assert answer.status == 404
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: name[:24])
def test_unknown_and_hostile_names(node: NodeProcess, page: Page, name: str) -> None:
    """404 that nobody keeps, and nothing of the files of the node."""
    answer = ask(node, f"/web/{page.release}/{name}")
    assert answer.status == 404
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body == b"not of this release\n"


def test_head_is_get_without_a_body(node: NodeProcess, page: Page) -> None:
    """The same headers, with the length that there would be."""
    for path in ("/", f"/web/{page.release}/page.js", "/web/old/page.js", "/client.js"):
        head, get = ask(node, path, method="HEAD"), ask(node, path)
        assert head.status == get.status
        assert head.body == b""
        for answer in (head, get):
            del answer.headers["Date"]
        assert head.headers.items() == get.headers.items()


def test_nothing_can_be_written(node: NodeProcess, page: Page) -> None:
    """The page is for reading."""
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for path in ("/", "/client.js", f"/web/{page.release}/page.js"):
            assert ask(node, path, method=method).status == 405


def test_client_js_is_found_at_an_address_that_does_not_change(
    node: NodeProcess, page: Page
) -> None:
    """It leads, for any page, to that of this release, also behind a prefix; and is asked for each time."""
    answer = ask(node, "/client.js", {"Origin": "https://other.example"})
    assert answer.status == 307
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-cache"
    for base in ("https://chat.example", "https://chat.example/some/where"):
        there = urljoin(f"{base}/client.js", answer.headers["Location"])
        assert there == f"{base}/web/{page.release}/client.js"
    assert ask(node, f"/{answer.headers['Location']}").status == 200


def test_nodes_of_one_release_have_the_same_page(two_nodes: Nodes, page: Page) -> None:
    """What one node names, the other has, byte for byte."""
    for path in ("/", *(f"/web/{page.release}/{name}" for name in page.files)):
        one, other = (ask(node, path, {"Accept-Encoding": "gzip"}) for node in two_nodes)
        assert one.status == other.status == 200
        assert one.body == other.body


def test_a_node_on_its_own_has_the_page(embedded_node: NodeProcess, page: Page) -> None:
    """The embedded server is enough."""
    answer = ask(embedded_node, "/")
    assert answer.status == 200
    assert page.release in answer.body.decode()
