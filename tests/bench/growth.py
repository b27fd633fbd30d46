"""How cost grows: messages a second with more nodes, CPU for a message with more connections and more sessions.

All nodes share one core of this machine, where it has two, so that more of them are not more CPU: what a message costs
is the figure to look at. It should stay flat.
"""

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from chat.load.files import provide_files
from tests.bench import scale
from tests.bench.growing import QUICK, Growth, Steps
from tests.bench.lines import picture
from tests.bench.meter import Cores, on_core
from tests.bench.run import redis_server, versions
from tests.bench.table import number

ROOT = Path(__file__).parents[2]
RESULT, PICTURE = ROOT / "docs/growth.json", ROOT / "docs/growth.svg"
PARTS = "nodes", "connections", "sessions"


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shows that it works, and no more")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result is kept")
    parser.add_argument("--publish", action="store_true", help="into docs/")
    return parser.parse_args(arguments)


def run(steps: Steps) -> dict[str, Any]:
    """What is kept as JSON: CPU in µs, memory in kB of 1000 bytes, what is silent for a person and a second."""
    cores = Cores.here()
    with ExitStack() as stack:
        with on_core(cores.redis):
            server = stack.enter_context(redis_server(appendonly=False))
        stack.enter_context(on_core(cores.driver))
        growth = Growth(server, cores, steps)
        nodes = growth.nodes()
        connections, silence = growth.connections()
        sessions, person = growth.sessions()
        machine = f"{cores.note}; {', '.join(versions(server))}"
    return {
        "machine": machine,
        "work": dataclasses.asdict(steps),
        "nodes": nodes,
        "connections": connections,
        "sessions": sessions,
        "silence": silence,
        "person": person,
    }


def table(result: Mapping[str, Any]) -> str:
    """Markdown: a row for each step."""
    head = ("", "", "messages a second", "CPU of nodes, µs", "CPU of Redis, µs", "others, % of a core")  # fmt: skip
    lines = [_row(head), _row(("---", *["--:"] * (len(head) - 1)))]
    for part in PARTS:
        for row in result[part]:
            figures = (row[key] for key in ("rate", "node", "redis"))
            others = number(row["others"]) if "others" in row else ""
            lines.append(_row((part, str(row[part]), *map(number, figures), others)))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def publish(result: Mapping[str, Any]) -> None:
    """The figures, their picture, and the page that is computed from them."""
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    PICTURE.write_text(picture(result))
    scale.publish()


def main() -> None:
    options = options_of()
    steps = QUICK if options.quick else Steps()
    provide_files(max(*steps.connections, 2 * max(steps.sessions)))
    result = run(steps)
    print(f"{result['machine']}\n{table(result)}")
    for part in "silence", "person":
        print(f"{part}: " + ", ".join(f"{key} {value:g}" for key, value in result[part].items()))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.publish:
        publish(result)


if __name__ == "__main__":
    main()
