"""How counterparts use Redis: a bounded pool, and a list in which strangers wait for each other."""

from collections.abc import Awaitable, Callable

from redis.asyncio import BlockingConnectionPool, Redis

CONNECTIONS = 16
MEET = """
local waiting = redis.call('LPOP', KEYS[1])
if not waiting then redis.call('RPUSH', KEYS[1], ARGV[1]) end
return waiting
"""


def pool_at(redis_url: str) -> BlockingConnectionPool:
    """Left alone, redis-py makes a connection for each call that is under way, and refuses more than 100.

    Allowing more costs several times the CPU as soon as Redis is a moment late, and never less.
    """
    return BlockingConnectionPool.from_url(
        redis_url, max_connections=CONNECTIONS, timeout=60, decode_responses=True
    )


def meeting(redis_url: str) -> Callable[[str], Awaitable[str | None]]:
    """What takes who asks, and returns who has waited longest; or None, and who asks waits.

    In one step: otherwise two who ask at once might both wait.
    """
    script = Redis(connection_pool=pool_at(redis_url)).register_script(MEET)

    async def meet(who: str) -> str | None:
        found: str | None = await script(["queue"], [who])
        return found

    return meet
