"""The result as the README shows it: the JSON beside the picture, the picture, and the table.

``python -m tests.bench.publish`` makes picture and table anew from ``docs/benchmark.json``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench import scale
from tests.bench.blocks import with_block
from tests.bench.chart import chart
from tests.bench.systems import TITLES
from tests.bench.table import floor_line, summary

ROOT = Path(__file__).parents[2]
RESULT, PICTURE = ROOT / "docs/benchmark.json", ROOT / "docs/benchmark.svg"
README = ROOT / "README.md"
BEGIN, END = "<!-- benchmark: by python -m tests.bench --publish -->\n", "<!-- /benchmark -->"


def publish(result: Mapping[str, Any]) -> None:
    """Writes all three, and the page that is computed from them."""
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    PICTURE.write_text(chart(result["rounds"], TITLES))
    README.write_text(with_block(README.read_text(), BEGIN, block(result), END))
    scale.publish()


def block(result: Mapping[str, Any]) -> str:
    """What the README says between its two marks."""
    parts = summary(result["rounds"], TITLES), floor_line(result["floor"])
    return "\n".join(f"{part}\n" for part in parts if part)


def main() -> None:
    publish(json.loads(RESULT.read_text()))


if __name__ == "__main__":
    main()
