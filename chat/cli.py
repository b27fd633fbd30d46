"""The commands: chat serve, chat talk, chat top, chat load."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chat import __version__, config, logs
from chat.arguments import number
from chat.errors import ChatError
from chat.load import options as load_options

if TYPE_CHECKING:
    import asyncio

    from chat.workers.given import Given

log = logging.getLogger(__name__)

TOP_EPILOG = """\
On a terminal the picture is drawn anew all the time: q or Ctrl-C ends it. Anywhere else it is printed once.

--json prints one object:
  time    of this machine, UTC
  pools   [{pool, online, away, sessions, waiting, longest_wait_seconds,
          nodes: [{node, lease_seconds (below zero: dead for so long), accounts, sockets, up_seconds,
                   messages_per_second, commands_per_second, matches_per_second, lag_ms, version}],
          queue: [{account, waited_seconds}] (the first five)}]
  redis   {version, role (primary, replica), process, memory_used_bytes, memory_max_bytes (0: no bound),
          operations_per_second, cpu_seconds, clients, evicted_keys, aof (ok, err, off), rdb (ok, err)}
  servers [{server, pools (that are there), redis (as above), trouble}]; redis is the first of them
  missing [{pool, server, trouble}]: pools that could not be looked at, which are not in pools
  nodes   of all pools together: [{node, lease_seconds (the worst), accounts (of all), ..., pools (in so many
          it is alive)}]
What a node does not say of itself is null; so is redis, where the user has no right to INFO.

It only reads. A Redis user needs %R~chat:* +fcall_ro +info +time +@read, in a cluster +cluster|slots too, and
+hello +auth as for any login."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. The exit code is 0, 1 for an error told in one line, 2 for wrong usage."""
    _fill_gaps()
    options, rest = _parser().parse_known_args(argv)
    if rest:
        options.command.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return int(options.run(options))
    except ChatError as error:
        print(f"chat: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _fill_gaps() -> None:
    """What a shell has closed of input and output, the first sockets would take: uvloop aborts when it lets go of
    such a one. And whoever complains finds a place for it."""
    for standard in range(3):
        try:
            os.fstat(standard)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - for as long as the process


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chat", description="Anonymous chat with a stranger.")
    parser.add_argument("--version", action="version", version=f"chat {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="run a node, or several on one port",
        usage="chat serve [OPTION VALUE]...",
        description="Runs one node, or with --workers several. Every option can also be set in the environment, by the name in"
        " brackets; the command line wins, and an empty value in the environment counts as none."
        " Times are in seconds.",
        allow_abbrev=False,  # a misspelt limit is no limit, and a new option could change what one means
    )
    config.add_options(serve)
    serve.add_argument("--as-worker", type=_given, help=argparse.SUPPRESS)  # from its parent
    serve.set_defaults(run=_serve, command=serve)
    talk = commands.add_parser(
        "talk",
        help="talk with a stranger, in the terminal",
        description="Talks with a stranger, in the terminal or through pipes.",
        allow_abbrev=False,
    )
    talk.add_argument(
        "--url",
        default="ws://127.0.0.1:8000/ws",
        help="a node: ws://host:port/ws, or the address of its page, http://host:port/"
        " (default %(default)s)",
    )
    talk.add_argument("--name", help="your nickname; without it the node chooses one")
    talk.set_defaults(run=_talk, command=talk)
    _add_top(commands)
    _add_load(commands)
    return parser


def _add_top(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    top = commands.add_parser(
        "top",
        help="see how the cluster stands, from Redis",
        description="Shows who is here, which nodes live, and how Redis does. It only reads.",
        epilog=TOP_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--redis-url", metavar="URL", help="as for chat serve (CHAT_REDIS_URL)")
    top.add_argument(
        "--every",
        metavar="SECONDS",
        type=_every,
        default=2.0,
        help="how often it looks, on a terminal (default 2)",
    )
    top.add_argument("--once", action="store_true", help="print one picture, and end")
    top.add_argument("--json", action="store_true", help="print one JSON object, and end")
    top.set_defaults(run=_top, command=top)


def _add_load(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    load = commands.add_parser(
        "load",
        help="load nodes with simulated people",
        description=load_options.DESCRIPTION,
        epilog=load_options.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    load_options.add_options(load)
    load.set_defaults(run=_load, command=load)


def _every(text: str) -> float:
    return number(text, 0.1, 3600)


def _given(text: str) -> "Given":
    from chat.workers.given import Given

    return Given.read(text)


def _serve(options: argparse.Namespace) -> int:
    from chat.workers.parent import serve_all, workers_of

    given: Given | None = options.as_worker
    logs.set_up(sys.stderr, given.number if given else None)
    if given is None:  # otherwise its parent has said so
        for name in config.unknown(os.environ):
            log.warning("%s is set, but is no setting; chat serve --help lists them", name)
    settings = config.read(os.environ, vars(options))
    if given is None and (number := workers_of(settings)) > 1:
        return serve_all(settings, number, config.spelt(vars(options)))
    _run_node(settings, given)
    return 0


def _run_node(settings: config.Settings, given: "Given | None") -> None:
    import asyncio

    from chat.server import serve
    from chat.workers.worker import Worker

    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        runner.run(serve(settings, Worker(given) if given else None))


def fast_loop() -> "Callable[[], asyncio.AbstractEventLoop] | None":
    """What makes an event loop: uvloop's where the extra "fast" has brought it, otherwise asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _talk(options: argparse.Namespace) -> int:
    import asyncio

    from chat.talk.stop import until_stopped
    from chat.talk.talk import talk

    return asyncio.run(until_stopped(talk(options.url, options.name)))


def _top(options: argparse.Namespace) -> int:
    import asyncio

    from chat.talk.stop import until_stopped
    from chat.top.top import top

    url = str(options.redis_url or os.environ.get("CHAT_REDIS_URL") or "")
    if not url:
        options.command.error("where is Redis? --redis-url or CHAT_REDIS_URL says it")
    work = top(url, every=options.every, once=options.once, as_json=options.json)
    return asyncio.run(until_stopped(work))


def _load(options: argparse.Namespace) -> int:
    import asyncio

    from chat.load.load import load
    from chat.talk.stop import until_stopped

    work = load(load_options.options_of(options), as_json=options.json)
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        return runner.run(until_stopped(work))


if __name__ == "__main__":
    sys.exit(main())
