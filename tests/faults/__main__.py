"""The long form of the trials: more people, more rounds, several seeds; prints a table.

python -m tests.faults --pairs 30 --rounds 5 --trials 3
python -m tests.faults --seed 12345 --on cluster kill freeze
"""

import argparse
import asyncio
import secrets
import sys

from tests.faults.grounds import GROUNDS
from tests.faults.kinds import KINDS, trials
from tests.faults.publish import publish
from tests.faults.report import line, table
from tests.faults.trial import Report, run


def main() -> int:
    """0 when nothing was lost, doubled, disordered, ended or left over."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)}; or all")
    parser.add_argument(
        "--on", action="append", choices=GROUNDS, help="what nodes stand on; or all of them"
    )
    parser.add_argument("--pairs", type=int, default=30, help="pairs of people who talk")
    parser.add_argument("--rounds", type=int, default=3, help="how often a trial does its harm")
    parser.add_argument("--trials", type=int, default=1, help="trials of each kind")
    parser.add_argument("--seed", type=int, help="of the first trial; the next have the next")
    parser.add_argument(
        "--publish",
        action="store_true",
        help="into docs/, where it takes the place of what was measured alike before",
    )
    options = parser.parse_args()
    if options.publish and options.trials != 1:
        parser.error("what is published is one trial of each kind")
    unknown = set(options.kinds) - KINDS.keys()
    if unknown:
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    first = secrets.randbelow(2**31) if options.seed is None else options.seed
    reports: list[Report] = []
    for on, kind in trials(*options.on or ()):
        if options.kinds and kind not in options.kinds:
            continue
        for number in range(options.trials):
            report = asyncio.run(
                run(on, kind, first + number, pairs=options.pairs, rounds=options.rounds)
            )
            print(line(report), flush=True)
            reports.append(report)
    print("\n" + table(reports))
    if options.publish:
        publish(reports, f"`python -m tests.faults --pairs {options.pairs} --rounds {options.rounds} --seed {first} --publish`:")  # fmt: skip
    return 1 if any(report.faults for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
