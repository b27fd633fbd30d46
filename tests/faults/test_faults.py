"""Nothing confirmed is lost: a short trial of every kind of fault, with real nodes and real servers.

``python -m tests.faults --help`` runs them for longer, and prints the table of the documentation.
"""

import asyncio
import os
import secrets

import pytest

from tests.faults.kinds import trials
from tests.faults.report import line
from tests.faults.trial import MEMORY_BOUND, run

SEED = int(os.environ.get("FAULT_SEED", "0")) or secrets.randbelow(2**31)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("on", "kind"), [pytest.param(*trial, id="-".join(trial)) for trial in trials()]
)
def test_nothing_confirmed_is_lost(on: str, kind: str) -> None:
    """Nor doubled, disordered, ended or left over; where Redis itself loses, it is told."""
    print(f"run it again with FAULT_SEED={SEED}")
    report = asyncio.run(run(on, kind, SEED))
    print(line(report))
    assert report.faults == {}
    assert report.memory < MEMORY_BOUND
