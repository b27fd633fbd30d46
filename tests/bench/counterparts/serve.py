"""One node of a counterpart: ``python -m tests.bench.counterparts.serve socketio PORT REDIS_URL``."""

import importlib
import sys

import uvicorn


def main() -> None:
    name, port, redis_url = sys.argv[1:]
    app = importlib.import_module(f"{__package__}.{name}_server").make_app(redis_url)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        # The faster one of those that uvicorn brings.
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_level="warning",
        backlog=2048,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
