"""The table of faults in the documentation is a measurement of every kind on every ground, and has only zeros."""

import json

from tests.faults.kinds import trials
from tests.faults.publish import MUST_BE_ZERO, PAGE, RESULT, page


def test_what_is_published_is_one_measurement() -> None:
    """Of all kinds, and nobody has altered it by hand."""
    kept = json.loads(RESULT.read_text())
    assert [(trial["ground"], trial["kind"]) for trial in kept["trials"]] == list(trials())
    document = PAGE.read_text()
    assert document == page(document, kept)


def test_nothing_confirmed_was_lost_in_it() -> None:
    kept = json.loads(RESULT.read_text())
    assert {trial[name] for trial in kept["trials"] for name in MUST_BE_ZERO} == {0}
