"""The HTTP side of a node. The socket itself, /ws, is not here: see ``websocket``."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from chat.node import Node

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

WELCOME = """\
This is a node of stranger-chat: a nickname, and a stranger to talk to.

The socket is at /ws. To talk from a terminal:

    chat talk --url {url}
"""


def make_app(node: Node) -> Starlette:
    """The routes of one node."""

    async def welcome(request: Request) -> Response:
        scheme = "wss" if request.url.scheme == "https" else "ws"
        return PlainTextResponse(WELCOME.format(url=f"{scheme}://{request.url.netloc}/ws"))

    async def healthz(request: Request) -> Response:
        """The process turns. Independent of Redis: a restart would not mend Redis."""
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        if node.ready():
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready\n", 503)

    async def not_upgraded(request: Request) -> Response:
        headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
        return PlainTextResponse("This is a WebSocket.\n", 426, headers)

    return Starlette(
        routes=[
            Route("/", welcome),
            Route("/ws", not_upgraded, methods=METHODS),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ]
    )
