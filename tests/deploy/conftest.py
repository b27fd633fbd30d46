"""What the tests of manifests share."""

import pytest
import yaml

from tests.deploy.manifests import OVERLAYS, Objects, plain, render


@pytest.fixture(scope="module", params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> Objects:
    """What `kubectl apply -k` would send, by kind and name (without the digest of generated ones)."""
    rendered = yaml.safe_load_all(render(request.param))
    return {(one["kind"], plain(one)): one for one in rendered}
