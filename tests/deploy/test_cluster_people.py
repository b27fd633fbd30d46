"""k8s/overlays/cluster: people who talk over its pools meanwhile."""

import asyncio

from tests.deploy.cluster_contents import copied, nobody_lacks_a_permission, until_another
from tests.deploy.cluster_pods import PASSWORDS, POOLS, cluster_pods
from tests.deploy.pods import PATIENCE
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.wire import Wire, pair

QUICK = {**NO_LIMITS, "CHAT_REDIS_TIMEOUT_SECONDS": "0.8", "CHAT_NODE_LEASE_SECONDS": "4"}


async def say_to_all(people: list[tuple[Wire, Wire, int]], word: str) -> None:
    """Each to their partner, again while it is refused, and it arrives once."""
    for one, other, session in people:
        retry = None
        async with asyncio.timeout(PATIENCE):
            while (await one.say(session, word, word, retry))["code"] != 0:
                retry = True
                await one.nothing()
        await other.expect("PUSH_DIALOGUE_REQ", content=word)


def test_people_go_on_whatever_happens_to_their_pool() -> None:
    """A pair in each pool, over two nodes that wait for a replica: while one is moved, while a primary hands over and
    is restarted, when another one is killed and comes back as the replica that is waited for."""
    with cluster_pods() as cluster:
        cluster.start()
        cluster.until_whole()
        servers = cluster.servers
        url = f"redis+cluster://chat:{PASSWORDS['chat']}@{servers[0].place},{servers[4].place}"
        pools = {**QUICK, "CHAT_POOLS": str(POOLS), "CHAT_POOL_ACCOUNTS": "2"}
        pools |= {"CHAT_REPLICAS_TO_WAIT": "1"}
        with NodeProcess(url, pools) as node, NodeProcess(url, pools) as other:

            async def scenario() -> None:
                people = [await pair(node.url, other.url) for _ in range(POOLS)]
                assert {one.account_id % 1000 for one, _, _ in people} == set(range(POOLS))
                await say_to_all(people, "hello")
                moved = await asyncio.to_thread(cluster.keeper.run, "move.py", "0", servers[2].host)
                assert moved.returncode == 0, moved.stderr
                await say_to_all(people, "moved")
                await asyncio.to_thread(servers[1].hand_over)
                await asyncio.to_thread(servers[1].stop)
                servers[1].start()
                await say_to_all(people, "handed over")
                await asyncio.to_thread(copied, servers[2], cluster.replica_of(servers[2]))
                servers[2].kill()
                await asyncio.to_thread(until_another, cluster, servers[2], 2)
                servers[2].start()
                await say_to_all(people, "killed")
                for one, _, session in people:
                    assert (await one.leave(session))["code"] == 0

            asyncio.run(scenario())
        nobody_lacks_a_permission(cluster)
