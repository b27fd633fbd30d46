"""The address of a node as people have it: from the line of ``chat serve``, or from a browser."""

WEBSOCKET = {"http": "ws", "https": "wss"}
PATH = "/ws"


def socket_url(address: str) -> str:
    """The WebSocket URL for a page's address; what says more, or is no address, stays as it is."""
    scheme, mark, rest = address.strip().partition("://")
    if not mark:
        return address
    place, _, path = rest.partition("/")
    bare = not path and not set(place) & set("?#")
    return f"{WEBSOCKET.get(scheme.lower(), scheme)}://{place + PATH if bare else rest}"
