"""The page as it is in ``chat/web``: what its files may hold, and how they are sent."""

import gzip
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chat.page import POLICY, TYPES, Page, load_page

ROOT = Path(__file__).parents[2]
WEB = ROOT / "chat" / "web"
FILES = {file.name: file.read_bytes() for file in sorted(WEB.iterdir())}
TEXTS = {name: body.decode() for name, body in FILES.items()}
SCRIPTS = sorted(name for name in FILES if name.endswith(".js"))

SVG = "http://www.w3.org/2000/svg"
ADDRESSES = {
    ("icon.svg", SVG),
    ("alerts.js", SVG),
    # Links that people write without a scheme.
    ("text.js", "https://${text}"),
    # In its comment.
    ("client.js", "https://chat.example/client.js"),
    ("client.js", "wss://chat.example/ws"),
}
MOST_PACKED = 60 * 1024
MOST_RAW = 120 * 1024

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s\"'`)]*", re.IGNORECASE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
IMPORT = re.compile(r"^(?:import|export)\b[^;]*?\bfrom \"([^\"]*)\";", re.MULTILINE)


class Tags(HTMLParser):
    """Every tag of a document with its attributes, and the text inside of script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.code = ""
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in {"script", "style"}:
            self.code += data


def addresses(tags: Tags) -> Iterator[tuple[str, str, str]]:
    """Yield tag, rel and address of whatever a document refers to."""
    for tag, attributes in tags.found:
        for name in ("href", "src", "action", "formaction", "data", "poster", "srcset"):
            if name in attributes:
                yield tag, attributes.get("rel", ""), attributes[name]


def imports(name: str) -> list[str]:
    """The files that a script imports, by name."""
    found = IMPORT.findall(TEXTS[name])
    assert all(address.startswith("./") for address in found)
    return [address.removeprefix("./") for address in found]


def closure(name: str) -> set[str]:
    """A script with all that it imports, and what that imports."""
    found: set[str] = set()
    left = [name]
    while left:
        script = left.pop()
        if script not in found:
            found.add(script)
            left += imports(script)
    return found


# What the policy says


def test_the_policy_lets_nothing_in_but_the_node_itself() -> None:
    """Nothing by default, 'self' for what there is, no text that becomes code, no frame, no base."""
    directives = [part.strip().split() for part in POLICY["Content-Security-Policy"].split(";")]
    policy = {name: values for name, *values in directives}
    assert len(policy) == len(directives), "the second of two directives is ignored"
    assert policy == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
    }


def test_the_policy_can_be_sent() -> None:
    """Each header is one line of ASCII."""
    for name, value in POLICY.items():
        assert re.fullmatch(r"[A-Za-z-]+", name)
        assert value.isascii()
        assert value.isprintable()


# What is in the files


def test_the_document_holds_no_code_and_no_style() -> None:
    """Its policy would refuse them: scripts have a file, nothing has handlers or a style."""
    tags = Tags(TEXTS["index.html"])
    assert not tags.code.strip()
    for tag, attributes in tags.found:
        assert tag not in {"style", "base", "iframe", "object", "embed"}
        assert tag != "script" or "src" in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert not attributes.keys() & {"style", "srcdoc", "http-equiv", "ping", "action"}


def test_no_file_knows_another_place() -> None:
    """The only absolute addresses are names that nobody fetches, and an example in a comment."""
    found = {(name, one) for name, text in TEXTS.items() for one in ADDRESS.findall(text)}
    assert found == ADDRESSES
    code = COMMENT.sub("", TEXTS["client.js"])
    assert not ADDRESS.search(code)


@pytest.mark.parametrize("name", FILES)
def test_no_address_leaves_out_its_scheme(name: str) -> None:
    """An address like //host would lead elsewhere; one like /path would break behind a prefix."""
    text = COMMENT.sub("", TEXTS[name])
    assert not re.search(r"[\"'`(=]//\S", text)
    assert not re.search(r"(?:href|src|url\(|from|fetch\(|URL\()\W{0,3}[\"'`(]/", text)


def test_every_address_of_the_document_is_a_file_of_the_page() -> None:
    """Relative, in web/, and there."""
    found = list(addresses(Tags(TEXTS["index.html"])))
    assert len(found) > 5
    for _, _, address in found:
        assert re.fullmatch(r"web/[a-z]+\.[a-z]+", address), address
        assert address.removeprefix("web/") in FILES


def test_the_style_loads_nothing() -> None:
    """Neither files nor fonts nor other styles."""
    assert not re.search(r"url\(|@import|@font-face|image-set\(|expression", TEXTS["style.css"])


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_import_files_that_are_there(name: str) -> None:
    """Each as "./name.js"; nothing is imported later, when the node may be of another release."""
    assert set(imports(name)) <= FILES.keys()
    code = COMMENT.sub("", TEXTS[name])
    assert len(imports(name)) == len(re.findall(r"^import\b", code, re.MULTILINE))
    assert not re.search(r"\bimport\s*\(|importScripts|\bnew Worker|serviceWorker", code)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_make_no_code_or_markup_of_text(name: str) -> None:
    """What the policy refuses would fail only in the browser, and only in some."""
    forbidden = (
        r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\b|new Function"
        r"|setHTMLUnsafe|parseFromString|createContextualFragment|document\.cookie|localStorage"
        r"|setAttribute\(\"(?:style|on)|setTimeout\([\"'`]"
    )
    assert not re.search(forbidden, COMMENT.sub("", TEXTS[name]))


def test_all_scripts_are_fetched_at_once() -> None:
    """What page.js imports, however deep, is preloaded, so that the browser need not find out by turns."""
    tags = Tags(TEXTS["index.html"])
    preloaded = [at for _, rel, at in addresses(tags) if rel == "modulepreload"]
    names = [address.removeprefix("web/") for address in preloaded]
    assert sorted(names) == sorted(closure("page.js") - {"page.js"})


def test_no_file_is_left_over() -> None:
    """Each is referred to by the document, or imported by what is."""
    named = {at.removeprefix("web/") for _, _, at in addresses(Tags(TEXTS["index.html"]))}
    used = {"index.html"} | named
    for name in named & set(SCRIPTS):
        used |= closure(name)
    assert used == FILES.keys()


def test_client_js_stands_alone() -> None:
    """Other pages use it: it needs nothing but its link, and no document."""
    assert closure("client.js") == {"client.js", "link.js"}
    for name in closure("client.js"):
        assert not re.search(r"\b(?:document|window|location|navigator)\.", TEXTS[name])


def test_the_page_is_small() -> None:
    """All that a browser loads, packed and not."""
    page = load_page()
    sent = [page.start, *page.files.values()]
    packed = sum(len(file.packed) for file in sent)
    raw = sum(len(file.body) for file in sent)
    assert packed < MOST_PACKED, f"{packed} bytes packed, {raw} bytes raw"
    assert raw < MOST_RAW, f"{packed} bytes packed, {raw} bytes raw"


def test_the_package_takes_the_page_along() -> None:
    """The wheel has all of chat/, nothing of web/ is ignored, and the page is found as a resource."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["chat"]}
    assert "/chat" in project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    ignored = [line for line in (ROOT / ".gitignore").read_text().splitlines() if line[:1] != "#"]
    for name in [*FILES, "web", "chat"]:
        assert not [pattern for pattern in ignored if fnmatch(name, pattern.strip("/"))]
    assert {"index.html", *load_page().files} == FILES.keys()


# How they are sent


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
