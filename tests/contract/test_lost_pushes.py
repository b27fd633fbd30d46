"""A push that Redis lost for good: the client hears of it once, and the talk goes on."""

import asyncio

from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.servers import Server
from tests.support.wire import Wire, pair


def test_after_a_lost_push_coming_back_is_said_to_be_incomplete_and_works(
    redis_server: Server,
) -> None:
    """``recovered: false``, then what is still there, then new messages on the same socket."""

    async def scenario(url: str) -> None:
        alice, bob, session = await pair(url, url)
        await bob.say(session, "lost")
        await bob.say(session, "kept")
        alice.abort()
        await bob.expect("PUSH_SIGNAL_REQ", signalType="PartnerAway")
        with redis_server.client() as client:
            assert client.xdel(f"chat:{{0}}:inbox:{alice.account_id}", "2-0") == 1
        again = await Wire.open(url)
        answer = await again.take_over(alice, seq=1)
        assert (answer["code"], answer["recovered"]) == (0, False)
        await again.expect("PUSH_DIALOGUE_REQ", content="kept", seq=3)
        await bob.say(session, "new")
        await again.expect("PUSH_DIALOGUE_REQ", content="new")

    with NodeProcess(redis_server.url, NO_LIMITS) as node:
        asyncio.run(scenario(node.url))
