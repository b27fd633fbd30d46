"""What a parent hands to a worker on its command line."""

from typing import NamedTuple


class Given(NamedTuple):
    """Which worker it is, from 1 on, and the numbers of the descriptors that it inherits."""

    number: int
    shared: int
    own: int
    rope: int
    ledger: int

    @classmethod
    def read(cls, text: str) -> "Given":
        """As ``spelt``; raises ValueError."""
        number, shared, own, rope, ledger = map(int, text.split(":"))
        return cls(number, shared, own, rope, ledger)

    def spelt(self) -> str:
        return ":".join(map(str, self))
