"""Pictures of every state of the page: ``python -m tests.browser.screens DIRECTORY``."""

import argparse
import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from tests.browser.conftest import House, open_house
from tests.browser.scene import DESKTOP, PHONE, Person, windows
from tests.browser.states import all_states

SIZES = {"desktop": DESKTOP, "phone": PHONE}
SCHEMES = ("light", "dark")


async def take(directory: Path, suffix: str, state: str, person: Person) -> None:
    """One picture, of what has come to rest."""
    moving = "document.getAnimations().filter(one => one.effect.getTiming().iterations === 1)"
    await person.page.evaluate(f"Promise.allSettled({moving}.map(one => one.finished))")
    await person.page.screenshot(path=directory / f"{state}-{suffix}.png")


async def pictures(house: House, directory: Path, size: str, scheme: str) -> None:
    """All states, on one kind of screen."""
    options: dict[str, Any] = {"viewport": SIZES[size], "color_scheme": scheme}
    async with windows(house.http) as open_window:
        await all_states(
            house, partial(open_window, **options), partial(take, directory, f"{size}-{scheme}")
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    directory.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        for scheme in SCHEMES:
            with open_house() as house:
                asyncio.run(pictures(house, directory, size, scheme))


if __name__ == "__main__":
    main()
