"""Which part of the program may know which: the two tables below, and a test that holds them.

A room is a module or a folder of ``chat/``. Within a folder everything may be imported.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHAT = Path(__file__).parents[2] / "chat"
FILES = sorted(CHAT.rglob("*.py"))

# The small things that those who do the work of a node may all use.
PLAIN = {"errors", "config", "commands", "protocol"}

# Room -> the other rooms that it may import from. A new room gets a row.
ALLOWED: dict[str, set[str]] = {
    # Values and rules: no sockets, no Redis.
    "__init__": set(),
    "errors": set(),
    "commands": {"errors"},
    "nicks": set(),
    "protocol": {"errors", "commands"},
    "config": {"errors"},
    "admission": {"errors", "config"},
    "counts": set(),
    "report": {"errors", "commands", "counts"},
    # Redis: knows no socket, no hub and no command.
    "store": {"errors", "config"},
    # Sockets: know no Redis.
    "connection": PLAIN,
    "hub": PLAIN | {"connection", "counts"},
    "liveness": PLAIN | {"connection"},
    "acks": PLAIN | {"connection"},
    "backpressure": PLAIN | {"connection"},
    "doorstep": set(),
    "outbox": set(),
    "websocket": PLAIN | {"connection", "outbox"},
    # Both meet here.
    "binding": PLAIN | {"connection", "counts", "hub", "liveness", "nicks", "store"},
    "lease": {"liveness", "store"},
    "leases": {"lease", "liveness", "store"},
    "moves": PLAIN | {"binding", "connection", "counts", "hub", "liveness", "store"},
    "handlers": PLAIN | {"connection", "counts", "hub", "liveness", "nicks", "store", "binding"},
    "node": PLAIN
    | {"connection", "counts", "hub", "lease", "liveness", "nicks", "store", "handlers"}
    | {"acks", "admission", "backpressure", "binding", "leases", "moves", "report", "websocket"},
    # The edge.
    "page": set(),
    "arguments": set(),
    "listener": {"errors"},
    # Several nodes on one port: their parent, and what each has of it. Knows no node.
    "workers": {"errors", "config", "listener"},
    "metrics": PLAIN | {"counts", "node", "store"},
    "app": PLAIN | {"metrics", "node", "page"},
    "server": PLAIN | {"node", "app", "doorstep", "listener", "websocket", "workers"},
    "client": set(),  # also for other people's bots: it must stand alone
    "talk": {"client"},
    # Looks on, as nodes do not: Redis, and a terminal as talk has it.
    "top": {"errors", "store", "talk"},
    # Many clients at once: cheaper than "client" can be, and a book over all of them.
    "load": {"arguments", "errors", "talk"},
    "logs": set(),
    "cli": {"arguments", "errors", "config", "server", "talk", "top", "load", "logs", "workers"},
}

# Library -> the only rooms that may import it.
ONLY_IN: dict[str, set[str]] = {
    "redis": {"store"},
    "hiredis": {"store"},
    "fakeredis": {"store"},
    "json": {"protocol", "client", "top"},
    "orjson": {"protocol", "client", "load", "logs"},
    "msgspec": {"commands", "protocol"},
    "picows": {"outbox", "websocket", "node", "client", "load"},
    "prometheus_client": {"metrics"},
    "starlette": {"app"},
    "uvicorn": {"server"},
    "prompt_toolkit": {"talk", "top"},
}

# Part of a library -> the only module that may import it: what a client of a cluster knows, and no more.
ONLY_IN_MODULE: dict[str, str] = {
    "redis.asyncio.cluster": "chat.store.topology",
    "redis.crc": "chat.store.keys",
}

MOST_LINES = 300

MUTABLE_LITERALS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_CALLS = {"list", "dict", "set", "bytearray", "deque", "defaultdict", "Counter"}

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CHAT)))


@each_file
def test_rooms_import_only_the_rooms_they_may_know(file: Path) -> None:
    """Imports point one way, also those that are only for types."""
    room = room_of(module_of(file))
    assert room in ALLOWED, f"{room} is a new room: give it a row in ALLOWED"
    known = {room_of(module) for module in imports(file) if module.split(".")[0] == "chat"}
    assert not known - ALLOWED[room] - {room, "__init__"}


@each_file
def test_libraries_stay_in_their_rooms(file: Path) -> None:
    """So that another one can take the place of one without a search through the house."""
    room = room_of(module_of(file))
    libraries = {module.split(".")[0] for module in imports(file)}
    astray = {library for library in libraries if room not in ONLY_IN.get(library, {room})}
    assert not astray


@each_file
def test_parts_of_libraries_stay_in_their_modules(file: Path) -> None:
    """By whatever name of theirs they are imported."""
    astray = {
        name
        for part, module in ONLY_IN_MODULE.items()
        for name in imports(file)
        if f"{name}.".startswith(f"{part}.") and module_of(file) != module
    }
    assert not astray
    assert "redis.cluster" not in imports(file), "that one blocks"


@pytest.mark.parametrize(("part", "module"), ONLY_IN_MODULE.items())
def test_the_table_of_modules_is_true(part: str, module: str) -> None:
    """Or nobody would notice that it holds nothing any more."""
    file = CHAT.parent / Path(*module.split(".")).with_suffix(".py")
    assert [name for name in imports(file) if name.startswith(f"{part}.")]


@each_file
def test_files_are_small(file: Path) -> None:
    """What has become long usually does two things."""
    lines = file.read_text().count("\n")
    assert lines <= MOST_LINES


@each_file
def test_modules_keep_no_state(file: Path) -> None:
    """A list, dict or set at the top of a module is a constant, and its name says so."""
    tree = ast.parse(file.read_text())
    assert not [name for name, value in top_level_values(tree) if is_mutable(value, name)]
    assert not [node.names for node in ast.walk(tree) if isinstance(node, ast.Global)]


def test_the_table_has_no_circle() -> None:
    """Rooms can be put in a row in which each knows only those before it."""
    left = dict(ALLOWED)
    while left:
        free = {room for room, known in left.items() if not known & left.keys()}
        assert free, f"these know each other in a circle: {sorted(left)}"
        left = {room: known for room, known in left.items() if room not in free}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from chat.hub import Hub", {"chat.hub.Hub"}),
        ("from chat import hub, nonsense", {"chat.hub", "chat.nonsense"}),
        ("import chat.store.link", {"chat.store.link"}),
        ("def f():\n    from . import hub", {"chat.hub"}),
        ("from .store.link import Link", {"chat.store.link.Link"}),
        ("if TYPE_CHECKING:\n    import redis", {"redis"}),
    ],
)
def test_every_spelling_of_an_import_is_seen(source: str, expected: set[str]) -> None:
    """Relative, inside a function, only for types."""
    assert set(imported_names(ast.parse(source), "chat.node")) == expected


def module_of(file: Path) -> str:
    return ".".join(("chat", *file.relative_to(CHAT).with_suffix("").parts))


def room_of(module: str) -> str:
    """``chat.client.socket.Socket`` -> ``client``; ``chat.__version__`` -> ``__init__``."""
    first = module.removeprefix("chat.").split(".")[0]
    if not (CHAT / first).is_dir() and not (CHAT / f"{first}.py").is_file():
        return "__init__"
    return first


def imports(file: Path) -> set[str]:
    return set(imported_names(ast.parse(file.read_text()), module_of(file)))


def imported_names(tree: ast.AST, importer: str) -> Iterator[str]:
    """Yield all that is imported, as absolute dotted names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = importer.split(".")[: -node.level] if node.level else []
            base = [*package, *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def top_level_values(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from ((ast.unparse(target), node.value) for target in node.targets)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield ast.unparse(node.target), node.value


def is_mutable(value: ast.expr, name: str) -> bool:
    if name.isupper() or name == "__all__":
        return False
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).split(".")[-1] in MUTABLE_CALLS
    return isinstance(value, MUTABLE_LITERALS)
