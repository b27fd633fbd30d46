"""How a counterpart's node is run: uvicorn with all that makes it fast."""

import sys
from collections.abc import Callable
from typing import Any

import uvicorn


def serve(make_app: Callable[[str], Any]) -> None:
    """Runs one node until it is told to stop: ``python -m … PORT REDIS_URL``."""
    port, redis_url = sys.argv[1:]
    uvicorn.run(
        make_app(redis_url),
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        # The fastest of those that uvicorn brings.
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_level="warning",
        backlog=2048,
        timeout_graceful_shutdown=1,
    )
