"""The page: the files of ``web/``, read once, and how they are sent."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

NO_WEIGHT = re.compile(r"q=0(\.0*)?")

# What the page may load, run and reach: its own files and its own node, nothing else. Nothing may be made of
# text but text: `trusted-types 'none'` refuses innerHTML and its like.
CONTENT = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)

POLICY = {
    "Content-Security-Policy": "; ".join(CONTENT),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, slots=True)
class File:
    """One file of the page, ready to be sent."""

    headers: Mapping[str, str]
    body: bytes
    packed: bytes

    def answer(self, accepted: str) -> tuple[bytes, dict[str, str]]:
        """Body and headers, packed where the browser's Accept-Encoding says that it may be."""
        if not _takes_gzip(accepted):
            return self.body, dict(self.headers)
        return self.packed, {**self.headers, "Content-Encoding": "gzip"}


class Page:
    """All files of one release. Their addresses carry ``release``, a digest of all of them: browsers may keep
    them for ever, and never put together files of two releases while nodes are being replaced. A node does
    not have the files of another release; ``boot.js`` then loads the page again."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        digest = hashlib.sha256()
        for name in sorted(files):
            digest.update(b"%s %d " % (name.encode(), len(files[name])) + files[name])
        self.release = digest.hexdigest()[:16]
        start = files["index.html"].replace(b'"web/', b'"web/%s/' % self.release.encode())
        # Weak: packed or not, it is the same page.
        tag = f'W/"{self.release}"'
        self.start = _file(
            "index.html", start, {"Cache-Control": "no-cache", "ETag": tag, **POLICY}
        )
        # Any page may use client.js, so these can be read from elsewhere: there is nothing secret in them.
        kept = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Access-Control-Allow-Origin": "*",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Content-Type-Options": "nosniff",
        }
        self.files = {
            name: _file(name, body, kept) for name, body in files.items() if name != "index.html"
        }

    def is_known(self, tags: str) -> bool:
        """Whether a browser that sent this If-None-Match has this release's start page already."""
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return not known.isdisjoint({f'"{self.release}"', "*"})


def load_page() -> Page:
    """The page of this release."""
    return Page({file.name: file.read_bytes() for file in _web().iterdir() if file.is_file()})


def _web() -> Traversable:
    return resources.files("chat") / "web"


def _takes_gzip(accepted: str) -> bool:
    """What an Accept-Encoding says of gzip, by name or as one of all; without a word of it, no."""
    weights = {}
    for choice in accepted.lower().split(","):
        coding, _, weight = choice.partition(";")
        weights[coding.strip()] = weight.strip()
    return not NO_WEIGHT.fullmatch(weights.get("gzip", weights.get("*", "q=0")))


def _file(name: str, body: bytes, headers: Mapping[str, str]) -> File:
    kind = TYPES[name[name.rindex(".") :]]
    every = {"Content-Type": kind, "Vary": "Accept-Encoding", **headers}
    return File(every, body, gzip.compress(body, mtime=0))
