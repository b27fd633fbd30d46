"""Who is quiet is asked, who stays silent is lost: with short times, over the wire."""

import asyncio

from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.wire import Wire, pair
from tests.wire.abuse import end_of, quiet_node

QUICK = {**NO_LIMITS, "CHAT_PING_INTERVAL_SECONDS": "0.5", "CHAT_PING_TIMEOUT_SECONDS": "1.5"}


def test_a_quiet_client_is_asked() -> None:
    """PING_REQ with its id; whoever answers lives on past the limit, by a PING_RESP as by anything else."""

    async def scenario(node: NodeProcess) -> None:
        async with await Wire.open(node.url) as wire, await Wire.open(node.url) as other:
            await wire.create()
            await other.create()
            for _ in range(3):
                await wire.expect("PING_REQ", accountId=wire.account_id)
                wire.send({"cmd": "PING_RESP", "accountId": wire.account_id})
                await other.expect("PING_REQ", accountId=other.account_id)
                await other.nothing()
            await wire.nothing()
            await other.nothing()

    with quiet_node(QUICK) as node:
        asyncio.run(scenario(node))


def test_a_silent_client_is_lost() -> None:
    """Its socket is closed so that it may come back, and its partner is told."""

    async def scenario(node: NodeProcess) -> None:
        alice, bob, _ = await pair(node.url, node.url)
        bob.answer_pings = False
        away = asyncio.create_task(
            alice.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway", timeout=10)
        )
        await bob.expect("PING_REQ", accountId=bob.account_id)
        assert await end_of(bob) == 1001
        assert (await away)["data"] == {"accountId": bob.account_id}

    with quiet_node(QUICK) as node:
        asyncio.run(scenario(node))
