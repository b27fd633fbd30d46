"""The page as it is sent: each release at addresses of its own, packed where that is accepted, known again."""

import gzip
import re
from pathlib import Path

import pytest

from chat.page import TYPES, Page, load_page
from tests.unit.page_files import FILES, Tags, addresses


def changed(**files: bytes) -> Page:
    """The page with some files of other contents; ``style_css`` is style.css."""
    return Page(FILES | {name.replace("_", "."): body for name, body in files.items()})


@pytest.mark.parametrize("name", FILES)
def test_the_release_follows_every_file(name: str) -> None:
    """One byte more in any file is another release."""
    assert Page(FILES | {name: FILES[name] + b"\n"}).release != load_page().release


def test_the_release_follows_names() -> None:
    """Renamed, exchanged, added or gone: each is another release, and the order of reading is not."""
    same = Page(dict(reversed(FILES.items())))
    less = {name: body for name, body in FILES.items() if name != "talk.js"}
    others = [
        Page(less),
        Page(less | {"tale.js": FILES["talk.js"]}),
        Page(FILES | {"talk.js": FILES["text.js"], "text.js": FILES["talk.js"]}),
        changed(more_css=b""),
        changed(more_css=b"", other_css=b""),
    ]
    releases = {load_page().release, *(page.release for page in others)}
    assert same.release == load_page().release
    assert len(releases) == 1 + len(others)


def test_contents_do_not_flow_into_the_next_file() -> None:
    """What moves from the end of one file to the head of the next is another release."""
    one, other = changed(a_css=b"ab", b_css=b"c"), changed(a_css=b"a", b_css=b"bc")
    assert one.release != other.release


def test_the_start_page_names_files_of_its_release() -> None:
    """All of its addresses carry the digest, which can stand in an address."""
    page = load_page()
    assert re.fullmatch(r"[0-9a-f]{16}", page.release)
    for _, _, address in addresses(Tags(page.start.body.decode())):
        web, release, name = address.split("/")
        assert (web, release) == ("web", page.release)
        assert name in page.files


@pytest.mark.parametrize("name", FILES)
def test_files_are_sent_whole(name: str) -> None:
    """Packed or not it is the same text, of the right type."""
    page = load_page()
    file = page.start if name == "index.html" else page.files[name]
    assert gzip.decompress(file.packed) == file.body
    assert len(file.packed) < len(file.body)
    assert file.headers["Content-Type"] == TYPES[Path(name).suffix]
    assert file.headers["Vary"] == "Accept-Encoding"
    assert file.headers["X-Content-Type-Options"] == "nosniff"


def test_packing_is_the_same_on_every_node() -> None:
    """No time of day is in it."""
    assert {name: file.packed for name, file in load_page().files.items()} == {
        name: file.packed for name, file in load_page().files.items()
    }
    assert load_page().start.packed[4:8] == bytes(4)


@pytest.mark.parametrize(
    "accepted",
    [
        "gzip", "gzip, deflate, br, zstd", "br;q=1.0, gzip;q=0.8", "GZIP", "gzip;q=0.001", "gzip; q=1",
        "deflate,gzip", "*", "*;q=0.5", "identity;q=0, *", "*;q=0, gzip",
    ],
)  # fmt: skip
def test_packed_where_it_is_accepted(accepted: str) -> None:
    """By name, with any weight but none, or as one of all."""
    file = load_page().start
    body, headers = file.answer(accepted)
    assert body == file.packed
    assert headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    "accepted",
    [
        "", "identity", "br", "gzip;q=0", "gzip; q=0", "gzip;q=0.0", "gzip ;q=0.000", "br, gzip;q=0",
        "*;q=0", "gzip;q=0, *", "GZIP;Q=0", "notgzip", "gzippy", ",", ";q=1",
    ],
)  # fmt: skip
def test_not_packed_where_it_is_not(accepted: str) -> None:
    """Not named, or named with a weight of 0."""
    file = load_page().start
    body, headers = file.answer(accepted)
    assert body == file.body
    assert "Content-Encoding" not in headers


def test_known_by_its_tag() -> None:
    """Alone or in a list, weak or strong, or whatever there is."""
    page = load_page()
    tag = f'"{page.release}"'
    for known in (tag, f"W/{tag}", f'"other", W/{tag}', f'W/{tag},"other"', "*", f'"a,b", {tag}'):
        assert page.is_known(known), known
    for other in ("", '""', page.release, '"other"', 'W/"other", "more"', f'"{page.release[1:]}"'):
        assert not page.is_known(other), other
