"""Makes secrets, each with a random password, unless they are there: "redis", or those that are named."""

import base64
import hashlib
import json
import os
import secrets
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path(os.environ.get("ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount"))
API = os.environ.get("API", "https://kubernetes.default.svc")
ALREADY_THERE = 409


def secret(name: str) -> dict[str, object]:
    """A password, and what Redis keeps of it."""
    password = secrets.token_urlsafe(32)
    data = {"password": password, "sha256": hashlib.sha256(password.encode()).hexdigest()}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}


def make(name: str) -> None:
    request = urllib.request.Request(  # noqa: S310 (the cluster's own address)
        f"{API}/api/v1/namespaces/{os.environ['NAMESPACE']}/secrets",
        data=json.dumps(secret(name)).encode(),
        headers={
            "Authorization": f"Bearer {(ACCOUNT / 'token').read_text().strip()}",
            "Content-Type": "application/json",
        },
    )
    https = API.startswith("https:")
    trusted = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt")) if https else None
    try:
        urllib.request.urlopen(request, timeout=10, context=trusted).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code != ALREADY_THERE:
            sys.exit(f"cannot make the secret {name}: {error}")
        print(f"the secret {name} is there already")
    else:
        print(f"the secret {name} was made")


for chosen in sys.argv[1:] or ["redis"]:
    make(chosen)
