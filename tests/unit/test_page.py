"""The page as it is in ``chat/web``: what its files may hold, and what its policy lets in."""

import re
import tomllib
from fnmatch import fnmatch

import pytest

from chat.page import POLICY, load_page
from tests.unit.page_files import FILES, ROOT, SCRIPTS, TEXTS, Tags, addresses, closure, imports

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
