"""A Redis that is no primary any more: nobody is told that it has taken a message."""

import asyncio

from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import HOST, free_port
from tests.support.servers import Server
from tests.support.wire import pair

QUICK = {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "0.8", "CHAT_NODE_LEASE_SECONDS": "4"}
ROUNDS = 5


def test_a_message_to_a_demoted_primary(empty_server: Server) -> None:
    """Somebody talks all the while it is demoted and promoted again: from the moment it has become a replica until
    it is a primary again no answer is 0, and what was answered with 0 is there, once and in order."""

    async def scenario(node: NodeProcess) -> None:
        a, b, session = await pair(node.url, node.url)
        confirmed: list[int] = []
        with empty_server.client() as client:
            for number in range(ROUNDS * 20):
                demoted = number % 20 >= 10
                if number % 20 == 10:
                    client.replicaof(HOST, str(free_port()))
                elif number and number % 20 == 0:
                    client.replicaof("NO", "ONE")
                code, retry = 2, None
                while code == 2:
                    code = (await a.say(session, f"{number}", f"r-{number}", retry))["code"]
                    retry = True
                    if demoted:
                        assert code == 2, "a replica has taken a message"
                        break
                if code == 0:
                    confirmed.append(number)
            client.replicaof("NO", "ONE")
        assert confirmed == [n for n in range(ROUNDS * 20) if n % 20 < 10]
        for number in confirmed:
            await b.expect("PUSH_DIALOGUE_REQ", content=f"{number}")

    with NodeProcess(empty_server.url, QUICK) as node:
        asyncio.run(asyncio.wait_for(scenario(node), 60))
