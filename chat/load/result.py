"""What came out of it: a table for people, an object for programs, and whether all was well."""

from dataclasses import dataclass

from chat.load.book import Book
from chat.load.hints import hints, named
from chat.load.histogram import Histogram
from chat.load.options import Options
from chat.load.tally import CODES, Tally

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999}
TIMES = ("connect", "match", "answer", "delivery", "back")
UNCERTAIN = 2
"""A code after which everybody asks again: what becomes of that counts."""


@dataclass(frozen=True, slots=True)
class Result:
    """``seconds``, ``confirmed``, ``cpu`` (seconds of this process) and ``behind`` (by how many seconds it was
    late itself at most) are those of what was measured: without the coming, the wait for what was under way,
    and the goodbyes. ``here``: people who had their account at the end."""

    options: Options
    tally: Tally
    book: Book
    people: int
    here: int
    seconds: float
    confirmed: int
    cpu: float
    behind: float = 0.0
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """Nothing was lost and nothing refused."""
        return not any(self._wrong.values())

    @property
    def _wrong(self) -> dict[str, int]:
        """What must not be, in words, and how much of it there was."""
        tally, book = self.tally, self.book
        return {
            "missing": book.missing,
            "twice": book.twice,
            "disordered": book.disordered,
            "strange": book.strange,
            "without an answer": tally.unanswered,
            "refused": sum(n for (_, code), n in tally.errors.items() if code != UNCERTAIN),
            "not here at the end": 0 if self.interrupted else self.people - self.here,
            "accounts lost": tally.accounts_lost,
            "not recovered": tally.unrecovered,
        }

    @property
    def _confirmed_each_second(self) -> float:
        return self.confirmed / self.seconds if self.seconds else 0.0

    @property
    def _cpu_us(self) -> float:
        return self.cpu / self.confirmed * 1e6 if self.confirmed else 0.0

    @property
    def _share(self) -> float:
        return self.cpu / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, object]:
        tally, book, options = self.tally, self.book, self.options
        return {
            "profile": options.profile,
            "urls": list(options.urls),
            "pairs": options.pairs,
            "rate": options.rate,
            "seconds": round(self.seconds, 3),
            "interrupted": self.interrupted,
            "ok": self.ok,
            "people": {
                "all": self.people, "here": self.here, "accounts": tally.accounts,
                "accounts_lost": tally.accounts_lost, "unrecovered": tally.unrecovered,
                "sockets_lost": tally.sockets_lost, "cut": tally.cut, "came_back": tally.came_back,
                "all_back_seconds": tally.all_back, "meetings": tally.meetings,
            },
            "messages": {
                "said": tally.said, "per_second": round(self._confirmed_each_second, 1),
                "confirmed": tally.confirmed, "arrived": tally.arrived, "missing": book.missing,
                "twice": book.twice, "disordered": book.disordered, "strange": book.strange,
                "refused": tally.refused, "unanswered": tally.unanswered,
                "repeated": tally.repeated, "held_back": tally.held_back,
            },
            "latency_ms": {name: _times(getattr(tally, name)) for name in TIMES},
            "errors": [
                {"request": request, "code": code, "name": CODES.get(code, ""), "count": count}
                for (request, code), count in sorted(tally.errors.items())
            ],
            "troubles": dict(tally.troubles.most_common()),
            "generator": {
                "cpu_share": round(self._share, 3),
                "cpu_us_per_message": round(self._cpu_us, 1),
                "behind_ms": round(self.behind * 1e3, 1),
            },
            "hints": hints(tally),
        }  # fmt: skip

    def as_lines(self) -> list[str]:
        return [*self._head(), "", *self._table(), "", *self._foot()]

    def _head(self) -> list[str]:
        tally, book, options = self.tally, self.book, self.options
        rate = "max" if options.rate is None else f"{options.rate:.10g}/s"
        rate = "silent" if options.profile == "idle" else rate
        each = f"{self._cpu_us:.1f} µs a message" if self.confirmed else "no message"
        early = ", ended early" if self.interrupted else ""
        urls = f"{len(options.urls)} URL{'s' if len(options.urls) > 1 else ''}"
        return [
            f"chat load {options.profile}: {options.pairs} pairs, {rate}, {self.seconds:.1f} s{early}, {urls}",
            _row(
                "people",
                (self.people, "asked for"), (self.here, "here at the end"),
                (tally.meetings, "meetings"), (tally.sockets_lost, "sockets lost"),
                (tally.cut, "cut"), (tally.came_back, "came back"),
                (tally.accounts_lost, "accounts lost"), (tally.unrecovered, "not recovered"),
                always=2,
            ),
            _row(
                "messages",
                (tally.said, "said"),
                (tally.confirmed, f"confirmed ({self._confirmed_each_second:.0f}/s)"),
                (tally.arrived, "arrived"), (tally.repeated, "repeated"),
                (tally.held_back, "held back"), (tally.refused, "refused"),
                (tally.unanswered, "without an answer"),
            ),
            _row(
                "the book",
                (book.missing, "missing"), (book.twice, "twice"), (book.disordered, "disordered"),
                (book.strange, "strange"),
            ),
            f"generator {self._share:.0%} of a core · {each} · {self.behind * 1e3:.0f} ms late at most",
        ]  # fmt: skip

    def _table(self) -> list[str]:
        head = f"{'ms':<10}{'count':>9}" + "".join(f"{name:>9}" for name in (*_SHOWN, "max"))
        return [head, *(_line(name, getattr(self.tally, name)) for name in TIMES)]

    def _foot(self) -> list[str]:
        tally = self.tally
        lines = [
            f"{count} x {request} with code {named(code)}"
            for (request, code), count in tally.errors.most_common()
        ]
        lines += [f"{count} x {what}" for what, count in tally.troubles.most_common()]
        if tally.all_back is not None:
            lines.append(f"all were back after {tally.all_back:.2f} s")
        if tally.held_back:
            lines.append(
                "held back: the load was less than asked for, and the times are too good: people had"
                " nobody to talk to, or 64 messages without an answer, or there was no time left for it"
            )
        if self.book.missing and self.here < self.people:
            lines.append(
                "missing: some of it may be for those who are not here, and wait for their return"
            )
        if self._share > 0.9:
            lines.append("the generator had no CPU left: the times are also its own; use several")
        lines += [f"hint: {hint}" for hint in hints(tally)]
        return [*lines, self._verdict()]

    def _verdict(self) -> str:
        if not self.ok:
            return "NOT ok: " + ", ".join(f"{n} {what}" for what, n in self._wrong.items() if n)
        if not self.tally.said:
            return "ok so far" if self.interrupted else "ok: everybody is here"
        return "ok: every confirmed message arrived once, in order"


_SHOWN = ("p50", "p90", "p99", "p99.9")


def _row(name: str, *parts: tuple[int, str], always: int = 4) -> str:
    """What is 0 and not among the first ones is left out."""
    shown = [f"{n} {what}" for place, (n, what) in enumerate(parts) if n or place < always]
    return f"{name:<10}{' · '.join(shown)}"


def _line(name: str, times: Histogram) -> str:
    if not times.count:
        return f"{name:<10}{0:>9}" + f"{'-':>9}" * 5
    values = [*(times.quantile(share) for share in QUANTILES.values()), times.longest]
    return f"{name:<10}{times.count:>9}" + "".join(f"{value * 1e3:>9.1f}" for value in values)


def _times(times: Histogram) -> dict[str, float]:
    values = {name: round(times.quantile(share) * 1e3, 3) for name, share in QUANTILES.items()}
    return {"count": times.count, **values, "max": round(times.longest * 1e3, 3)}
