"""What is in ``chat/web``: its files, what they refer to and what they import."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).parents[2]
WEB = ROOT / "chat" / "web"
FILES = {file.name: file.read_bytes() for file in sorted(WEB.iterdir())}
TEXTS = {name: body.decode() for name, body in FILES.items()}
SCRIPTS = sorted(name for name in FILES if name.endswith(".js"))

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
