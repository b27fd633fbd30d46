"""Makes the secret "redis" with a random password, unless there is one."""

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


def secret() -> dict[str, object]:
    """The password, and what Redis keeps of it."""
    password = secrets.token_urlsafe(32)
    data = {"password": password, "sha256": hashlib.sha256(password.encode()).hexdigest()}
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "redis"}, "data": encoded}


def main() -> None:
    request = urllib.request.Request(  # noqa: S310 (the cluster's own address)
        f"{API}/api/v1/namespaces/{os.environ['NAMESPACE']}/secrets",
        data=json.dumps(secret()).encode(),
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
            sys.exit(f"cannot make the secret: {error}")
        print("the secret is there already")
    else:
        print("the secret was made")


main()
