"""The same work on this project and on others, in turns: what a message, a socket and a person cost.

CPU is that of the processes: what else goes on here changes it less than times and rates, and for all alike.
"""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from chat.load.files import provide_files
from tests.bench.publish import publish
from tests.bench.run import run
from tests.bench.systems import SYSTEMS, TITLES
from tests.bench.table import floor_line, table, warning
from tests.bench.work import PHASES, QUICK, Work


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    names = ",".join(SYSTEMS)
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", default=names, metavar="NAME,…", help=f"of {names}")
    parser.add_argument(
        "--phases", default=",".join(PHASES), metavar="PHASE,…", help=f"of {','.join(PHASES)}"
    )
    parser.add_argument("--rounds", type=int, help="in turns (3; 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help="shows that it works, and no more")
    parser.add_argument("--people", type=int, help=f"divisible by four ({Work.people})")
    parser.add_argument("--pairs", type=int, help=f"that talk ({Work.pairs})")
    parser.add_argument("--window", type=int, help=f"messages under way in a pair ({Work.window})")
    parser.add_argument("--seconds", type=float, dest="busy", help=f"of talking ({Work.busy:g})")
    parser.add_argument("--appendonly", action="store_true", help="Redis writes all to its disk")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result is kept")
    parser.add_argument("--publish", action="store_true", help="into docs/ and README.md")
    options = parser.parse_args(arguments)
    if not set(options.only.split(",")) <= set(SYSTEMS):
        parser.error(f"--only takes some of {names}")
    if options.people is not None and options.people % 4:
        parser.error("--people takes a number divisible by four")
    if options.publish and options.only != names:
        parser.error("--publish shows all of them")
    return options


def work_of(options: argparse.Namespace) -> Work:
    """How much is done."""
    given = {
        name: value
        for name in ("people", "pairs", "window", "busy")
        if (value := getattr(options, name)) is not None
    }
    if "busy" in given:
        given["half"] = given["busy"]
    phases = tuple(options.phases.split(","))
    return dataclasses.replace(QUICK if options.quick else Work(), phases=phases, **given)


def main() -> None:
    options = options_of()
    rounds = options.rounds or (1 if options.quick else 3)
    work = work_of(options)
    provide_files(work.people)
    result = run(work, options.only.split(","), rounds, appendonly=options.appendonly)
    print(result["machine"])
    print(table(result["rounds"], TITLES))
    for line in (floor_line(result["floor"]), warning(result["rounds"])):
        if line:
            print(f"\n{line}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.publish:
        publish(result)


if __name__ == "__main__":
    main()
