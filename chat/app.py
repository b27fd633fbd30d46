"""The HTTP side of a node. The socket itself, /ws, is not here: see ``websocket``."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from chat.metrics import Metrics
from chat.node import Node
from chat.page import File, load_page

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def make_app(node: Node, shared_port: int | None = None) -> Starlette:
    """The routes of one node. ``shared_port`` is the one at which now this, now another node answers."""
    page = load_page()

    async def start(request: Request) -> Response:
        if page.is_known(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=page.start.headers)
        return _sent(page.start, request)

    async def file(request: Request) -> Response:
        found = page.files.get(request.path_params["name"])
        if found is None or request.path_params["release"] != page.release:
            return PlainTextResponse("not of this release\n", 404, {"Cache-Control": "no-store"})
        return _sent(found, request)

    async def client(request: Request) -> Response:
        """For other pages: the address that does not change."""
        headers = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}
        return RedirectResponse(f"web/{page.release}/client.js", 307, headers)

    async def not_upgraded(request: Request) -> Response:
        headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
        return PlainTextResponse("This is a WebSocket.\n", 426, headers)

    return Starlette(
        routes=[
            Route("/", start),
            Route("/client.js", client),
            Route("/web/{release}/{name:path}", file),
            Route("/ws", not_upgraded, methods=METHODS),
            *_inside(node, shared_port),
        ]
    )


def _inside(node: Node, shared_port: int | None) -> list[Route]:
    """What those ask who run it."""
    measured = Metrics(node)

    async def healthz(request: Request) -> Response:
        """The process turns. Independent of Redis: a restart would not mend Redis."""
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        if node.ready():
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready\n", 503)

    async def metrics(request: Request) -> Response:
        """For those inside: what a proxy passes on comes from the public."""
        if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
            return PlainTextResponse("not for the public\n", 404)
        if shared_port is not None and request.scope["server"][1] == shared_port:
            return PlainTextResponse("this port is several nodes: each has one of its own\n", 404)
        text, kind = measured.exposition(request.headers.get("accept", ""))
        return Response(text, headers={"Content-Type": kind, "Cache-Control": "no-store"})

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]


def _sent(file: File, request: Request) -> Response:
    body, headers = file.answer(request.headers.get("accept-encoding", ""))
    return Response(body, headers=headers)
