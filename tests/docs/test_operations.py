"""docs/operations.md: what it refers to is there, and what refers to it finds it."""

import re
import shlex
from pathlib import Path

from tests.bench.sizing import options_of
from tests.deploy.known import rules
from tests.support.nodes import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()
HEADINGS = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)


def anchor(heading: str) -> str:
    """As a browser finds it on a page made of Markdown."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_every_alert_says_what_to_do() -> None:
    """Each has its part of the page, and each part its alert."""
    alerts = [rule["alert"] for rule in rules()]
    chapter = HEADINGS[HEADINGS.index("Alerts") + 1 : HEADINGS.index("Backup")]
    assert sorted(chapter) == sorted(alerts)
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{anchor(rule['alert'])}"


def test_the_page_calls_an_alert_critical_that_is() -> None:
    """And no other."""
    for rule in rules():
        part = PAGE.partition(f"### {rule['alert']}\n\n")[2]
        assert part.startswith("Critical") == (rule["labels"]["severity"] == "critical"), rule


def test_the_figures_can_be_measured_again() -> None:
    """By the command that the page names."""
    (command,) = re.findall(r"`(python -m tests\.bench\.sizing [^`]*)`", PAGE)
    options = options_of(shlex.split(command)[3:])
    assert (options.people, options.rates, options.fsync) == (4000, [500, 2000, 5000], "always")


def test_links_lead_somewhere() -> None:
    """To files that are there, and to headings in them."""
    for target, _, part in (link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", PAGE)):
        file = ROOT / "docs" / target
        assert file.is_file(), target
        headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
        assert not part or part in map(anchor, headings), part


def test_files_that_it_names_are_there() -> None:
    """Whatever looks like a path of this project."""
    named = re.findall(r"`((?:deploy|k8s|docs)/[\w./-]+)`", PAGE)
    assert len(named) > 5
    assert not [name for name in named if not Path(ROOT / name).exists()]
