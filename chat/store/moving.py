"""How an account that waits alone gets to another pool: one method for each step (see "Moving" in the library)."""

from collections.abc import Sequence
from typing import Any

from chat.errors import Code
from chat.store.calls import Part
from chat.store.functions import Functions


class Moving:
    """``node`` is this node's name; ``grace`` in ms."""

    def __init__(self, functions: Functions, node: str, grace: int) -> None:
        self._functions = functions
        self._node = node
        self._grace = grace

    async def alone(self, pool: int) -> tuple[int, int, int, int] | None:
        """Who would be paired next there: (how many wait, account, epoch, ms it has waited), where the account is 0
        if its socket is not here, and -1 if it cannot move; None where Redis does not answer."""
        code, values = await self._functions.wait("alone", pool, (self._node,))
        return (values[0], values[1], values[2], values[3]) if code == Code.SUCCESS else None

    async def copy(self, pool: int, account: int, epoch: int) -> tuple[int, Sequence[Any]]:
        """The code, and token, seq, acked, fields and pushes of an account that waits."""
        return await self._functions.wait("copy", pool, (account, epoch))

    async def admit(
        self, pool: int, account: int, fields: Sequence[Part], pushes: Sequence[Part]
    ) -> int:
        """The account is there too from here on, away."""
        args = (account, self._grace, len(pushes), *pushes, *fields)
        return (await self._functions.wait("admit", pool, args))[0]

    async def depart(
        self, pool: int, account: int, epoch: int, seq: int, acked: int, to: int
    ) -> int:
        """The account lives in that other pool from here on, if it is as it was copied."""
        args = (account, epoch, seq, acked, to)
        return (await self._functions.wait("depart", pool, args))[0]

    def keep(self, pool: int, moved: Sequence[int]) -> None:
        """Accounts that have moved away from that pool live: each is followed by the pool where it does."""
        self._functions.call("keep", pool, moved, lambda code, values: None)

    def forget(self, pool: int, account: int) -> None:
        """That account has ended that has moved away from that pool."""
        self._functions.call("forget", pool, (account,), lambda code, values: None)
