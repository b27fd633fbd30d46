"""What the tests of addresses, of sentinels and of witnesses share."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.family import Family, family
from tests.support.process import HOST
from tests.support.sentinels import Flock, flock
from tests.support.servers import KINDS, available_servers


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, ``ca.crt``, and what it signed for the loopback address."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl on this machine")
    folder = tmp_path_factory.mktemp("tls")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    (folder / "names").write_text(f"subjectAltName=IP:{HOST}\n")
    for command in (
        ["req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test ca"],
        ["req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=test"],
        ["x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
         "-CAcreateserial", "-out", "server.crt", "-extfile", "names"],
    ):  # fmt: skip
        subprocess.run([openssl, *command], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def birds() -> Iterator[Flock]:
    """For tests that leave it as it is: one primary, one replica, three sentinels."""
    with flock(replicas=1) as made:
        yield made


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest) -> Iterator[Family]:
    """A primary and a replica of each kind, for tests that leave them whole."""
    if request.param not in available_servers():
        pytest.skip(f"there is no {request.param} on this machine")
    with family(request.param) as one:
        yield one
