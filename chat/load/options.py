"""What can be asked of ``chat load``, as the command line has it and as the program does."""

import argparse
from dataclasses import dataclass
from urllib.parse import urlsplit

from chat.arguments import number, whole_number
from chat.talk.address import socket_url

PROFILES = ("talk", "churn", "idle", "storm")

DESCRIPTION = "Loads nodes with simulated people, and checks that every confirmed message arrived."

EPILOG = """\
profiles:
  talk    pairs talk, RATE messages a second over all of them
  churn   two meet, one says something, the other leaves: RATE times a second
  idle    people with an account, or with --matched a partner, who are silent
  storm   as talk; in the middle all sockets are cut at once, and everybody comes back

Messages are due evenly, whether nodes keep up or not, and all times are counted from when one was due.
What is late at the end is made up for within a second, or held back; messages a second are those that
were confirmed until then. Then it waits for what is under way, for as long as some of it arrives.
With --rate max every pair has 8 messages under way instead, as fast as they are answered. Pushes are
acknowledged after 200 ms or 16 of them; with --ack-each every one at once, alone, as the page does.

Ctrl-C ends it early, with what there is so far. The exit code is 0; 1 if something was lost, arrived
twice or in the wrong order, had no answer or was refused, if somebody did not come back, or where the
load cannot be made; 2 for wrong usage.

The nodes under test need CHAT_COMMANDS_PER_SECOND=0, CHAT_ACCOUNTS_PER_MINUTE=0 and
CHAT_SOCKETS_PER_ADDRESS=0: all these people come from one address.

--json prints one object:
  profile, urls, pairs, rate (null: max), seconds, interrupted, ok
  people      {all, here (at the end), accounts, accounts_lost, unrecovered, sockets_lost, cut,
               came_back, all_back_seconds (null: nobody was cut, or not all are back), meetings}
  messages    {said, per_second, confirmed, arrived, missing, twice, disordered, strange (nobody had
               said it so), refused, unanswered, repeated, held_back (due, and not said: the person
               had no partner, or 64 messages without an answer, or there was no time left for it)}
  latency_ms  connect, match, answer, delivery, back: {count, p50, p90, p99, p99_9, max}
  errors      [{request, code, name, count}]
  troubles    {what happened to sockets, in words: count}
  generator   {cpu_share (of a core), cpu_us_per_message, behind_ms (at most)}
  hints       [what to do about errors and troubles]"""

URL_HELP = (
    "a node, as for chat talk; may be given several times: the two of a pair are on different ones"
)
MOST_PAIRS = 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """Times in seconds, rates a second. ``rate`` None: as fast as it goes. ``ramp``: people a second."""

    urls: tuple[str, ...]
    profile: str = "talk"
    pairs: int = 50
    rate: float | None = 100.0
    duration: float = 30.0
    ramp: float = 500.0
    matched: bool = False
    ack_each: bool = False


def add_options(parser: argparse.ArgumentParser) -> None:
    """Puts them on the command line; ``options_of`` reads what was given."""
    default = Options(())
    parser.add_argument("profile", nargs="?", choices=PROFILES, default=default.profile, metavar="PROFILE",
                        help="talk (default), churn, idle or storm: see below")  # fmt: skip
    parser.add_argument("--url", action="append", type=_url, help=URL_HELP + " (default ws://127.0.0.1:8000/ws)")  # fmt: skip
    for name, kind, value, metavar, help_ in (
        ("--pairs", _pairs, default.pairs, "N", "of people (default %(default)s)"),
        ("--rate", _rate, default.rate, "RATE", "messages a second over all, or meetings with churn; max or 0: as many as they answer (default 100)"),
        ("--duration", _positive, default.duration, "SECONDS", "once all are there (default 30)"),
        ("--ramp", _positive, default.ramp, "N", "people a second that connect, also again (default 500)"),
    ):  # fmt: skip
        parser.add_argument(name, type=kind, default=value, metavar=metavar, help=help_)
    parser.add_argument("--matched", action="store_true", help="idle: everybody has a partner")
    parser.add_argument("--ack-each", action="store_true", help="acknowledge every push at once")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")


def options_of(given: argparse.Namespace) -> Options:
    return Options(
        urls=tuple(given.url or [socket_url("ws://127.0.0.1:8000/ws")]),
        profile=given.profile,
        pairs=given.pairs,
        rate=given.rate,
        duration=given.duration,
        ramp=given.ramp,
        matched=given.matched,
        ack_each=given.ack_each,
    )


def _url(text: str) -> str:
    url = socket_url(text)
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no address of a node, like ws://host:8000/ws"
        )
    return url


def _pairs(text: str) -> int:
    return whole_number(text, 1, MOST_PAIRS)


def _positive(text: str) -> float:
    return number(text, 0.01, 1_000_000)


def _rate(text: str) -> float | None:
    return None if text.lower() in ("max", "0") else _positive(text)
