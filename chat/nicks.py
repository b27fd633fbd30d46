"""Friendly names for those who give none."""

from collections.abc import Callable, Sequence

ADJECTIVES = (
    "Amber", "Bold", "Brave", "Bright", "Calm", "Clever", "Cosy", "Curious", "Gentle", "Golden",
    "Happy", "Jolly", "Kind", "Lively", "Lucky", "Merry", "Mild", "Nimble", "Quiet", "Silver",
    "Sunny", "Swift", "Warm", "Wise",
)  # fmt: skip
ANIMALS = (
    "Badger", "Beaver", "Crane", "Deer", "Dolphin", "Falcon", "Finch", "Fox", "Hare", "Hedgehog",
    "Heron", "Koala", "Lark", "Lynx", "Otter", "Owl", "Panda", "Puffin", "Robin", "Seal",
    "Sparrow", "Squirrel", "Swan", "Turtle",
)  # fmt: skip


def friendly_nick(choose: Callable[[Sequence[str]], str]) -> str:
    """Two words, like "Curious Otter"; ``choose`` is random.choice."""
    return f"{choose(ADJECTIVES)} {choose(ANIMALS)}"
